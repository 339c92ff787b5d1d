"""A component's imports and exports as our own `types`, read through wasmtime's reflection."""

from __future__ import annotations

import re
from typing import Any

import wasmtime
from wasmtime import component as reflected
from wasmtime.component import Component, ResourceType

from wasihost._base.errors import ComponentError, UnsupportedTypeError, WasihostError
from wasihost._base.limits import DEFAULTS, Limits
from wasihost._component import ffi
from wasihost._component.reasons import reason
from wasihost._component.world import binary, typeimports, types
from wasihost._component.world.typeimports import RootImports, export_name

_PRIMITIVES: dict[type, types.Primitive] = {
    reflected.Bool: types.BOOL,
    reflected.S8: types.S8,
    reflected.S16: types.S16,
    reflected.S32: types.S32,
    reflected.S64: types.S64,
    reflected.U8: types.U8,
    reflected.U16: types.U16,
    reflected.U32: types.U32,
    reflected.U64: types.U64,
    reflected.F32: types.F32,
    reflected.F64: types.F64,
    reflected.Char: types.CHAR,
    reflected.String: types.STRING,
}

_UNCALLED: dict[type, str] = {
    reflected.ModuleType: "core module",
    reflected.ComponentType: "component",
    reflected.ComponentInstanceType: "nested instance",
}
"""Exports of a component beside functions and types, which Python has no use for."""

_SWITCHED_OFF = {"Fixed-length lists": "a list of fixed length", "`error-context": "error-context"}


def _compiled(engine: wasmtime.Engine, wasm: bytes, origin: str) -> Component:
    try:
        return Component(engine, wasm)
    except wasmtime.WasmtimeError as error:
        refused = reason(error)
    raise _refused(refused, wasm, origin)


def reflect(
    engine: wasmtime.Engine, wasm: bytes, origin: str = "the component", limits: Limits = DEFAULTS
) -> types.World:
    """The imports and exports of a component.

    Errors: ComponentError when it is not one, UnsupportedTypeError for a type we have no words for, LimitError.
    """
    binary.check_preamble(wasm, origin)
    try:
        hollow = binary.hollow(wasm, origin, limits)
        root = RootImports.of(wasm, origin, limits)
    except IndexError:
        raise ComponentError(f"{origin} ends in the middle of a section: is the file complete?") from None
    component = _compiled(engine, hollow + root.export_types(), origin)
    imports = component.type.imports(engine)
    exports = component.type.exports(engine)
    if any(isinstance(extern.ty, reflected.ComponentType) for extern in exports.values()):
        # The outermost component cannot export components themselves.
        raise ComponentError(f"{origin} exports types of components: it is a WIT package in binary form, not a program")
    imports |= {name: exports.pop(export_name(number)) for number, name in enumerate(root.types)}
    reflector = _Reflector(engine, origin, limits)
    return types.World(
        imports=reflector.interfaces({name: imports[name] for name in root.names}, is_import=True),
        exports=reflector.interfaces(exports),
    )


def _refused(message: str, hollow: bytes, origin: str) -> WasihostError:
    """Why Wasmtime did not take a component: some types it knows, but its C API cannot switch them on."""
    for words, name in _SWITCHED_OFF.items():
        if found := re.search(rf"{words}.*\(at offset 0x([0-9a-f]+)\)", message):
            where = typeimports.name_behind(hollow, int(found[1], 16)) or origin
            return UnsupportedTypeError(f"{where}: {name} cannot be used with Wasmtime {ffi.VERSION}")
    return ComponentError(f"{origin} is not a valid component: {message}")


class _Reflector:
    def __init__(self, engine: wasmtime.Engine, origin: str, limits: Limits) -> None:
        self.engine = engine
        self.origin = origin
        self.limits = limits
        self.parts = 0
        # Wasmtime's resource types have no hash, only `==`.
        self.resources: list[tuple[ResourceType, types.Resource]] = []
        self.path = ""

    def interfaces(self, externs: dict[str, Any], is_import: bool = False) -> dict[str, types.Interface]:
        found: dict[str, types.Interface] = {}
        root: dict[str, Any] = {}
        for name, extern in externs.items():
            item = extern.ty
            if isinstance(item, reflected.ComponentInstanceType):
                inside = {each: inner.ty for each, inner in item.exports(self.engine).items()}
                found[name] = types.Interface(self.items(f"{name}#", inside, is_import))
            else:
                root[name] = item
        return found | ({"": types.Interface(self.items("", root, is_import))} if root else {})

    def items(self, path: str, items: dict[str, Any], is_import: bool) -> dict[str, types.Item]:
        return {
            name: self.item(path + name, item)
            for name, item in items.items()
            if is_import or type(item) not in _UNCALLED
        }

    def item(self, path: str, item: Any) -> types.Item:
        self.path = path
        if isinstance(item, ResourceType):
            return self.resource(item, path.rpartition("#")[2])
        if isinstance(item, reflected.FuncType):
            return self.func(item)
        if isinstance(item, reflected.ValType | ffi.MapType):
            return self.value(item)
        raise UnsupportedTypeError(f"{path}: importing a {_UNCALLED[type(item)]} is not supported")

    def count(self, parts: int = 1) -> None:
        """Counts parts, which take time. A type of a few bytes can have a million: (tuple $t $t), again and again."""
        self.parts += parts
        if self.parts > self.limits.world_parts:
            raise self.limits.reached("world_parts", f"{self.origin} imports and exports too much")

    def func(self, func: reflected.FuncType) -> types.Func:
        self.count()
        return types.Func(
            params=tuple((name, self.value(t)) for name, t in func.params),
            result=None if func.result is None else self.value(func.result),
            is_async=ffi.is_async(func),
        )

    def resource(self, resource: ResourceType, name: str = "resource") -> types.Resource:
        for known, ours in self.resources:
            if known == resource:
                return ours
        self.count(1 + len(self.resources) // 16)  # the next one is compared with all of them
        self.resources.append((resource, types.Resource(name)))
        return self.resources[-1][1]

    def maybe(self, t: Any) -> types.ValType | None:
        return None if t is None else self.value(t)

    def names(self, names: list[str]) -> tuple[str, ...]:
        self.count(len(names))
        return tuple(names)

    def value(self, t: Any) -> types.ValType:
        self.count()
        if primitive := _PRIMITIVES.get(type(t)):
            return primitive
        match t:
            case reflected.ListType():
                return types.List(self.value(t.element))
            case ffi.MapType():
                return types.Map(self.value(t.key), self.value(t.value))
            case reflected.RecordType():
                return types.Record(tuple((name, self.value(x)) for name, x in t.fields))
            case reflected.TupleType():
                return types.Tuple(tuple(self.value(x) for x in t.elements))
            case reflected.VariantType():
                self.count(4 * len(t.cases))  # each is a class, made at each start
                return types.Variant(tuple((name, self.maybe(x)) for name, x in t.cases))
            case reflected.EnumType():
                return types.Enum(self.names(t.names))
            case reflected.FlagsType():
                return types.Flags(self.names(t.names))
            case reflected.OptionType():
                return types.Option(self.value(t.payload))
            case reflected.ResultType():
                return types.Result(self.maybe(t.ok), self.maybe(t.err))
            case reflected.OwnType():
                return types.Own(self.resource(t.ty))
            case reflected.BorrowType():
                return types.Borrow(self.resource(t.ty))
            case reflected.StreamType():
                return types.Stream(self.maybe(ffi.payload(t)))
            case reflected.FutureType():
                return types.Future(self.maybe(ffi.payload(t)))
        raise UnsupportedTypeError(f"{self.path}: {type(t).__name__} has no Python form here")
