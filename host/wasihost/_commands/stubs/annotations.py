"""What a WIT type is in Python's annotations: given to the machine, got from it, or a field of both."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Flag

from wasihost._commands.stubs.naming import Names
from wasihost._component.world import types
from wasihost._component.world.types import ValType
from wasihost._component.world.wiring import Wiring

_PRIMITIVES = {"bool": "bool", "f32": "float", "f64": "float", "char": "str", "string": "str"}


class Way(Flag):
    """Which way a value goes, as Python sees it."""

    GIVEN = 1
    GOT = 2


def ways(wiring: Wiring) -> dict[ValType, Way]:
    """The ways in which values of each nominal type go."""
    found: dict[ValType, Way] = {}
    for interfaces, params, result in (
        (wiring.world.imports, Way.GOT, Way.GIVEN),
        (wiring.world.exports, Way.GIVEN, Way.GOT),
    ):
        for interface in interfaces.values():
            for func in interface.funcs.values():
                for t, way in _directed(func, params, result):
                    found[t] = found.get(t, Way(0)) | way
    return found


def _directed(func: types.Func, params: Way, result: Way) -> Iterator[tuple[ValType, Way]]:
    for _, t in func.params:
        yield from ((inner, params) for inner in types.walk(t))
    if func.result is not None:
        yield from ((inner, result) for inner in types.walk(func.result))


class Annotations:
    """The annotations of one module; `classes` has the names of its nominal types and resources."""

    def __init__(self, names: Names, classes: dict[types.Resource | ValType, str]) -> None:
        self._names = names
        self._classes = classes

    def __call__(self, t: ValType | None, way: Way) -> str:
        """The annotation for a value; None is the type of no value."""
        match t:
            case None:
                return "None"
            case types.Primitive(name=name):
                return self._names.of(_PRIMITIVES.get(name, "int"))
            case types.List(element=types.U8):
                return self._bytes(way)
            case types.List(element=element):
                return self._generic("Sequence" if way is Way.GIVEN else "list", self(element, way))
            case types.Map(key=key, value=value):
                words = f"{self(key, way)}, {self(value, way)}"
                return self._generic("Mapping" if way is Way.GIVEN else "dict", words)
            case types.Tuple(elements=elements):
                return self._generic("tuple", ", ".join(self(inner, way) for inner in elements) or "()")
            case types.Option(payload=types.Option() as inner):
                return f"{self._generic('Some', self(inner, way))} | None"
            case types.Option(payload=payload):
                return f"{self(payload, way)} | None"
            case types.Result(ok=ok, err=err):
                return f"{self._generic('Ok', self(ok, way))} | {self._generic('Err', self(err, way))}"
            case types.Own(resource=resource) | types.Borrow(resource=resource):
                return self._class(resource)
            case types.Future(payload=payload):
                return self._generic("Awaitable", self(payload, way))
            case types.Stream(payload=payload):
                return self._stream(payload, way)
        return self._class(t)

    def _class(self, t: types.Resource | ValType) -> str:
        return self._classes[t] if t in self._classes else self._names.of("Any")

    def _generic(self, name: str, arguments: str) -> str:
        return f"{self._names.of(name)}[{arguments}]"

    def _bytes(self, way: Way) -> str:
        words = ("bytes", "bytearray", "memoryview") if way is Way.GIVEN else ("bytes",)
        return " | ".join(self._names.of(word) for word in words)

    def _stream(self, payload: ValType | None, way: Way) -> str:
        if payload == types.U8:
            if way is Way.GOT:
                return self._names.of("GuestByteStream")
            return f"{self._generic('AsyncIterable', self._bytes(Way.GIVEN))} | {self._names.of('ByteSource')}"
        element = self(payload, way)
        if way is Way.GOT:
            return self._generic("GuestValueStream", element)
        return f"{self._generic('AsyncIterable', element)} | {self._generic('ValueSource', element)}"
