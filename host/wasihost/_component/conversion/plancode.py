"""Common part of the generators of plans: the layout of C values, and the source of one function.

A `wasmtime_component_val_t` is a kind, padding to 8, and a union of 24 bytes. Layouts here are formats of `struct`
for that union, each 24 bytes long.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from itertools import count
from struct import Struct
from typing import Any, Final

from wasihost._component.ffi import BYTES_OFFSET, RECORD_ENTRY_SIZE, VAL_OF, VAL_SIZE
from wasihost._component.values import object_of
from wasihost._component.world import types
from wasihost._component.world.types import ValType

VECTOR: Final = "QQ8x"  # size, then pointer to the content of a list, tuple, record, flags, enum or string
POINTER: Final = "Q16x"  # an option's payload, or a resource
RESULT: Final = "?7xQ8x"  # is it ok, then pointer to the payload
VARIANT: Final = "QQQ"  # the name of the case as size and pointer, then pointer to the payload
U32: Final = "I20x"
NUMBERS: Final = {
    "bool": "?23x",
    "s8": "b23x",
    "u8": "B23x",
    "s16": "h22x",
    "u16": "H22x",
    "s32": "i20x",
    "u32": U32,
    "s64": "q16x",
    "u64": "Q16x",
    "f32": "f20x",
    "f64": "d16x",
    "char": U32,
}
# A whole list of these is converted at once. Not f32: `array` turns a float that is too large for it into infinity.
BULK: Final = {"s8", "s16", "u16", "s32", "u32", "s64", "u64", "f64"}


def make_struct(layout: str) -> Struct:
    """A `Struct` with native byte order and no padding of its own."""
    return Struct("=" + layout)


assert (VAL_SIZE, VAL_OF, RECORD_ENTRY_SIZE) == (32, 8, 48)


@lru_cache(maxsize=1024)
def block_at(size: int) -> Callable[[int], Any]:
    """A function that gives the block of that size at an address: three times as fast as `string_at`."""
    return (ctypes.c_char * size).from_address


class _NameReaders(dict[int, Callable[[int], Any]]):
    """`block_at` by size: names have few lengths, and an index is faster than a call."""

    def __missing__(self, size: int) -> Callable[[int], Any]:
        found = self[size] = block_at(size)
        return found


name_at: Final = _NameReaders()
"""`name_at[size](pointer).raw` are the bytes of a name."""

_name_struct: Final = make_struct("QQ")


@cache
def _name(name: str) -> tuple[bytes, bytes]:
    text = name.encode()
    return _name_struct.pack(len(text), id(text) + BYTES_OFFSET), text


def name_bytes(name: str) -> bytes:
    """A `wasm_name_t` for a WIT name: size and pointer. The cache keeps the text it points to alive for ever."""
    return _name(name)[0]


_numbers: Final = count(1)


class _Source:
    """A loader, from which `linecache` gets the generated lines for tracebacks and debuggers."""

    def __init__(self, text: str) -> None:
        self._text = text

    def get_source(self, _name: str) -> str:
        return self._text


class Code:
    """The source of one generated function, with the objects that it names."""

    def __init__(self, **named: Any) -> None:
        self._lines: list[str] = []
        self._globals: dict[str, Any] = {"AT": BYTES_OFFSET, **named}
        self._variables = 0

    def line(self, text: str) -> None:
        """Adds a statement."""
        self._lines.append(text)

    def constant(self, value: Any) -> str:
        """A name for an object that the function uses."""
        name = f"c{len(self._globals)}"
        self._globals[name] = value
        return name

    def variables(self, count: int) -> list[str]:
        """New local names."""
        first = self._variables
        self._variables += count
        return [f"x{number}" for number in range(first, first + count)]

    def let(self, expression: str) -> str:
        """A local name for the value of an expression."""
        (name,) = self.variables(1)
        self.line(f"{name} = {expression}")
        return name

    def hold(self, block: str) -> str:
        """The address of a block of `bytes`, which must live until Wasmtime has cloned the value."""
        (name,) = self.variables(1)
        return f"(keep.append({name} := {block}) or id({name}) + AT)"

    def unpack(self, names: Iterable[str], expression: str) -> None:
        """Gives names to the elements of a tuple."""
        if targets := "".join(f"{name}, " for name in names):
            self.line(f"{targets.rstrip()} = {expression}")

    def fields(self, value: str, names: Iterable[str]) -> list[str]:
        """Local names for attributes of an object, or for the entries of a mapping in its place."""
        targets = [f"{value}.{name}" for name in names]
        variables = self.variables(len(targets))
        read = "; ".join(f"{variable} = {target}" for variable, target in zip(variables, targets, strict=True))
        self._lines += [
            f"try: {read}",
            f"except AttributeError: {value} = {self.constant(object_of)}({value}); {read}",
        ]
        return variables

    def function(self, title: str, parameters: str) -> Any:
        """The compiled function; the title, with a number of its own, takes the place of a file name in tracebacks."""
        source = f"def plan({parameters}):\n" + "".join(f"    {line}\n" for line in self._lines)
        name = f"{title} (plan {next(_numbers)})"
        self._globals.update(__name__=name, __loader__=_Source(source))
        exec(compile(source, name, "exec"), self._globals)
        return self._globals["plan"]


def is_number(t: ValType) -> bool:
    """Whether the one word of a value is already the Python value."""
    return isinstance(t, types.Primitive) and t.name not in ("char", "string")
