"""Answers that take time: what runs at once, what is a task, and what is left of one that is dropped."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

import pytest

from wasihost import InternalError
from wasihost._wasi.filesystem.answers import Later, answer_of, at_once_or_later, settled, then
from wasihost._wasi.filesystem.metadata import Kind
from wasihost._wasi.filesystem.nodes import Entries
from wasihost._wasi.filesystem.streams import EntrySource


@at_once_or_later
async def doubled(given: Any) -> int:
    return 2 * int(await settled(given))


async def later(value: int) -> int:
    await asyncio.sleep(0)
    return value


async def failing() -> int:
    await asyncio.sleep(0)
    raise OSError(5, "failed")


def test_what_is_there_is_an_answer_without_an_event_loop() -> None:
    assert (doubled(1), then(doubled(1), str), answer_of(3)) == (2, "2", 3)


def test_a_failure_that_is_known_at_once_is_raised_at_once() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        doubled("x")


async def test_what_takes_time_is_later_and_converted_then() -> None:
    answer = doubled(later(2))
    assert isinstance(answer, Later)
    assert await answer.then(str) == "4"
    assert await settled(doubled(doubled(later(2)))) == 8


async def test_a_failure_that_comes_later_is_converted() -> None:
    answer = doubled(failing())
    assert isinstance(answer, Later)
    with pytest.raises(LookupError, match="failed"):
        await answer.failing(OSError, lambda error: LookupError(str(error)))


async def test_code_that_waits_runs_in_a_task_of_its_own() -> None:
    async def task() -> Any:
        return asyncio.current_task()

    answer = answer_of(task())
    assert isinstance(answer, Later)
    coroutine: Coroutine[Any, Any, Any] = answer  # as the machine takes it
    waits = asyncio.ensure_future(coroutine)
    assert await waits is waits


async def test_an_answer_that_is_dropped_leaves_no_coroutine_that_never_began() -> None:
    answer = doubled(later(1))
    del answer  # Python would warn


async def test_steps_that_wait_for_anything_but_an_answer_are_our_fault() -> None:
    @at_once_or_later
    async def wrong() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(InternalError, match="wrong waits for <Future pending>, which is not settled"):
        wrong()


class Closed(Entries):
    """No entries, and whether they were closed."""

    is_closed = False

    def read(self) -> tuple[Sequence[str], Sequence[Kind]]:
        return (), ()

    def close(self) -> None:
        self.is_closed = True


async def test_entries_that_come_for_no_one_are_closed() -> None:
    found = Closed()

    @at_once_or_later
    async def entries() -> Entries:
        assert await settled(doubled(later(1))) == 2
        return found

    def only_kinds(_names: Sequence[str], kinds: Sequence[Kind]) -> Sequence[Kind]:
        return kinds

    source = EntrySource(entries(), only_kinds, lambda _error: None)
    with pytest.raises(BlockingIOError):
        source.read()
    for _ in range(8):
        await asyncio.sleep(0)
    source.close(None)
    assert found.is_closed
