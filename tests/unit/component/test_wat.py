from __future__ import annotations

import pytest
import wasmtime

from wasihost._base.errors import InternalError
from wasihost._base.quoting import wat_string
from wasihost._component.composition.wat import TypeScope, signature
from wasihost._component.world import types


@pytest.mark.parametrize(
    ("text", "quoted"), [("a-b", '"a-b"'), ('a"b\\c', '"a\\22b\\5cc"'), ("é\n", '"\\c3\\a9\\0a"'), ("", '""')]
)
def test_names_are_quoted(text: str, quoted: str) -> None:
    assert wat_string(text) == quoted


def test_signatures() -> None:
    assert signature(["i32", "f64"], ["i64"]) == " (param i32) (param f64) (result i64)"
    assert signature([]) == ""


def test_a_type_is_defined_once_and_after_what_it_mentions() -> None:
    scope = TypeScope()
    inner = types.List(types.STRING)
    assert scope.ref(types.Option(inner)) == scope.ref(types.Option(inner))
    assert len(scope.lines) == 2
    assert "(list string)" in scope.lines[0]
    assert scope.ref(types.U8) == "u8"


def test_nominal_types_are_named_where_that_is_needed() -> None:
    thing = types.Resource("thing")
    scope = TypeScope(naming=True)
    scope.ref(types.Record((("x", types.Own(thing)),)))
    assert list(scope.named.values()) == [thing, types.Record((("x", types.Own(thing)),))]


def test_a_resource_that_nobody_knows_is_a_bug_of_ours() -> None:
    with pytest.raises(InternalError, match="thing"):
        TypeScope().ref(types.Own(types.Resource("thing")))


def test_methods_mention_a_resource_by_its_first_name() -> None:
    thing = types.Resource("thing")
    scope = TypeScope()
    scope.export_item("thing", thing)
    scope.export_item("alias", thing)
    method = types.Func((("self", types.Borrow(thing)),), None)
    func = scope.func(method)
    lines = [*scope.lines, f'(export "[method]thing.f" {func})']
    wasmtime.wat2wasm(f'(component (import "a:b/c" (instance {" ".join(lines)})))')


def test_every_type_has_a_text_that_wasmtime_takes() -> None:
    every = types.Tuple(
        (
            *(types.BOOL, types.CHAR, types.STRING, types.S8, types.U64, types.F32),
            types.Record((("a", types.U8),)),
            types.Variant((("a", None), ("b", types.U8))),
            types.Enum(("a", "b")),
            types.Flags(("a",)),
            types.Option(types.U8),
            *(types.Result(None, None), types.Result(types.U8, None), types.Result(None, types.U8)),
            *(types.Stream(None), types.Stream(types.U8), types.Future(None), types.Future(types.STRING)),
        )
    )
    scope = TypeScope(naming=True)
    func = scope.func(types.Func((("x", every),), every, is_async=True))
    lines = [*scope.lines, f'(export "f" {func})']
    wasmtime.wat2wasm(f'(component (import "a:b/c" (instance {" ".join(lines)})))')
