"""Worlds as plain lists and names, and back."""

from __future__ import annotations

import json

import pytest

from tests.guests.harness import PREBUILT
from wasihost._component.composition.compose import text
from wasihost._component.running.engine import default_engine
from wasihost._component.world import types
from wasihost._component.world.plain import from_plain, to_plain
from wasihost._component.world.reflect import reflect
from wasihost._component.world.types import Func, Interface, World
from wasihost._component.world.wiring import Wiring

THING, TWIN = types.Resource("thing"), types.Resource("thing")
EVERY = types.Tuple(
    (
        types.BOOL,
        types.List(types.U8),
        types.Map(types.STRING, types.U8),
        types.Record((("a-field", types.STRING), ("ünïcode", types.CHAR))),
        types.Tuple(()),
        types.Variant((("some", types.F64), ("none", None))),
        types.Enum(("one", "two")),
        types.Flags(("a", "b")),
        types.Option(types.Option(types.S8)),
        types.Result(None, types.STRING),
        types.Own(THING),
        types.Borrow(TWIN),
        types.Stream(types.U8),
        types.Stream(None),
        types.Future(types.Stream(types.Own(THING))),
    )
)
WORLD = World(
    {
        "a:b/c@1.0.0": Interface({"thing": THING, "twin": TWIN, "every": EVERY, "again": EVERY, "alias": THING}),
        "": Interface({"f": Func((("x", EVERY), ("y", types.BOOL)), types.U64, is_async=True)}),
    },
    {"out": Interface({"g": Func((), None)}), "empty": Interface({})},
)


def back(world: World) -> World:
    """After a journey through a file."""
    found: World = from_plain(json.loads(json.dumps(to_plain(world))))
    return found


def test_nothing_is_lost() -> None:
    assert to_plain(back(WORLD)) == to_plain(WORLD)


def test_types_without_resources_are_equal() -> None:
    world = World({"": Interface({"f": Func((("x", types.Option(types.STRING)),), types.U8, True)})}, {})
    assert back(world) == world


def test_order_and_names_stay() -> None:
    found = back(WORLD)
    assert [(name, list(interface.items)) for name, interface in found.imports.items()] == [
        ("a:b/c@1.0.0", ["thing", "twin", "every", "again", "alias"]),
        ("", ["f"]),
    ]
    assert list(found.exports) == ["out", "empty"]


def test_a_resource_is_one_and_two_of_one_name_are_two() -> None:
    items = back(WORLD).imports["a:b/c@1.0.0"].items
    assert items["thing"] is items["alias"]
    assert items["thing"] is not items["twin"]
    every = items["every"]
    assert isinstance(every, types.Tuple)
    assert types.Own(items["thing"]) in every.elements  # type: ignore[arg-type]
    assert types.Borrow(items["twin"]) in every.elements  # type: ignore[arg-type]


@pytest.mark.parametrize("path", sorted(PREBUILT.glob("*.wasm")), ids=lambda path: path.stem)
def test_the_same_is_generated_for_a_fixture(path: object) -> None:
    assert hasattr(path, "read_bytes")
    world = reflect(default_engine(), path.read_bytes())
    assert text(Wiring(back(world))) == text(Wiring(world))
