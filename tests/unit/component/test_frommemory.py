"""Plain lists out of the canonical ABI's memory form, as `tomemory` writes it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.strategies import val_types, values
from wasihost._base.errors import InternalError, LimitError
from wasihost._base.limits import Limits
from wasihost._component.conversion.frommemory import FromMemoryCode
from wasihost._component.conversion.numbers import SharedLists
from wasihost._component.conversion.plans import Plans
from wasihost._component.running.memory import LinearMemory
from wasihost._component.values import Classes
from wasihost._component.world import types

PAGE, ROOM = 65536, 4096
CLASSES = Classes(types.Interface({}))


@pytest.fixture
def arena() -> Iterator[SharedLists]:
    numbers = SharedLists(Limits(list_bytes=1000), in_arena=True)
    numbers.memory = LinearMemory(16 * PAGE, 16 * PAGE, PAGE)
    yield numbers
    numbers.memory.pages.close()


@pytest.mark.slow
@settings(max_examples=30)
@given(st.data())
def test_a_list_that_was_written_is_read_as_it_was(data: st.DataObject) -> None:
    t = data.draw(val_types())
    some = data.draw(st.lists(values(t, CLASSES), max_size=3))
    numbers = SharedLists()
    numbers.memory = LinearMemory(16 * PAGE, 16 * PAGE, PAGE)
    for value in (some, some * 5):
        numbers.give_room(ROOM, 15 * PAGE)
        place = Plans(CLASSES).list_to_memory(types.List(t))
        found: Any = FromMemoryCode(CLASSES).reader(types.List(t))(numbers, *place(value, numbers))
        assert (list(found), repr(list(found))) == (value, repr(value))
    numbers.memory.pages.close()


def lower(numbers: SharedLists, texts: list[bytes]) -> tuple[list[int], list[int]]:
    """As Wasmtime does into the arena: the pointers and lengths."""
    block = b"".join(text + b"\0" for text in texts)
    numbers.memory.pages[ROOM : ROOM + len(block)] = block
    lengths = list(map(len, texts))
    return list(accumulate((length + 1 for length in lengths[:-1]), initial=ROOM)), lengths


@pytest.mark.parametrize("texts", [[""], ["", ""], ["a", "", "é"], ["\0", "\0\0", ""], ["a\0", "b"]])
def test_strings_that_adjoin_are_read_as_they_are(arena: SharedLists, texts: list[str]) -> None:
    assert arena.texts(*lower(arena, [text.encode() for text in texts])) == texts


def test_strings_with_something_between_are_read_as_they_are(arena: SharedLists) -> None:
    (first, _, third), lengths = lower(arena, [b"ab", b"--", b"cd"])
    assert arena.texts([first, third], lengths[:2]) == ["ab", "cd"]
    assert arena.texts([third, first], lengths[:2]) == ["cd", "ab"]


def test_what_is_no_arena_is_not_taken_for_one(arena: SharedLists) -> None:
    arena.in_arena = False
    arena.memory.pages[ROOM : ROOM + 7] = b"a\0b\0\0\0c"  # c is where it would be, b is not
    arena.memory.pages[ROOM + 100] = ord("b")
    assert arena.texts([ROOM, ROOM + 100, ROOM + 6], [1, 3, 1]) == ["a", "b\0\0", "c"]


def test_a_list_that_is_too_long_is_refused(arena: SharedLists) -> None:
    read = FromMemoryCode(CLASSES).reader(types.List(types.STRING))
    arena.memory.pages[ROOM : ROOM + 256] = struct.pack("II", ROOM, 0) * 32
    assert read(arena, ROOM, 31) == [""] * 31
    with pytest.raises(LimitError, match="lists of values that take 1024 bytes"):
        read(arena, ROOM, 32)


def test_lists_in_a_list_count_together(arena: SharedLists) -> None:
    read = FromMemoryCode(CLASSES).reader(types.List(types.List(types.BOOL)))
    arena.memory.pages[ROOM : ROOM + 16] = struct.pack("4I", ROOM, 15, ROOM, 15)
    with pytest.raises(LimitError, match="lists of values that take 1024 bytes"):
        read(arena, ROOM, 2)
    assert read(arena, ROOM, 1)


def test_nothing_outside_of_the_memory_is_read(arena: SharedLists) -> None:
    end = arena.memory.size
    for read in (arena.read, arena.text):
        with pytest.raises(InternalError, match="outside of the memory"):
            read(end - 1, 2)
