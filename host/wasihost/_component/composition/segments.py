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
"""

from __future__ import annotations

import contextlib
from bisect import bisect_left
from collections.abc import Container, Iterable
from itertools import accumulate, pairwise

from wasihost._base.limits import DEFAULTS, Limits
from wasihost._component.composition.data import (
    EMPTY,
    Segment,
    count_segments,
    each_module,
    own_memories,
    read_segments,
    with_data,
)
from wasihost._component.world.sections import DATA, DATA_COUNT, Reader, leb, sections

LARGEST_GAP = 64
"""Bytes of zeros that are written in place of a segment."""
MOST = 250_000
"""Segments of a component that are looked at, which takes 10 µs each; Go's largest have a fifth of that."""


def merge(wasm: bytes, origin: str = "the component", limits: Limits = DEFAULTS) -> bytes:
    """The component with fewer data segments, if there can be fewer. Errors: LimitError for those that are left."""
    seen = left = 0

    def module(wasm: bytes) -> bytes:
        nonlocal seen, left
        count = count_segments(wasm)
        seen += count
        merged = wasm
        if seen <= MOST:
            merged, count = merge_module(wasm)
        left += count
        return merged

    merged = each_module(wasm, module)
    if left > limits.data_segments:
        raise limits.reached("data_segments", f"{origin} has {left} data segments that cannot be merged")
    return merged


def merge_module(wasm: bytes) -> tuple[bytes, int]:
    """A core module with fewer data segments, and how many have to be written."""
    parts = list(sections(wasm))
    count = count_segments(wasm)
    data = next((contents for number, contents in parts if number == DATA), b"")
    is_numbered = any(number == DATA_COUNT for number, _ in parts)
    with contextlib.suppress(IndexError):  # Wasmtime judges all that is not understood
        if count > 1:
            own = [index for index, memory in own_memories(parts).items() if memory.has_32_bits]
            count, data = _merge(data, own, is_numbered)
    return with_data(wasm, data), count


class _Gaps:
    """The gaps between the segments of a module."""

    def __init__(self, segments: Iterable[Segment]) -> None:
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

    def between(self, a: Segment, b: Segment) -> int | None:
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


def _merge(contents: bytes, own: Container[int], is_numbered: bool) -> tuple[int, bytes]:
    """How many segments are left to write, and the contents of the section of data."""
    segments = list(read_segments(Reader(contents), own))
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
            out += EMPTY * (len(data) // 2)
    return len(merged), bytes(out)
