"""Components in components: the imports of one met by the exports of others, as `wac plug` does.

outer      imports all that the socket imports and nothing meets, and all that the plugs import; common ones once
  plug-N   each once, however many of its exports are used
  socket   with exports of the plugs as imports; its exports are those of the outer component

Whether the types fit is for Wasmtime to say, when the outer component is reflected.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import wasmtime

from wasihost._base.errors import ComponentError
from wasihost._base.frozen import Frozen
from wasihost._base.quoting import line, some
from wasihost._base.quoting import wat_string as quote
from wasihost._component.composition.compose import Outer
from wasihost._component.world import binary, types, versions


class Part(Frozen):
    """A component that goes into another."""

    origin: str
    wasm: bytes
    world: types.World


def plug(socket: Part, plugs: Mapping[str, Part]) -> bytes:
    """The component in which plugs meet imports of the socket, by the names of interfaces, with a version or not, or of
    functions of the world itself.

    Errors: ComponentError if the socket does not import one of them, or its plug does not export it.
    """
    return _Plugging(socket, plugs).composed()


class _Plugging:
    def __init__(self, socket: Part, plugs: Mapping[str, Part]) -> None:
        self._socket = socket
        self._plugs = list({id(part): part for part in plugs.values()}.values())
        self._met = dict(_meet(socket, wanted, part) for wanted, part in plugs.items())
        rest = {
            name: each if name else types.Interface(self._unmet(each))
            for name, each in socket.world.imports.items()
            if name not in self._met
        }
        merged = types.World(_merged([rest, *(part.world.imports for part in self._plugs)]), {})
        self._outer = Outer(merged.imports, merged.root_resources)
        self._indices = {name: index for index, name in enumerate(merged.imports)}
        self._root = list(merged.imports.get("", types.Interface({})).items)

    def composed(self) -> bytes:
        self._outer.write_imports()
        for part in self._plugs:
            self._instantiate(part, {})
        met = {name: f"({sort} {self._alias(part, sort, export)})" for name, (part, sort, export) in self._met.items()}
        self._instantiate(self._socket, met)
        world = self._socket.world
        for name, interface in world.exports.items():
            if name:
                self._export("instance", name)
            else:
                for item, t in interface.items.items():
                    self._export("func" if isinstance(t, types.Func) else "type", item)
        composed = bytes(wasmtime.wat2wasm(self._outer.text()))
        for part in (*self._plugs, self._socket):
            composed = binary.splice(composed, bytes(wasmtime.wat2wasm(f"(module {self._marker(part)})")), part.wasm)
        return composed

    def _unmet(self, root: types.Interface) -> dict[str, types.Item]:
        """What the socket imports outside of interfaces and no plug meets."""
        return {item: t for item, t in root.items.items() if item not in self._met}

    def _symbol(self, part: Part) -> str:
        return "$socket" if part is self._socket else f"$plug-{self._plugs.index(part)}"

    def _marker(self, part: Part) -> str:
        """All of the core module that is there in the place of a part."""
        return f'(func (export "{self._symbol(part)}"))'

    def _instantiate(self, part: Part, met: Mapping[str, str]) -> None:
        symbol = self._symbol(part)
        arguments = [f"(with {quote(name)} {argument})" for name, argument in self._arguments(part, met)]
        self._outer.lines.append(f"(component {symbol} (core module {self._marker(part)}))")
        self._outer.lines.append(f"(instance {symbol} (instantiate {symbol} {' '.join(arguments)}))")

    def _arguments(self, part: Part, met: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        for name, interface in part.world.imports.items():
            if name in met:
                yield name, met[name]
            elif name:
                yield name, f"(instance $import-{self._indices[name]})"
            else:
                for item, t in interface.items.items():
                    sort = "func" if isinstance(t, types.Func) else "type"
                    yield item, met.get(item) or f"({sort} $root-{self._root.index(item)})"

    def _alias(self, part: Part, sort: str, name: str) -> str:
        """The symbol of something that a part exports."""
        symbol = self._outer.scope.symbol()
        self._outer.lines.append(f"(alias export {self._symbol(part)} {quote(name)} ({sort} {symbol}))")
        return symbol

    def _export(self, sort: str, name: str) -> None:
        symbol = self._alias(self._socket, sort, name)
        self._outer.lines.append(f"(export {quote(name)} ({sort} {symbol}))")


def _meet(socket: Part, wanted: str, part: Part) -> tuple[str, tuple[Part, str, str]]:
    """The import that is meant, and the export that meets it, with its sort."""
    imports = _sorts(socket.world.imports)
    exports = _sorts(part.world.exports)
    name = versions.find(wanted, imports)
    if name is None:
        known = some(list(imports)) or "nothing"
        raise ComponentError(line(f"{socket.origin} does not import {wanted!r}; it imports {known}"))
    sort = imports[name]
    export = versions.serving(name, [export for export, its_sort in exports.items() if its_sort == sort])
    if export is None:
        known = some(list(exports)) or "nothing"
        raise ComponentError(line(f"{part.origin} does not export {name!r}; it exports {known}"))
    return name, (part, sort, export)


def _sorts(interfaces: Mapping[str, types.Interface]) -> dict[str, str]:
    """What can be met, or meet: interfaces, and functions outside of any, by their names."""
    functions = interfaces.get("", types.Interface({})).funcs
    return {name: "instance" for name in interfaces if name} | dict.fromkeys(functions, "func")


# ---- imports of several components


def _merged(worlds: Sequence[Mapping[str, types.Interface]]) -> dict[str, types.Interface]:
    """The imports of all: an interface that several import has all that they want of it, and resources in common."""
    merged: dict[str, types.Interface] = {}
    owners: dict[types.Resource, str] = {}  # the interface that defines a resource comes before those that use it
    for imports in worlds:
        same: dict[types.Resource, types.Resource] = {}
        for name, interface in imports.items():
            known = merged.get(name, types.Interface({}))
            for item, t in interface.types.items():
                if isinstance(t, types.Resource):
                    ours = known.types.get(item)
                    same.setdefault(t, ours if isinstance(ours, types.Resource) else t)
                    owners.setdefault(same[t], name)
            items = {item: _with_resources(t, same) for item, t in interface.items.items()}
            merged[name] = types.Interface({**known.items, **items})
    return _in_order(merged, owners)


def _with_resources(item: types.Item, same: Mapping[types.Resource, types.Resource]) -> types.Item:
    def replace(t: types.ValType) -> types.ValType | None:
        match t:
            case types.Own(resource=resource) | types.Borrow(resource=resource) if resource in same:
                return type(t)(same[resource])
            case types.Stream(payload=payload) | types.Future(payload=payload) if payload is not None:
                return type(t)(types.substitute(payload, replace))
        return None

    if isinstance(item, types.Resource):
        return same[item]
    if not isinstance(item, types.Func):
        return types.substitute(item, replace)
    params = tuple((name, types.substitute(t, replace)) for name, t in item.params)
    result = None if item.result is None else types.substitute(item.result, replace)
    return types.Func(params, result, item.is_async)


def _in_order(
    interfaces: Mapping[str, types.Interface], owners: Mapping[types.Resource, str]
) -> dict[str, types.Interface]:
    found: dict[str, types.Interface] = {}
    begun: set[str] = set()

    def add(name: str) -> None:
        if name not in begun:
            begun.add(name)
            for t in interfaces[name].types.values():
                if isinstance(t, types.Resource):
                    add(owners[t])
            found[name] = interfaces[name]

    for name in interfaces:
        add(name)
    return found
