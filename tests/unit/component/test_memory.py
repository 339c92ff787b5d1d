from __future__ import annotations

import errno
import mmap
import sys
from typing import Any

import pytest

from wasihost._component.running import mappings
from wasihost._component.running.memory import LARGEST, LinearMemory, MemoryObserver, _recording

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


def _largest() -> LinearMemory:
    """As the engine makes them; of a size that no guest of other tests has."""
    return LinearMemory(7 * PAGE, LARGEST, 3 * PAGE)


def test_the_pages_of_a_memory_that_is_gone_are_zeros_for_the_next_of_its_size() -> None:
    memory = _largest()
    base = memory.base
    memory.view()[:] = b"x" * 7 * PAGE
    memory.end()
    again = _largest()
    assert again.base == base or sys.platform != "linux"
    assert not any(again.view())
    again.end()


def test_pages_that_a_view_is_left_of_are_emptied_and_not_used_again() -> None:
    memory = _largest()
    left = memory.view()
    left[:3] = b"abc"
    memory.end()
    assert not any(left)
    again = _largest()
    again.view()[0] = 1
    assert not left[0]
    again.end()


def test_a_memory_that_had_grown_serves_one_that_has_not() -> None:
    memory = _largest()
    memory.grow(8 * PAGE)
    memory.view()[-1] = 1
    memory.end()
    again = _largest()
    assert len(again.view()) == 7 * PAGE
    again.grow(8 * PAGE)
    assert not any(again.view())
    again.end()


def test_pages_of_a_memory_that_failed_to_grow_are_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_start: int, _size: int) -> None:
        raise MemoryError

    monkeypatch.setattr(mappings, "give_access", refuse)
    memory = _largest()
    pages = memory.pages
    with pytest.raises(MemoryError):
        memory.grow(8 * PAGE)
    memory.end()
    assert pages.closed


def test_mappings_that_wait_are_given_up_for_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = _largest()
    waiting = memory.pages
    memory.end()
    mapped = mmap.mmap

    def map_(*args: Any, **named: Any) -> mmap.mmap:
        if mappings._kept:
            raise OSError(errno.ENOMEM, "no addresses")
        return mapped(*args, **named)

    monkeypatch.setattr(mmap, "mmap", map_)
    assert not any(LinearMemory(5 * PAGE, LARGEST, 0).view())
    monkeypatch.undo()
    assert _largest().pages is not waiting


def test_nothing_is_recorded_outside_of_a_recording() -> None:
    with MemoryObserver() as recording:
        assert _recording.current is recording
    assert _recording.current is None
