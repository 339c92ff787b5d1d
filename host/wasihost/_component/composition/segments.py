"""Data segments that adjoin are made one, because Wasmtime compiles start-up code for each of them.

Go writes 44,344 segments for a hello world, one for each stretch without zeros. Compiling them took 23 s and 1 GB;
the 17 that they make together take no time. (Copy-on-write images, which need no such code, exclude memories of ours.)

The guest cannot see it. Segments are written in their order into a memory that holds zeros, so two of them
are one if the second begins where the first ends, or behind a gap that nothing was written to. That is known only for a
memory that the module itself defines and for offsets that are constants. A segment that is out of bounds traps, and so
does the whole that it became part of: it ends at the same address. The writes of the others by then cannot be seen,
as a component whose instantiation traps never runs.

Where there is a section DataCount, instructions (`memory.init`) may name segments by their numbers. An active segment
is empty once it is written, so an empty passive one can keep the number of one that became part of another.

The binary format of core WebAssembly has the encoding.
"""

from __future__ import annotations

import contextlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import accumulate, pairwise
from typing import NamedTuple

from wasihost._base.limits import DEFAULTS, Limits
from wasihost._component.world.sections import (
    COMPONENT,
    CORE_MODULE,
    DATA,
    DATA_COUNT,
    IMPORT,
    MEMORY,
    PREAMBLE,
    Reader,
    leb,
    section,
    sections,
)

LARGEST_GAP = 64
"""Bytes of zeros that are written in place of a segment."""
MOST = 250_000
"""Segments of a component that are looked at, which takes 10 µs each; Go's largest have a fifth of that."""

_PASSIVE = 1
_WITH_INDEX = 2
_EMPTY = bytes([_PASSIVE, 0])
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


def merge(wasm: bytes, origin: str = "the component", limits: Limits = DEFAULTS) -> bytes:
    """The component with fewer data segments, if there can be fewer. Errors: LimitError for those that are left."""
    seen = left = 0

    def module(wasm: bytes) -> bytes:
        nonlocal seen, left
        count = _count(wasm)
        seen += count
        merged = wasm
        if seen <= MOST:
            merged, count = merge_module(wasm)
        left += count
        return merged

    def component(wasm: bytes) -> bytes:
        out = [wasm[:PREAMBLE]]
        for number, contents in sections(wasm):
            merged = {CORE_MODULE: module, COMPONENT: component}.get(number, bytes)(contents)
            out.append(section(number, merged))
        return b"".join(out)

    merged = component(wasm)
    if left > limits.data_segments:
        raise limits.reached("data_segments", f"{origin} has {left} data segments that cannot be merged")
    return merged


def merge_module(wasm: bytes) -> tuple[bytes, int]:
    """A core module with fewer data segments, and how many have to be written."""
    parts = list(sections(wasm))
    count = _count(wasm)
    data = next((contents for number, contents in parts if number == DATA), b"")
    is_numbered = any(number == DATA_COUNT for number, _ in parts)
    with contextlib.suppress(IndexError):  # Wasmtime judges all that is not understood
        if count > 1:
            count, data = _merge(data, _own_memories(parts), is_numbered)
    merged = [section(number, data if number == DATA else contents) for number, contents in parts]
    return wasm[:PREAMBLE] + b"".join(merged), count


def _count(wasm: bytes) -> int:
    """How many data segments a core module has; 0 if that cannot be read."""
    with contextlib.suppress(IndexError):
        return next((Reader(contents).number() for number, contents in sections(wasm) if number == DATA), 0)
    return 0


class _Segment(NamedTuple):
    """`head` is before its bytes; `start` is None if that is not a constant, or not in a memory of the module."""

    memory: int | None
    start: int | None
    head: bytes
    data: bytes


class _Gaps:
    """The gaps between the segments of a module."""

    def __init__(self, segments: Iterable[_Segment]) -> None:
        known: dict[int | None, list[tuple[int, int]]] = {}
        self._unknown: set[int | None] = set()
        for each in segments:
            if each.start is None:
                self._unknown.add(each.memory)
            else:
                known.setdefault(each.memory, []).append((each.start, each.start + len(each.data)))
        self._starts = {memory: [start for start, _ in sorted(places)] for memory, places in known.items()}
        self._ends = {
            memory: list(accumulate((end for _, end in sorted(places)), max)) for memory, places in known.items()
        }

    def between(self, a: _Segment, b: _Segment) -> int | None:
        """How many zeros to write between two segments to make them one; None if they must stay two."""
        if a.memory != b.memory or a.start is None or b.start is None:
            return None
        end = a.start + len(a.data)
        gap = b.start - end
        if gap == 0 or (0 < gap <= LARGEST_GAP and self._is_empty(a.memory, end, b.start)):
            return gap
        return None

    def _is_empty(self, memory: int | None, start: int, end: int) -> bool:
        """Whether no segment at all writes from `start` to `end`, where one ends and one begins."""
        before = bisect_left(self._starts[memory], end)
        return memory not in self._unknown and self._ends[memory][before - 1] <= start


def _merge(contents: bytes, own: set[int], is_numbered: bool) -> tuple[int, bytes]:
    """How many segments are left to write, and the contents of the section of data."""
    segments = list(_segments(Reader(contents), own))
    gaps = _Gaps(segments)
    merged = [[segments[0].head, segments[0].data]]
    for a, b in pairwise(segments):
        gap = gaps.between(a, b)
        if gap is None:
            merged.append([b.head, b.data])
        else:
            merged[-1] += [bytes(gap), b.data]
    out = bytearray(leb(len(segments) if is_numbered else len(merged)))
    for head, *data in merged:
        out += head + leb(sum(map(len, data))) + b"".join(data)
        if is_numbered:
            out += _EMPTY * (len(data) // 2)
    return len(merged), bytes(out)


def _segments(reader: Reader, own: set[int]) -> Iterator[_Segment]:
    for _ in range(reader.number()):
        begin = reader.at
        memory, start = _target(reader)
        head = reader.contents[begin : reader.at]
        yield _Segment(memory, start if memory in own else None, head, reader.bytes())


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


def _own_memories(parts: list[tuple[int, bytes]]) -> set[int]:
    """The indices of the memories of 32 bits that a module defines itself."""
    index = 0
    own = set[int]()
    for number, contents in parts:
        reader = Reader(contents)
        if number == IMPORT:
            index = sum(kind == _MEMORY for kind in _imports(reader))
        elif number == MEMORY:
            own = {index + number for number in range(reader.number()) if not _limits(reader) & _IS_64}
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
