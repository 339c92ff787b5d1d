"""The data segments of core modules, and the memories that they go to.

The binary format of core WebAssembly has the encoding.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Container, Iterable, Iterator
from typing import Final, NamedTuple

from wasihost._component.world.sections import (
    COMPONENT,
    CORE_MODULE,
    DATA,
    IMPORT,
    MEMORY,
    PREAMBLE,
    Reader,
    read_leb,
    section,
    sections,
)

EMPTY: Final = bytes([1, 0])
"""A passive segment of no bytes, as an active one is once it is written."""
_PAGE = 1 << 16

_PASSIVE = 1
_WITH_INDEX = 2
_HAS_MAXIMUM = 1
_IS_64 = 4
_HAS_PAGE_SIZE = 8
_I32_CONST = 0x41
_I64_CONST = 0x42
_GLOBAL_GET = 0x23
_END = 0x0B
_ARITHMETIC = (0x6A, 0x6B, 0x6C, 0x7C, 0x7D, 0x7E)
_REFERENCE_TYPES = (0x63, 0x64)  # with a heap type behind them
_FUNC, _TABLE, _MEMORY, _GLOBAL, _TAG = range(5)


def each_module(wasm: bytes, rewritten: Callable[[bytes], bytes]) -> bytes:
    """A component with its core modules rewritten, also those of components inside."""
    out = [wasm[:PREAMBLE]]
    for number, contents in sections(wasm):
        if number == CORE_MODULE:
            out.append(section(number, rewritten(contents)))
        elif number == COMPONENT:
            out.append(section(number, each_module(contents, rewritten)))
        else:
            out.append(section(number, contents))
    return b"".join(out)


def core_modules(wasm: bytes) -> Iterator[bytes]:
    """The core modules of a component, also those of components inside."""
    for number, contents in sections(wasm):
        if number == CORE_MODULE:
            yield contents
        elif number == COMPONENT:
            yield from core_modules(contents)


def with_data(wasm: bytes, data: bytes) -> bytes:
    """A core module with other contents of its section of data."""
    parts = [section(number, data if number == DATA else contents) for number, contents in sections(wasm)]
    return wasm[:PREAMBLE] + b"".join(parts)


def count_segments(wasm: bytes) -> int:
    """How many data segments a core module has; 0 if that cannot be read."""
    with contextlib.suppress(IndexError):
        return next((Reader(contents).number() for number, contents in sections(wasm) if number == DATA), 0)
    return 0


class Segment(NamedTuple):
    """`head` is before its bytes; `start` is None if that is not a constant, or not in a memory of the module."""

    memory: int | None
    start: int | None
    head: bytes
    data: bytes


def read_segments(reader: Reader, own: Container[int]) -> Iterator[Segment]:
    """The segments of a section of data, whose starts are wanted for some memories. Errors: IndexError."""
    for _ in range(reader.number()):
        begin = reader.at
        memory, start = _target(reader)
        head = reader.contents[begin : reader.at]
        yield Segment(memory, start if memory in own else None, head, reader.bytes())


def _target(reader: Reader) -> tuple[int | None, int | None]:
    """Where a segment goes: the memory, and the offset if that is a constant of 32 bits."""
    form = reader.number()
    if form == _PASSIVE:
        return None, None
    memory = reader.number() if form == _WITH_INDEX else 0
    return memory, _offset(reader)


def _offset(reader: Reader) -> int | None:
    """Reads a constant expression: its value if it is nothing but `i32.const`."""
    offset = None
    steps = 0
    while (instruction := reader.byte()) != _END:
        steps += 1
        start = reader.at
        if instruction in (_I32_CONST, _I64_CONST, _GLOBAL_GET):
            reader.skip()
            if instruction == _I32_CONST:
                offset = _unsigned(reader.contents[start : reader.at])
        elif instruction not in _ARITHMETIC:
            raise IndexError
    return offset if steps == 1 else None


def _unsigned(encoded: bytes) -> int:
    """A signed LEB128 number of 32 bits, as the address that it is. Errors: IndexError for a longer one."""
    if len(encoded) > 5:
        raise IndexError
    value = sum((byte & 0x7F) << 7 * number for number, byte in enumerate(encoded))
    if encoded[-1] & 0x40:
        value -= 1 << 7 * len(encoded)
    return value & 0xFFFF_FFFF


class Memory(NamedTuple):
    """A memory that a module defines itself."""

    flags: int
    pages: int
    """With which it begins; 0 if it has addresses of 64 bits."""

    @property
    def has_32_bits(self) -> bool:
        """Whether its addresses have 32 bits."""
        return not self.flags & _IS_64

    @property
    def size(self) -> int | None:
        """Bytes with which it begins; None for one that is shared, has other pages, or longer addresses."""
        return None if self.flags & ~_HAS_MAXIMUM else self.pages * _PAGE


def own_memories(parts: Iterable[tuple[int, bytes]]) -> dict[int, Memory]:
    """The memories that a module defines itself, by index. Errors: IndexError."""
    index = 0
    own: dict[int, Memory] = {}
    for number, contents in parts:
        reader = Reader(contents)
        if number == IMPORT:
            index = sum(kind == _MEMORY for kind in _imports(reader))
        elif number == MEMORY:
            for memory in range(index, index + reader.number()):
                start = reader.at
                flags = _limits(reader)
                own[memory] = Memory(flags, 0 if flags & _IS_64 else read_leb(contents, start + 1)[0])
    return own


def _imports(reader: Reader) -> Iterator[int]:
    """The kinds of a module's imports."""
    for _ in range(reader.number()):
        reader.bytes()
        reader.bytes()
        kind = reader.byte()
        if kind in (_TABLE, _GLOBAL) and reader.byte() in _REFERENCE_TYPES:
            reader.skip()
        if kind in (_TABLE, _MEMORY):
            _limits(reader)
        elif kind in (_GLOBAL, _TAG):
            reader.byte()
        if kind in (_FUNC, _TAG):
            reader.number()
        elif kind > _TAG:
            raise IndexError
        yield kind


def _limits(reader: Reader) -> int:
    """Reads the limits of a memory or table: their flags."""
    flags = reader.byte()
    for flag in (0, _HAS_MAXIMUM, _HAS_PAGE_SIZE):
        if flags & flag == flag:
            reader.skip()
    return flags
