"""Coroutines that begin at once."""

from __future__ import annotations

import asyncio
import contextvars
import sys

import pytest

from wasihost._base import eager

VARIABLE = contextvars.ContextVar("VARIABLE", default=0)


async def test_what_ends_at_once_is_done_at_once() -> None:
    async def give() -> int:
        return 7

    found = eager.begin(give())
    assert found.done()
    assert found.result() == 7
    await asyncio.sleep(0)  # its task ends


@pytest.mark.parametrize("error", [ValueError("wrong"), KeyboardInterrupt(), asyncio.CancelledError()])
async def test_what_fails_at_once_is_done_at_once(error: BaseException) -> None:
    async def fail() -> None:
        raise error

    found = eager.begin(fail())
    assert found.done()
    with pytest.raises(type(error)):
        found.result()
    await asyncio.sleep(0)


async def test_the_rest_runs_later() -> None:
    async def wait() -> list[int]:
        steps.append(1)
        await asyncio.sleep(0)
        steps.append(2)
        return [*steps, await ready]

    steps: list[int] = []
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    found = eager.begin(wait())
    assert (steps, found.done()) == ([1], False)
    ready.set_result(3)
    assert await found == [1, 2, 3]


@pytest.mark.parametrize("error", [None, ValueError("wrong")])
async def test_what_comes_before_the_second_step_is_not_waited_for(error: Exception | None) -> None:
    async def wait() -> int:
        return await ready

    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    found = eager.begin(wait())
    if error is None:
        ready.set_result(7)
    else:
        ready.set_exception(error)
    await asyncio.sleep(0)
    assert found.done()
    assert found.exception() is error
    assert error is not None or found.result() == 7


async def test_all_of_it_runs_as_one_task_which_is_not_the_callers() -> None:
    async def tasks() -> list[object]:
        first = asyncio.current_task()
        await asyncio.sleep(0)
        return [first, asyncio.current_task()]

    caller = asyncio.current_task()
    found = eager.begin(tasks())
    assert asyncio.current_task() is caller
    assert await found == [found, found]


async def test_a_timeout_in_the_first_step_ends_the_coroutine_only() -> None:
    async def wait() -> None:
        async with asyncio.timeout(0):
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await eager.begin(wait())


def test_the_task_of_what_ended_at_once_can_be_cancelled() -> None:
    async def give() -> int:
        return 7

    async def main() -> int:
        return int(eager.begin(give()).result())  # `asyncio.run` cancels the task that is left

    problems: list[object] = []
    with asyncio.Runner() as runner:
        runner.get_loop().set_exception_handler(lambda _loop, problem: problems.append(problem))
        assert runner.run(main()) == 7
    assert problems == []


@pytest.mark.parametrize("passes", range(3))
async def test_it_can_be_cancelled(passes: int) -> None:
    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    seen: list[str] = []
    found = eager.begin(wait())
    for _ in range(passes):
        await asyncio.sleep(0)
    found.cancel()
    with pytest.raises(asyncio.CancelledError):
        await found
    assert seen == ["cancelled"]


@pytest.mark.parametrize("passes", range(3))
async def test_what_it_waits_for_is_cancelled_too(passes: int) -> None:
    async def wait() -> None:
        await asyncio.gather(inner)

    inner: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    found = eager.begin(wait())
    for _ in range(passes):
        await asyncio.sleep(0)
    found.cancel()
    with pytest.raises(asyncio.CancelledError):
        await found
    assert inner.cancelled()


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12")
@pytest.mark.parametrize("waits", [False, True])
async def test_it_begins_once_where_all_tasks_are_eager(waits: bool) -> None:
    async def give() -> int:
        steps.append(1)
        if waits:
            await asyncio.sleep(0)
        return 7

    steps: list[int] = []
    loop = asyncio.get_running_loop()
    loop.set_task_factory(getattr(asyncio, "eager_task_factory"))  # noqa: B009
    found = eager.begin(give())
    loop.set_task_factory(None)
    assert await found == 7
    assert steps == [1]


async def test_it_can_outlive_being_cancelled() -> None:
    async def wait() -> int:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
        return 7

    found = eager.begin(wait())
    found.cancel()
    assert await found == 7


async def test_it_has_one_context_of_its_own() -> None:
    async def change() -> int:
        VARIABLE.set(1)
        await asyncio.sleep(0)
        return VARIABLE.get()

    found = eager.begin(change())
    assert VARIABLE.get() == 0
    assert await found == 1
