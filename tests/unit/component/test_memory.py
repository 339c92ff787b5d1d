from __future__ import annotations

import mmap

import pytest

from wasihost._component.running.memory import LinearMemory, MemoryObserver, _recording

PAGE = 65536


def test_a_memory_is_zero_and_grows_in_place() -> None:
    memory = LinearMemory(PAGE, 4 * PAGE, mmap.PAGESIZE)
    view = memory.view()
    assert (len(view), view[0], view[-1]) == (PAGE, 0, 0)
    view[-1] = 7
    memory.grow(3 * PAGE)
    grown = memory.view()
    assert (len(grown), grown[PAGE - 1], grown[-1]) == (3 * PAGE, 7, 0)


def test_a_memory_does_not_grow_past_its_reservation() -> None:
    memory = LinearMemory(PAGE, 2 * PAGE, 0)
    with pytest.raises(MemoryError, match="reservation"):
        memory.grow(2 * PAGE + 1)
    assert memory.size == PAGE


def test_an_empty_memory_is_allowed() -> None:
    assert len(LinearMemory(0, 0, 0).view()) == 0


def test_a_view_keeps_the_pages_of_a_memory_that_is_gone() -> None:
    view = LinearMemory(PAGE, PAGE, 0).view()
    view[0] = 1
    assert view[0] == 1


def test_nothing_is_recorded_outside_of_a_recording() -> None:
    with MemoryObserver() as recording:
        assert _recording.current is recording
    assert _recording.current is None
