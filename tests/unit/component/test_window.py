"""Which functions pass through a window, and what becomes of the binary. What guests notice: tests/hostile."""

from __future__ import annotations

import pytest
import wasmtime
from wasmtime.component import Component

from tests.guests.harness import PREBUILT
from wasihost._component.composition.window import give_window
from wasihost._component.running.engine import default_engine
from wasihost._component.world import binary
from wasihost._component.world.passages import Passage, can_pass, lengths_only, passages
from wasihost._component.world.types import (
    STRING,
    U8,
    U32,
    U64,
    Borrow,
    Func,
    Interface,
    List,
    Map,
    Resource,
    Result,
    Tuple,
    ValType,
)

ENGINE = default_engine()
BYTES = List(U8)
SELF = ("self", Borrow(Resource("r")))
STREAMS = {
    "[method]input-stream.read": Passage.GIVES,
    "[method]input-stream.blocking-read": Passage.GIVES,
    "[method]output-stream.write": Passage.TAKES,
    "[method]output-stream.blocking-write-and-flush": Passage.TAKES,
}


def func(result: ValType | None, *params: ValType) -> Func:
    return Func((SELF, *((f"p{number}", t) for number, t in enumerate(params))), result)


@pytest.mark.parametrize(
    ("function", "passage"),
    [
        (func(Result(None, STRING), BYTES), Passage.TAKES),
        (func(Result(BYTES, STRING), U64), Passage.GIVES),
        (func(None, BYTES), None),
        (func(Result(None, None), BYTES), None),
        (func(Result(None, STRING), BYTES, U32), None),
        (func(Result(None, BYTES), BYTES), None),
        (func(Result(BYTES, STRING), U32), None),
        (func(Result(BYTES, U64), U64), None),
        (func(Result(Tuple((BYTES, U8)), STRING), U64), None),
        (func(Result(None, STRING), List(U32)), None),
        (func(Result(BYTES, Map(U8, U8)), U64), None),
    ],
)
def test_a_function_passes_if_window_wat_has_its_form(function: Func, passage: Passage | None) -> None:
    found = passages(Interface({"f": function}))
    assert found == ({} if passage is None else {"f": passage})


def test_an_interface_passes_if_all_its_lists_of_bytes_do() -> None:
    takes = func(Result(None, STRING), BYTES)
    assert can_pass(Interface({"f": takes, "g": func(U32, U64)}))
    assert not can_pass(Interface({"f": takes, "g": func(None, BYTES)}))
    assert not can_pass(Interface({"g": func(U32, U64)}))


def test_the_host_sees_lengths() -> None:
    interface = Interface({"f": func(Result(BYTES, STRING), U64), "g": func(Result(None, STRING), BYTES)})
    expected = Interface({"f": func(Result(U32, STRING), U64), "g": func(Result(None, STRING), U32)})
    assert lengths_only(interface) == expected


IMPORT = """
  (import "a:b/c" (instance $c
    (export "r" (type $r (sub resource)))
    (export "put" (func (param "self" (borrow $r)) (param "data" (list u8)) (result (result (error string)))))))"""
LIBC = """
  (core module $libc (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0))
    (func (export "drop") (param i32)))
  (core instance $libc (instantiate $libc))"""
LOWER = """
  (core func $put (canon lower (func $c "put")
    (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))"""
MODULE = """
  (core module $m
    (import "" "put" (func (param i32 i32 i32 i32)))
    (func (export "f") (result i32) (i32.const 0)))
  (core instance $m (instantiate $m (with "" (instance (export "put" (func $put))))))
  (func (export "f") (result u32) (canon lift (core func $m "f")))"""


def rewritten(*parts: str) -> bytes | None:
    wasm = bytes(wasmtime.wat2wasm(f"(component $guest {IMPORT} {' '.join(parts)})"))
    return give_window(wasm, {"a:b/c": {"put": Passage.TAKES}})


@pytest.mark.parametrize(
    "parts",
    [
        (LIBC, LOWER, MODULE),
        ("(component (core module))", LIBC, LOWER, MODULE),
        (LIBC, '(type (resource (rep i32) (dtor (core func $libc "drop"))))', LOWER, MODULE),
        (LIBC, LOWER, LOWER.replace("$put", "$again"), MODULE),
        (LIBC, LOWER, MODULE, "(core instance (instantiate $libc))"),
    ],
)
def test_indices_behind_a_lowering_are_renumbered(parts: tuple[str, ...]) -> None:
    found = rewritten(*parts)
    assert found is not None
    Component(ENGINE, found)


@pytest.mark.parametrize(
    "parts",
    [
        (LIBC,),
        (LIBC, LOWER, MODULE, '(type (resource (rep i32) (dtor (core func $m "f"))))'),
        (LIBC, "(component (component (alias outer $guest $libc (core module))))", LOWER, MODULE),
    ],
    ids=["nothing lowered", "a destructor", "a module from outside"],
)
def test_what_may_mention_an_old_index_stays_as_it_is(parts: tuple[str, ...]) -> None:
    assert rewritten(*parts) is None


def test_a_binary_that_is_cut_off_stays_as_it_is() -> None:
    wasm = bytes(wasmtime.wat2wasm(f"(component {IMPORT} {LIBC} {LOWER} {MODULE})"))
    for end in range(len(wasm)):  # which may be between two sections
        give_window(wasm[:end], {"a:b/c": {"put": Passage.TAKES}})


@pytest.mark.parametrize(
    ("name", "version"),
    [("c-p2-bsd", "0.2.12"), ("rust-p2-tokio", "0.2.9"), ("rust-bin-p3", "0.2.6")],
)
def test_guests_of_real_toolchains_get_a_window(name: str, version: str) -> None:
    wasm = (PREBUILT / f"{name}.wasm").read_bytes()
    found = give_window(wasm, {f"wasi:io/streams@{version}": STREAMS})
    assert found is not None
    Component(ENGINE, binary.hollow(found))
