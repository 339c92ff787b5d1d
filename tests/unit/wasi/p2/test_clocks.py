"""wasi:clocks 0.2: pollables of timers, on a clock that the test moves; the wall clock."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.wasi.p2.io.fakes import settled
from wasihost import VirtualClock
from wasihost._base.clock import RunningClock
from wasihost._testing.loop import run_virtual
from wasihost._wasi.p2.clocks.monotonic_clock import MonotonicClock
from wasihost._wasi.p2.clocks.wall_clock import Datetime, WallClock
from wasihost._wasi.p2.io.poll import Poll

U64_MAX = 2**64 - 1


def test_a_timer_is_ready_from_its_end_on_and_stays_so() -> None:
    clock = VirtualClock(monotonic_ns=100)
    provider = MonotonicClock(clock)
    pollables = [provider.subscribe_duration(10), provider.subscribe_instant(110)]
    for ns, ready in ((9, False), (1, True), (1, True)):
        clock.advance(ns)
        assert [pollable.ready() for pollable in pollables] == [ready, ready]


async def test_block_waits_until_the_end() -> None:
    clock = VirtualClock()
    blocking = asyncio.create_task(settled(MonotonicClock(clock).subscribe_duration(10).block()))
    await asyncio.sleep(0)
    assert clock.next_ns == 10
    clock.advance(10)
    await blocking


@pytest.mark.parametrize("instant", [0, 99, 100])
def test_an_instant_that_has_passed_is_ready_at_the_second_look(instant: int) -> None:
    pollable = MonotonicClock(VirtualClock(monotonic_ns=100)).subscribe_instant(instant)
    assert [pollable.ready() for _ in range(3)] == [False, True, True]


async def test_a_poll_of_a_zero_timer_lets_the_event_loop_have_its_turn() -> None:
    turns: list[int] = []
    pollable = MonotonicClock(VirtualClock()).subscribe_duration(0)
    asyncio.get_running_loop().call_soon(turns.append, 1)
    assert await settled(Poll().poll([pollable])) == [0]
    assert turns == [1]


def test_a_guest_that_polls_zero_timers_moves_a_time_of_the_loops_own() -> None:
    async def looks() -> int:
        clock = MonotonicClock(RunningClock())
        awaited = clock.subscribe_duration(10_000_000)
        count = 0
        while not awaited.ready():
            await settled(Poll().poll([clock.subscribe_duration(0)]))
            count += 1
        return count

    assert run_virtual(looks()) == 10


async def test_a_timer_beyond_the_end_of_the_clock_is_never_ready() -> None:
    clock = VirtualClock(monotonic_ns=U64_MAX)
    pollable = MonotonicClock(clock).subscribe_duration(U64_MAX)
    clock.advance(1)
    assert not pollable.ready()


async def test_a_dropped_timer_leaves_nothing_in_the_clock() -> None:
    clock = VirtualClock()
    pollable = MonotonicClock(clock).subscribe_duration(10)
    polling = asyncio.create_task(settled(Poll().poll([pollable])))
    await asyncio.sleep(0)
    polling.cancel()
    await asyncio.wait([polling])
    pollable.drop()
    assert clock.next_ns is None


def test_the_wall_clock_counts_from_1970_and_cannot_say_what_was_before() -> None:
    assert WallClock(VirtualClock(system_ns=1_500_000_000)).now() == Datetime(1, 500_000_000)
    assert WallClock(VirtualClock(system_ns=-1)).now() == Datetime(0, 0)
    assert WallClock(VirtualClock()).resolution() == Datetime(0, 1)


def test_the_monotonic_clock_is_that_of_the_host() -> None:
    clock = MonotonicClock(VirtualClock(monotonic_ns=7))
    assert (clock.now(), clock.resolution()) == (7, 1)
