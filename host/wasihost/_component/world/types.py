"""WIT types as plain, comparable Python values.

Wasmtime's own reflected types abort the process when two that mention resources are compared, so they are
copied into these once (`reflect`), and only these are used afterwards. Equality is structural, as in the
component model; a `Resource` is equal to itself only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import ClassVar, TypeAlias

from wasihost._base.frozen import Frozen


class Resource:
    """One resource type of a component; identity is equality."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<resource {self.name}>"


class Primitive(Frozen):
    """bool, an integer, a float, char or string, by its WIT name."""

    name: str


BOOL = Primitive("bool")
CHAR = Primitive("char")
STRING = Primitive("string")
S8, S16, S32, S64 = (Primitive(f"s{bits}") for bits in (8, 16, 32, 64))
U8, U16, U32, U64 = (Primitive(f"u{bits}") for bits in (8, 16, 32, 64))
F32 = Primitive("f32")
F64 = Primitive("f64")
NUMBERS = frozenset({"s8", "s16", "s32", "s64", "u8", "u16", "u32", "u64", "f32", "f64"})


class List(Frozen):
    element: ValType


class Record(Frozen):
    fields: tuple[tuple[str, ValType], ...]


class Tuple(Frozen):
    elements: tuple[ValType, ...]


class Variant(Frozen):
    cases: tuple[tuple[str, ValType | None], ...]


class Enum(Frozen):
    names: tuple[str, ...]


class Flags(Frozen):
    names: tuple[str, ...]


class Map(Frozen):
    """A `map<key, value>`, which in memory and when flat is a list of pairs."""

    key: ValType
    value: ValType

    @property
    def pairs(self) -> List:
        return List(Tuple((self.key, self.value)))


class Option(Frozen):
    payload: ValType


class Result(Frozen):
    ok: ValType | None
    err: ValType | None


class Own(Frozen):
    resource: Resource


class Borrow(Frozen):
    resource: Resource


class Stream(Frozen):
    payload: ValType | None

    @cached_property
    def is_bytes(self) -> bool:
        """Whether it is a `stream<u8>`."""
        return self.payload == U8


class Future(Frozen):
    payload: ValType | None

    is_bytes: ClassVar[bool] = False


ValType: TypeAlias = (
    Primitive | List | Map | Record | Tuple | Variant | Enum | Flags | Option | Result | Own | Borrow | Stream | Future
)

HANDLES = (Own, Borrow, Stream, Future)

Nominal = Record | Variant | Enum | Flags
"""Types that WIT requires to be named where a function signature mentions them."""


class Func(Frozen):
    """A function type; `is_async` is WIT's `async func`."""

    params: tuple[tuple[str, ValType], ...]
    result: ValType | None
    is_async: bool = False

    @property
    def types(self) -> list[ValType]:
        """The parameter types, then the result type if there is one."""
        return [t for _, t in self.params] + ([] if self.result is None else [self.result])


Item = Func | Resource | ValType


class Interface(Frozen):
    """An imported or exported instance: its items in the component's order."""

    items: dict[str, Item]

    @cached_property
    def funcs(self) -> dict[str, Func]:
        return {name: item for name, item in self.items.items() if isinstance(item, Func)}

    @cached_property
    def types(self) -> dict[str, Resource | ValType]:
        return {name: item for name, item in self.items.items() if not isinstance(item, Func)}


class World(Frozen):
    """The imports and exports of a component. Items outside of an interface have the name ''."""

    imports: dict[str, Interface]
    exports: dict[str, Interface]

    def exported(self, name: str) -> Interface:
        """An exported interface with all types that it may name: the world's own exports may name its imports."""
        items = self.exports[name].items
        return Interface(items if name else {**self.imports.get("", Interface({})).types, **items})

    @cached_property
    def root_resources(self) -> dict[str, Resource]:
        """The resources that are imported outside of any interface, without those used from one."""
        inside = {t for name, items in self.imports.items() if name for t in items.types.values()}
        root = self.imports.get("", Interface({})).types
        return {name: t for name, t in root.items() if isinstance(t, Resource) and t not in inside}


def cases(t: ValType) -> tuple[ValType | None, ...] | None:
    """The payload types of a variant-like type in discriminant order; None for other types."""
    match t:
        case Variant(cases=items):
            return tuple(payload for _, payload in items)
        case Enum(names=names):
            return (None,) * len(names)
        case Option(payload=payload):
            return (None, payload)
        case Result(ok=ok, err=err):
            return (ok, err)
    return None


def children(t: ValType) -> tuple[ValType, ...]:
    """The types directly inside `t`."""
    match t:
        case List(element=element):
            return (element,)
        case Map(key=key, value=value):
            return (key, value)
        case Record(fields=fields):
            return tuple(inner for _, inner in fields)
        case Tuple(elements=elements):
            return elements
        case Stream(payload=payload) | Future(payload=payload):
            return () if payload is None else (payload,)
    return tuple(payload for payload in cases(t) or () if payload is not None)


def walk(t: ValType) -> Iterator[ValType]:
    """`t` and every type inside it, children first."""
    for child in children(t):
        yield from walk(child)
    yield t


def contains(t: ValType | None, kinds: type | tuple[type, ...]) -> bool:
    """Whether a value of `t` can hold a value of one of `kinds`; the elements of streams and futures do not count."""
    return _holds(t, lambda inner: isinstance(inner, kinds))


def contains_plain_lists(t: ValType | None) -> bool:
    """Whether a value of `t` can hold a plain list."""
    return _holds(t, is_plain_list)


def is_plain_list(t: ValType) -> bool:
    """Whether `t` is a list or map without handles, which means the same in the memory of any component."""
    return isinstance(t, List | Map) and not contains(t, HANDLES)


def is_numbers(t: ValType) -> bool:
    """Whether `t` is a list of numbers, whose memory form is an array."""
    return isinstance(t, List) and is_number(t.element)


def is_number(t: ValType) -> bool:
    """Whether `t` is an integer or a float."""
    return isinstance(t, Primitive) and t.name in NUMBERS


def _holds(t: ValType | None, condition: Callable[[ValType], bool]) -> bool:
    if t is None:
        return False
    if condition(t):
        return True
    return not isinstance(t, Stream | Future) and any(_holds(child, condition) for child in children(t))


def substitute(t: ValType, replace: Callable[[ValType], ValType | None]) -> ValType:
    """`t` with every inner type for which `replace` gives one replaced by it."""

    def inner(x: ValType) -> ValType:
        return substitute(x, replace)

    def maybe(x: ValType | None) -> ValType | None:
        return None if x is None else inner(x)

    if (new := replace(t)) is not None:
        return new
    match t:
        case List(element=element):
            return List(inner(element))
        case Map(key=key, value=value):
            return Map(key, inner(value))  # keys are simple: nothing replaces one
        case Record(fields=fields):
            return Record(tuple((name, inner(x)) for name, x in fields))
        case Tuple(elements=elements):
            return Tuple(tuple(inner(x) for x in elements))
        case Variant(cases=items):
            return Variant(tuple((name, maybe(x)) for name, x in items))
        case Option(payload=payload):
            return Option(inner(payload))
        case Result(ok=ok, err=err):
            return Result(maybe(ok), maybe(err))
    return t
