"""Tasks that queue up, wait, compute or never end, see tasks.wat."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.abi.running import WAT, assemble, running
from wasihost._base.errors import DeadlockError
from wasihost._base.streams import PromptFuture
from wasihost._component.composition.protocol import MAX_SPARE_RECORDS
from wasihost._component.instance import Instance
from wasihost._testing import run_virtual

TASKS = assemble((WAT / "tasks.wat").read_text(encoding="utf-8"))


class Provider:
    def __init__(self) -> None:
        self.started = asyncio.Semaphore(0)
        self.gate = asyncio.Event()
        self.cancelled = 0
        self.ended = asyncio.Semaphore(0)

    async def wait(self, n: int) -> int:
        self.started.release()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            self.ended.release()
            raise
        return n


async def settle() -> None:
    """Lets the event loop go round."""
    await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def tasks(**options: Any) -> AsyncIterator[tuple[Instance, Provider]]:
    provider = Provider()
    async with running(TASKS, {"test:wat/host": provider}, **options) as instance:
        yield instance, provider


@contextlib.asynccontextmanager
async def under_way(instance: Instance, name: str) -> AsyncIterator[asyncio.Task[Any]]:
    task = asyncio.create_task(instance.call(name))
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("name", ["yield-for-ever", "poll-for-ever"])
async def test_a_busy_guest_does_not_starve_the_event_loop(name: str) -> None:
    async with tasks() as (instance, _), under_way(instance, name):
        for _ in range(20):
            await asyncio.sleep(0.001)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["yield-for-ever", "poll-for-ever"])
def test_in_virtual_time_a_busy_guest_lets_time_pass(name: str) -> None:
    async def main() -> int:
        async with tasks() as (instance, _), under_way(instance, name):
            await asyncio.sleep(0.1)
            return instance._machine.stats.polls

    assert run_virtual(main()) == run_virtual(main())


async def test_a_guest_that_computes_does_not_starve_the_event_loop() -> None:
    async with tasks() as (instance, _):
        computing = asyncio.create_task(instance.call("compute", 500_000_000))
        passes = 0
        while not computing.done():
            await asyncio.sleep(0)
            passes += 1
        assert await computing == 500_000_000
        assert passes > 5


async def test_others_are_served_while_a_task_yields_for_ever() -> None:
    async with tasks() as (instance, provider), under_way(instance, "yield-for-ever"):
        assert await instance.call("count") == 1
        slow = asyncio.create_task(instance.call("slow", 6))
        await provider.started.acquire()
        provider.gate.set()
        assert await slow == 7


async def test_a_task_that_yields_for_ever_can_be_cancelled() -> None:
    async with tasks() as (instance, _):
        async with under_way(instance, "yield-for-ever"):
            await asyncio.sleep(0.01)
        assert await instance.call("count") == 1


async def test_a_sync_export_runs_while_async_ones_wait() -> None:
    async with tasks() as (instance, provider):
        waiting = [asyncio.create_task(instance.call("slow", n)) for n in range(10)]
        for _ in waiting:
            await provider.started.acquire()
        assert [await instance.call("count") for _ in range(3)] == [1, 2, 3]
        provider.gate.set()
        assert await asyncio.gather(*waiting) == list(range(1, 11))


async def test_tasks_that_stand_still_queue_up() -> None:
    async with tasks() as (instance, provider):
        waiting = [asyncio.create_task(instance.call("block", n)) for n in range(5)]
        await provider.started.acquire()
        assert await instance.call("count") == 1
        provider.gate.set()
        assert await asyncio.gather(*waiting) == list(range(1, 6))


async def test_backpressure_holds_calls_back_until_it_is_released() -> None:
    async with tasks() as (instance, provider):
        await instance.call("hold")
        provider.gate.set()
        waiting = [asyncio.create_task(instance.call("slow", n)) for n in range(5)]
        for _ in range(5):
            await instance.call("count")
        assert provider.started.locked()
        await instance.call("release")
        assert await asyncio.gather(*waiting) == list(range(1, 6))


async def test_a_call_that_was_held_back_is_cancelled_before_it_starts() -> None:
    async with tasks() as (instance, provider):
        await instance.call("hold")
        waiting = asyncio.create_task(instance.call("slow", 1))
        await instance.call("count")
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await instance.call("release")
        provider.gate.set()
        assert await instance.call("slow", 6) == 7
        assert provider.started._value == 1


async def test_one_of_many_calls_is_cancelled() -> None:
    async with tasks() as (instance, provider):
        waiting = [asyncio.create_task(instance.call("slow", n)) for n in range(10)]
        for _ in waiting:
            await provider.started.acquire()
        for task in waiting[::2]:
            task.cancel()
        await asyncio.gather(*waiting[::2], return_exceptions=True)
        await instance.call("count")
        await asyncio.sleep(0)
        assert provider.cancelled == 5
        provider.gate.set()
        assert await asyncio.gather(*waiting[1::2]) == list(range(2, 11, 2))


@pytest.mark.parametrize("passes", range(8))
async def test_a_call_that_ends_while_it_is_cancelled(passes: int) -> None:
    async with tasks() as (instance, provider):
        waiting = [asyncio.create_task(instance.call("slow", n)) for n in range(10)]
        for _ in waiting:
            await provider.started.acquire()
        provider.gate.set()
        for _ in range(passes):
            await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(each, asyncio.CancelledError) or each == n + 1 for n, each in enumerate(found))
        assert await instance.call("slow", 6) == 7


@pytest.mark.parametrize("passes", range(6))
async def test_a_call_can_be_cancelled_as_soon_as_it_was_made(passes: int) -> None:
    async with tasks() as (instance, provider):
        task = asyncio.create_task(instance.call("slow", 1))
        for _ in range(passes):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        provider.gate.set()
        assert await instance.call("slow", 6) == 7


async def test_waiting_for_ever_is_a_deadlock_where_no_other_call_can_come() -> None:
    async with tasks(detect_deadlock=True) as (instance, _):
        with pytest.raises(DeadlockError, match="wait-for-ever"):
            await instance.call("wait-for-ever")


async def test_a_guest_that_waits_costs_nothing() -> None:
    async with tasks() as (instance, _), under_way(instance, "wait-for-ever"):
        await asyncio.sleep(0.05)
        before = time.process_time()
        await asyncio.sleep(1)
        assert time.process_time() - before < 0.05


@pytest.mark.parametrize("name", ["yield-for-ever", "poll-for-ever", "wait-for-ever"])
async def test_an_instance_can_be_closed_whatever_its_guest_does(name: str) -> None:
    async with tasks() as (instance, _):
        task = asyncio.create_task(instance.call(name))
        await asyncio.sleep(0.01)
    with pytest.raises((asyncio.CancelledError, RuntimeError)):
        await task


PAUSES = """(component
  (import "test:wat/host" (instance $host (export "pause" (func))))
  (core func $pause (canon lower (func $host "pause")))
  (core func $cancel (canon task.cancel))
  (core func $set-new (canon waitable-set.new))
  (core module $m
    (import "" "pause" (func $pause)) (import "" "cancel" (func $cancel)) (import "" "new" (func $new (result i32)))
    (func (export "f") (result i32) (call $pause) (i32.or (i32.const 2) (i32.shl (call $new) (i32.const 4))))
    (func (export "callback") (param i32 i32 i32) (result i32) (call $cancel) (i32.const 0)))
  (core instance $i (instantiate $m (with "" (instance
    (export "pause" (func $pause)) (export "cancel" (func $cancel)) (export "new" (func $set-new))))))
  (func (export "f") async (canon lift (core func $i "f") async (callback (core func $i "callback")))))"""


async def test_a_call_cancelled_before_its_first_wait_is_cancelled_there() -> None:
    class Pausing:
        async def pause(self) -> None:
            paused.set()
            await gate.wait()

    paused, gate = asyncio.Event(), asyncio.Event()
    async with running(assemble(PAUSES), {"test:wat/host": Pausing()}) as instance:
        call = asyncio.create_task(instance.call("f"))
        await paused.wait()
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        gate.set()
        while len(instance._machine.guest_calls.paths):
            await settle()


@pytest.mark.parametrize("passes", range(5))
async def test_a_call_that_cannot_be_cancelled_is_cancelled_once(passes: int) -> None:
    async with tasks() as (instance, provider):
        assert await instance.call("count") == 1
        for _ in range(5):
            await settle()
        call = asyncio.create_task(instance.call("block", 1))
        for _ in range(passes):
            await settle()
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        for _ in range(5):
            await settle()
        provider.gate.set()
        assert await instance.call("count") == 2


class Prompt(Provider):
    """Gives futures that the test resolves."""

    def __init__(self) -> None:
        super().__init__()
        self.futures: list[PromptFuture[int]] = []

    def wait(self, n: int) -> PromptFuture[int]:  # type: ignore[override]
        self.futures.append(PromptFuture())
        self.started.release()
        return self.futures[-1]


async def test_a_call_that_waits_for_a_prompt_future_goes_on_within_set_result() -> None:
    provider = Prompt()
    async with running(TASKS, {"test:wat/host": provider}) as instance:
        slow = asyncio.create_task(instance.call("slow", 6))
        await provider.started.acquire()
        polls = -1
        while polls != instance._machine.stats.polls:  # it is not idle yet
            polls = instance._machine.stats.polls
            await settle()
            await settle()
        provider.futures[0].set_result(6)
        assert instance._machine.stats.polls > polls
        assert await slow == 7


@pytest.mark.parametrize("resolve_first", [False, True])
async def test_a_prompt_future_may_be_cancelled_with_its_call(resolve_first: bool) -> None:
    provider = Prompt()
    async with running(TASKS, {"test:wat/host": provider}) as instance:
        for _ in range(3):
            slow = asyncio.create_task(instance.call("slow", 6))
            await provider.started.acquire()
            future = provider.futures.pop()
            if resolve_first:
                future.set_result(6)
            slow.cancel()
            await asyncio.wait([slow, future])
            assert future.cancelled() is not resolve_first
        assert await instance.call("count") == 1


async def test_more_calls_than_records_are_kept_for_wait_are_cancelled_and_wait_again() -> None:
    many = 3 * MAX_SPARE_RECORDS
    async with tasks() as (instance, provider):
        for _ in range(3):
            provider.gate.clear()
            calls = [asyncio.create_task(instance.call("slow", n)) for n in range(many)]
            for _ in calls:
                await provider.started.acquire()
            for call in calls[::2]:
                call.cancel()
            for _ in calls[::2]:
                await provider.ended.acquire()
            provider.gate.set()
            assert await asyncio.gather(*calls[1::2]) == list(range(2, many + 1, 2))
