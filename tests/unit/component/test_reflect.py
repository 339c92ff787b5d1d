"""Types that are read through wasmtime's reflection, and those that are refused."""

from __future__ import annotations

import pytest
import wasmtime

from wasihost._base.errors import ComponentError, UnsupportedTypeError
from wasihost._component.running.engine import default_engine
from wasihost._component.world import types
from wasihost._component.world.reflect import reflect

COUNTS = types.Map(types.STRING, types.U32)


def world(text: str) -> types.World:
    return reflect(default_engine(), bytes(wasmtime.wat2wasm(text)))


@pytest.mark.parametrize(
    ("text", "t"),
    [
        ("$counts", COUNTS),
        ("(list $counts)", types.List(COUNTS)),
        ("(tuple u8 $counts)", types.Tuple((types.U8, COUNTS))),
        ("(option $counts)", types.Option(COUNTS)),
        ("(result $counts (error $counts))", types.Result(COUNTS, COUNTS)),
        ("(map u8 $counts)", types.Map(types.U8, COUNTS)),
        ("(future $counts)", types.Future(COUNTS)),
    ],
)
def test_a_map_is_read_wherever_it_stands(text: str, t: types.ValType) -> None:
    definition = f"(type $t {text})" if text.startswith("(") else ""
    name = "$t" if definition else text
    found = world(
        f"""(component (type $counts (map string u32)) {definition}
        (import "f" (func (param "x" {name}) (result {name}))))"""
    )
    assert found.imports[""].funcs["f"] == types.Func((("x", t),), t)


def test_a_map_in_an_interface_is_read_and_one_in_a_record_or_variant() -> None:
    items = world("""(component (import "a:b/i" (instance (type $counts (map string u32))
      (type $r (record (field "a" $counts))) (export "r" (type (eq $r)))
      (export "c" (type (eq $counts)))
      (type $v (variant (case "a" $counts))) (export "v" (type (eq $v))))))""").imports["a:b/i"]
    assert items.items == {"r": types.Record((("a", COUNTS),)), "c": COUNTS, "v": types.Variant((("a", COUNTS),))}


OF_FIXED_LENGTH = "a list of fixed length cannot be used"
ERROR_CONTEXT = "error-context cannot be used"


@pytest.mark.parametrize(
    ("t", "message"),
    [("(list u8 4)", OF_FIXED_LENGTH), ("error-context", ERROR_CONTEXT), ("(list error-context)", ERROR_CONTEXT)],
)
def test_a_type_that_wasmtime_has_switched_off_is_refused_by_its_name_and_interface(t: str, message: str) -> None:
    fine = '(import "x:y/fine" (instance (export "f" (func (param "x" u32)))))'
    with pytest.raises(UnsupportedTypeError, match=f"^a:b/i: {message}"):
        world(f"""(component {fine} (import "a:b/i" (instance (type $t {t}) (export "f" (func (param "x" $t)))))
        {fine.replace("fine", "other")})""")
    with pytest.raises(UnsupportedTypeError, match=f"^g: {message}"):
        world(f"""(component {fine} (type $t {t}) (type $f (func (param "x" $t)))
        (core module $m (func (export "g") (param i32 i32 i32 i32))) (core instance $i (instantiate $m))
        (func $g (type $f) (canon lift (core func $i "g"))) (export "g" (func $g)))""")


def test_a_wit_package_in_binary_form_is_no_program() -> None:
    with pytest.raises(ComponentError, match="it is a WIT package in binary form"):
        world("""(component (type $t (component (export "a:b/i" (instance (export "f" (func))))))
        (export "i" (type $t)))""")


@pytest.mark.parametrize(
    ("item", "word"),
    [("(core module)", "core module"), ("(component)", "component"), ("(instance)", "nested instance")],
)
def test_what_cannot_be_imported_is_named(item: str, word: str) -> None:
    with pytest.raises(UnsupportedTypeError, match=f"a:b/i#x: importing a {word} is not supported"):
        world(f'(component (import "a:b/i" (instance (export "x" {item}))))')
