"""`PromptFuture`: who waits in the machine is told at once, everybody else as by any future."""

from __future__ import annotations

import asyncio

import pytest

from wasihost._base.streams import PromptFuture


def watched() -> tuple[PromptFuture[int], list[str]]:
    """A future, and what is told of it."""
    future: PromptFuture[int] = PromptFuture()
    told: list[str] = []
    future.when_done(lambda: told.append("machine"))
    future.add_done_callback(lambda _: told.append("others"))
    return future, told


async def test_a_result_is_told_within_set_result() -> None:
    future, told = watched()
    future.set_result(7)
    assert told == ["machine"]
    assert await future == 7
    await asyncio.sleep(0)
    assert told == ["machine", "others"]


async def test_an_error_is_told_within_set_exception() -> None:
    future, told = watched()
    future.set_exception(ValueError("no"))
    assert told == ["machine"]
    with pytest.raises(ValueError, match="no"):
        await future


async def test_a_cancellation_is_told_later_and_once() -> None:
    future, told = watched()
    assert future.cancel()
    assert not future.cancel()
    assert told == []
    await asyncio.sleep(0)
    assert sorted(told) == ["machine", "others"]


async def test_nobody_need_wait_in_the_machine() -> None:
    future: PromptFuture[int] = PromptFuture()
    asyncio.get_running_loop().call_soon(future.set_result, 3)
    assert await future == 3
    assert PromptFuture[int]().cancel()
