"""A world as plain lists, names and numbers, to be written to a file, and back.

Every type, function and resource has a place in one list, after all that it mentions, and is mentioned by its index. So
each is there once, and a resource that is mentioned twice is still one and the same when it is read back.
"""

from __future__ import annotations

from typing import Any, Final

from wasihost._component.world import types
from wasihost._component.world.types import Interface, Item, Resource, World

_CLASSES: Final[dict[str, type]] = {cls.__name__: cls for cls in (Resource, types.Func, *types.ValType.__args__)}


def to_plain(world: World) -> dict[str, Any]:
    """The world as JSON can hold it."""
    items = _Items()
    imports = items.interfaces(world.imports)
    exports = items.interfaces(world.exports)
    return {"items": items.plain, "imports": imports, "exports": exports}


class _Items:
    def __init__(self) -> None:
        self.plain: list[list[Any]] = []
        self._indices: dict[Item, int] = {}

    def interfaces(self, interfaces: dict[str, Interface]) -> dict[str, dict[str, int]]:
        return {
            name: {item_name: self._index(item) for item_name, item in interface.items.items()}
            for name, interface in interfaces.items()
        }

    def _index(self, item: Item) -> int:
        if item not in self._indices:
            names = ("name",) if isinstance(item, Resource) else item.__match_args__
            self.plain.append([type(item).__name__, *(self._field(getattr(item, name)) for name in names)])
            self._indices[item] = len(self.plain) - 1
        return self._indices[item]

    def _field(self, field: Any) -> Any:
        if isinstance(field, tuple):
            return [self._field(element) for element in field]
        return self._index(field) if isinstance(field, Item) else field


def from_plain(plain: dict[str, Any]) -> World:
    """The world that `to_plain` wrote."""
    items: list[Any] = []

    def field(plain: Any) -> Any:
        if isinstance(plain, list):
            return tuple(field(element) for element in plain)
        return items[plain] if type(plain) is int else plain  # bool is an int too

    def interfaces(plain: dict[str, dict[str, int]]) -> dict[str, Interface]:
        return {
            name: Interface({item_name: items[index] for item_name, index in of_interface.items()})
            for name, of_interface in plain.items()
        }

    for name, *fields in plain["items"]:
        items.append(_CLASSES[name](*map(field, fields)))
    return World(interfaces(plain["imports"]), interfaces(plain["exports"]))
