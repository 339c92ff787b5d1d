"""Types that belong to a world and not to an interface: defined there, or used from an interface."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import wasmtime

from tests.abi.running import assemble, running
from wasihost._base.errors import ComponentError, LinkError
from wasihost._component.running.engine import default_engine
from wasihost._component.world import types
from wasihost._component.world.plain import from_plain, to_plain
from wasihost._component.world.reflect import reflect

DEFINITIONS = {
    "id": ("u64", types.U64),
    "bytes": ("(list u8)", types.List(types.U8)),
    "pair": ("(tuple u8 $id)", types.Tuple((types.U8, types.U64))),
    "point": ('(record (field "x" u32))', types.Record((("x", types.U32),))),
    "line": ('(record (field "to" $point))', types.Record((("to", types.Record((("x", types.U32),))),))),
    "shade": ('(enum "dark" "light")', types.Enum(("dark", "light"))),
    "marks": ('(flags "a" "b")', types.Flags(("a", "b"))),
    "shape": ('(variant (case "dot") (case "at" $point))', None),
    "maybe": ("(option $shade)", types.Option(types.Enum(("dark", "light")))),
    "outcome": ("(result $id (error $shade))", types.Result(types.U64, types.Enum(("dark", "light")))),
    "source": ("(stream $point)", types.Stream(types.Record((("x", types.U32),)))),
}


def imported(definitions: dict[str, Any]) -> str:
    return " ".join(
        f'(type $defined-{name} {text}) (import "{name}" (type ${name} (eq $defined-{name})))'
        for name, (text, _) in definitions.items()
    )


def world(text: str) -> types.World:
    return reflect(default_engine(), bytes(wasmtime.wat2wasm(text)))


def test_types_of_a_world_are_reflected_by_name_and_in_order() -> None:
    found = world(f"(component {imported(DEFINITIONS)})").imports[""].items
    assert list(found) == list(DEFINITIONS)
    assert {name: t for name, t in found.items() if name != "shape"} == {
        name: t for name, (_, t) in DEFINITIONS.items() if t is not None
    }


def test_types_between_other_definitions_are_found() -> None:
    """All that defines a type counts: types, aliases of all kinds, imports and exports with and without a type."""
    found = world(
        """(component
          (core module $m (memory (export "memory") 1) (func (export "f"))) (core instance $m (instantiate $m))
          (core type $c (func)) (alias core export $m "memory" (core memory $memory)) (component $inner)
          (import "a:b/i" (instance $i (type $x (record (field "a" u32))) (export "p" (type (eq $x)))
            (export "f" (func)) (export "r" (type (sub resource)))))
          (alias export $i "p" (type $p)) (alias export $i "f" (func $f)) (alias export $i "r" (type $r))
          (type $of-f (func)) (import "f" (func (type $of-f)))
          (import "used" (type (eq $p)))
          (type $own (resource (rep i32))) (export $own-2 "own" (type $own)) (export "p" (type $p))
          (func $g (canon lift (core func $m "f"))) (export "g" (func $g)) (export "h" (func $g) (func (type $of-f)))
          (export "s" (type $p) (type (eq $p)))
          (alias outer 0 $p (type $again))
          (import "r" (type (eq $r))) (import "here" (type (sub resource))) (import "again" (type (eq $again))))"""
    )
    point = types.Record((("a", types.U32),))
    items = found.imports[""].items
    assert list(items) == ["f", "used", "r", "here", "again"]
    assert (items["used"], items["again"]) == (point, point)
    assert items["r"] is found.imports["a:b/i"].items["r"] is not items["here"]
    assert list(found.root_resources) == ["here"]
    assert list(found.exports[""].items) == ["own", "p", "g", "h", "s"]


def test_a_cached_world_has_them_too() -> None:
    found = world(f"(component {imported(DEFINITIONS)})")
    assert from_plain(to_plain(found)) == found


def test_an_export_with_the_name_that_reflecting_gives_is_an_invalid_component() -> None:
    definition = '(import "id" (type $id (eq $u))) (export "wasihost-imported-type-0" (type $u))'
    with pytest.raises(ComponentError, match="wasihost-imported-type-0"):
        world(f"(component (type $u u64) {definition})")


LIFTED = """
  (core module $m
    (memory (export "memory") 1)
    (func (export "same") (param i32) (result i32) (local.get 0))
    (func (export "pair") (param i32 i32) (result i32)
      (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1)) (i32.const 16)))
  (core instance $i (instantiate $m))
  (alias core export $i "memory" (core memory $memory))"""


@pytest.mark.parametrize(
    ("name", "core", "value"),
    [
        ("point", "same", SimpleNamespace(x=7)),
        ("line", "same", SimpleNamespace(to=SimpleNamespace(x=8))),
        ("shade", "same", "light"),
        ("shape", "pair", SimpleNamespace(case="at", value=SimpleNamespace(x=9))),
        ("maybe", "pair", "light"),
    ],
)
async def test_exports_take_and_give_types_of_the_world(name: str, core: str, value: Any) -> None:
    lift = f'(canon lift (core func $i "{core}") (memory $memory))'
    guest = assemble(
        f"""(component {imported(DEFINITIONS)} {LIFTED}
        (func (export "f") (param "x" ${name}) (result ${name}) {lift}))"""
    )
    async with running(guest, {}) as instance:
        found = await instance.call("f", value)
        assert await instance.call("f", found) == found
        assert type(found).__qualname__.partition(".")[0] == {"maybe": "Shade"}.get(name, name.capitalize())


class Interface:
    class R:
        pass

    def make(self) -> R:
        return self.R()


class World:
    class Here:
        pass

    def same(self, p: Any, r: Any, h: Any) -> Any:
        assert isinstance(r, Interface.R)
        assert isinstance(h, self.Here)
        return p

    async def later(self, p: Any) -> Any:
        return p


USES = """(component
  (import "a:b/i" (instance $i
    (export "r" (type $r (sub resource))) (export "make" (func (result (own $r))))
    (type $x (record (field "a" u32))) (export "p" (type (eq $x)))))
  (alias export $i "p" (type $of-p)) (import "p" (type $p (eq $of-p)))
  (alias export $i "r" (type $of-r)) (import "r" (type $r (eq $of-r)))
  (import "here" (type $h (sub resource)))
  (type $of-e (enum "dark")) (import "e" (type $e (eq $of-e)))
  (type $of-o (result $p (error $e))) (import "o" (type $o (eq $of-o)))
  (import "same" (func $same (param "p" $p) (param "r" (own $r)) (param "h" (own $h)) (result $o)))
  (import "later" (func $later async (param "p" $p) (result $p)))
  (core module $libc (memory (export "memory") 1)) (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (core func $lowered-same (canon lower (func $same) (memory $memory)))
  (core func $lowered-later (canon lower (func $later)))
  (core module $m
    (import "" "same" (func $same (param i32 i32 i32 i32)))
    (import "" "later" (func $later (param i32) (result i32)))
    (func (export "same") (param i32 i32 i32) (result i32)
      (call $same (local.get 0) (local.get 1) (local.get 2) (i32.const 16)) (i32.const 16))
    (func (export "later") (param i32) (result i32) (call $later (local.get 0))))
  (core instance $m (instantiate $m (with "" (instance
    (export "same" (func $lowered-same)) (export "later" (func $lowered-later))))))
  (func (export "same") (param "p" $p) (param "r" (own $r)) (param "h" (own $h)) (result $o)
    (canon lift (core func $m "same") (memory $memory)))
  (func (export "later") async (param "p" $p) (result $p) (canon lift (core func $m "later")))
  (export "q" (type $p)))"""


async def test_a_world_may_use_types_and_resources_of_an_interface_beside_its_own() -> None:
    async with running(assemble(USES), {"a:b/i": Interface(), "": World()}) as instance:
        assert (await instance.call("same", SimpleNamespace(a=5), Interface.R(), World.Here())).a == 5
        assert (await instance.call("later", SimpleNamespace(a=6))).a == 6


async def test_an_interface_may_mention_a_resource_of_the_world() -> None:
    guest = assemble("""(component
      (import "here" (type $h (sub resource)))
      (import "a:b/i" (instance $i (alias outer 1 $h (type $h)) (export "h" (type $h2 (eq $h)))
        (export "make" (func (result (own $h2))))))
      (alias export $i "make" (func $make)) (core func $lowered (canon lower (func $make)))
      (core module $m (import "" "make" (func $make (result i32)))
        (func (export "make") (result i32) (call $make)))
      (core instance $m (instantiate $m (with "" (instance (export "make" (func $lowered))))))
      (func (export "make") (result (own $h)) (canon lift (core func $m "make"))))""")

    class Maker:
        H = World.Here

        def make(self) -> World.Here:
            return World.Here()

    async with running(guest, {"a:b/i": Maker(), "": World()}) as instance:
        assert isinstance(await instance.call("make"), World.Here)


async def test_a_missing_class_of_the_world_is_told_as_the_worlds() -> None:
    with pytest.raises(LinkError, match="the world: the provider object has no class Here"):
        async with running(assemble('(component (import "here" (type (sub resource))))'), {"": object()}):
            pass


def test_what_a_component_exports_beside_functions_and_types_is_left_out() -> None:
    found = world("""(component
      (core module $m (func (export "f"))) (component $c) (instance $c (instantiate $c))
      (instance $both (export "inner" (instance $c)) (export "m" (core module $m)))
      (core instance $i (instantiate $m)) (func $f (canon lift (core func $i "f")))
      (export "m" (core module $m)) (export "c" (instance $c)) (export "both" (instance $both))
      (export "f" (func $f)))""")
    assert {name: list(interface.items) for name, interface in found.exports.items()} == {
        "c": [],
        "both": [],
        "": ["f"],
    }
