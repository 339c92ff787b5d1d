"""Takes large data out of a component, so that instances need not copy it.

Wasmtime copies the data segments of a module into each instance: 14 MB for CPython, 4 ms and all of its pages. Its own
images, which are mapped instead, exclude memories of ours. So the data of a large memory is taken out of the module,
and memories of ours begin with it (`running/images.py`).

The guest cannot see it. Segments are written into a memory that holds zeros, before anything can look at it: if the
module itself defines the memory, all offsets are constants, and none is out of bounds, what is written is known here.
Afterwards an active segment is empty, as is one that takes its place where instructions may name it by its number.

A memory is known again by the bytes with which it begins: data of one stays where another begins with as many.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence

from wasihost._component.code import Data
from wasihost._component.composition.data import (
    EMPTY,
    Segment,
    core_modules,
    each_module,
    own_memories,
    read_segments,
    with_data,
)
from wasihost._component.world.sections import DATA, DATA_COUNT, Reader, leb, sections

LEAST = 1 << 16
"""Bytes of data. To copy fewer takes no longer than the page faults of those that the guest uses."""
SPARSEST = 4
"""Bytes for each byte of data, from the first to the last."""
MOST = 8
"""Memories of a component whose data is taken out: a process has a file for each."""


def take_out(wasm: bytes) -> tuple[bytes, list[Data]]:
    """A component without the data of its large memories, and that data."""
    taken: list[Data] = []
    try:
        memories = [own_memories(sections(module)).values() for module in core_modules(wasm)]
    except IndexError:  # Wasmtime judges all that is not understood
        return wasm, taken
    sizes = Counter(memory.size for each in memories for memory in each)
    if None in sizes:  # how a memory begins is not known
        return wasm, taken

    def without(module: bytes) -> bytes:
        own = own_memories(sections(module))
        sized = {index: memory.size for index, memory in own.items() if memory.size and sizes[memory.size] == 1}
        with contextlib.suppress(IndexError):  # as above
            return _without(module, sized, taken)
        return module

    return each_module(wasm, without), taken


def _without(wasm: bytes, own: Mapping[int, int], taken: list[Data]) -> bytes:
    """A core module without the large data of some of its memories, which comes to `taken`. Errors: IndexError."""
    parts = dict(sections(wasm)) if own else {}
    if DATA not in parts:
        return wasm
    segments = list(read_segments(Reader(parts[DATA]), own))
    of_memory: dict[int | None, list[Segment]] = {}
    for each in segments:
        of_memory.setdefault(each.memory, []).append(each)
    memories: set[int | None] = set()
    for memory, size in own.items():
        data = _data(size, of_memory.get(memory, []))
        if data is not None and len(taken) < MOST:
            taken.append(data)
            memories.add(memory)
    return with_data(wasm, _left(segments, memories, DATA_COUNT in parts)) if memories else wasm


def _data(size: int, segments: Sequence[Segment]) -> Data | None:
    """The data that these segments write into a memory of that size, if there is much."""
    written = sum(len(each.data) for each in segments)
    places = [(each.start, each.start + len(each.data)) for each in segments if each.start is not None]
    if written < LEAST or not places or len(places) < len(segments):
        return None
    start = min(start for start, _ in places)
    end = max(end for _, end in places)
    if end > size or end - start > SPARSEST * written:
        return None
    data = bytearray(end - start)
    for (at, to), each in zip(places, segments, strict=True):
        data[at - start : to - start] = each.data
    return Data(size, start, bytes(data))


def _left(segments: Iterable[Segment], memories: Container[int | None], is_numbered: bool) -> bytes:
    """A section of data with those segments that write into no such memory."""
    left = [
        EMPTY if each.memory in memories else each.head + leb(len(each.data)) + each.data
        for each in segments
        if is_numbered or each.memory not in memories
    ]
    return leb(len(left)) + b"".join(left)
