"""The clocks below wasi:clocks: this machine's, and one that tests move."""

from __future__ import annotations

import asyncio
import time

import pytest

from wasihost import Clock, OsClock, VirtualClock
from wasihost._wasi.p3.clocks.monotonic_clock import MonotonicClock
from wasihost._wasi.p3.clocks.system_clock import Instant, SystemClock

U64_MAX = 2**64 - 1
S = 1_000_000_000


async def _begun(*waits: asyncio.Task[None]) -> None:
    await asyncio.sleep(0)
    assert not [wait for wait in waits if wait.done()]


async def _given_up(*waits: asyncio.Task[None]) -> None:
    for wait in waits:
        wait.cancel()
    await asyncio.gather(*waits, return_exceptions=True)


# ---- the machine's


def test_the_monotonic_clock_is_that_of_the_machine() -> None:
    before = time.monotonic_ns()
    assert before <= MonotonicClock(OsClock()).now() <= time.monotonic_ns()


def test_the_system_clock_is_that_of_the_machine() -> None:
    before = time.time_ns()
    instant = SystemClock(OsClock()).now()
    assert before <= instant.seconds * S + instant.nanoseconds <= time.time_ns()


@pytest.mark.parametrize("offset_ns", [3600 * S, -3600 * S])
def test_an_offset_moves_the_calendar_only(offset_ns: int) -> None:
    before_ns, clock = time.time_ns(), OsClock(offset_ns)
    assert before_ns <= clock.system_ns() - offset_ns <= time.time_ns()
    assert abs(clock.monotonic_ns() - time.monotonic_ns()) < 3600 * S


def test_ticks_take_time() -> None:
    assert MonotonicClock(OsClock()).get_resolution() >= 1
    assert SystemClock(OsClock()).get_resolution() >= 1


async def test_a_wait_is_never_too_short() -> None:
    clock = MonotonicClock(OsClock())
    for how_long in (1, 999_999, 3_000_000):
        start = time.monotonic_ns()
        await clock.wait_for(how_long)
        assert time.monotonic_ns() - start >= how_long


async def test_a_mark_that_has_passed_is_not_waited_for() -> None:
    for clock in (OsClock(), VirtualClock(monotonic_ns=5)):
        await MonotonicClock(clock).wait_until(0)
        await MonotonicClock(clock).wait_for(0)


@pytest.mark.parametrize("clock", [OsClock(), VirtualClock()], ids=["os", "virtual"])
async def test_the_longest_waits_wait_and_can_be_given_up(clock: Clock) -> None:
    monotonic = MonotonicClock(clock)
    waits = [asyncio.create_task(wait(U64_MAX)) for wait in (monotonic.wait_for, monotonic.wait_until)]
    await _begun(*waits)
    await _given_up(*waits)


# ---- instants


@pytest.mark.parametrize(
    ("system_ns", "instant"),
    [
        (0, Instant(0, 0)),
        (1_500_000_001, Instant(1, 500_000_001)),
        (-1, Instant(-1, 999_999_999)),  # the example of the WIT
        (-S, Instant(-1, 0)),
        (2**63 * S - 1, Instant(2**63 - 1, 999_999_999)),
    ],
)
def test_nanoseconds_of_an_instant_count_forward(system_ns: int, instant: Instant) -> None:
    assert SystemClock(VirtualClock(system_ns=system_ns)).now() == instant


# ---- the virtual one


def test_a_virtual_clock_stands_still_until_it_is_advanced() -> None:
    clock = VirtualClock(system_ns=100, monotonic_ns=7)
    assert (clock.system_ns(), clock.monotonic_ns()) == (100, 7)
    clock.advance(3)
    assert (clock.system_ns(), clock.monotonic_ns()) == (103, 10)


def test_a_virtual_clock_cannot_go_back() -> None:
    with pytest.raises(ValueError, match="cannot go back, by -1 ns"):
        VirtualClock().advance(-1)


async def test_advancing_ends_the_waits_that_are_over_in_the_order_of_their_ends() -> None:
    clock, ended = VirtualClock(), list[int]()

    async def wait(until_ns: int) -> None:
        await clock.wait_until(until_ns)
        ended.append(until_ns)

    waits = [asyncio.create_task(wait(until_ns)) for until_ns in (30, 10, 20, 40)]
    await _begun(*waits)
    clock.advance(30)
    await asyncio.gather(*waits[:3])
    assert ended == [10, 20, 30]
    await _given_up(waits[3])


async def test_the_next_end_of_a_wait_is_known() -> None:
    clock = VirtualClock()
    waits = [asyncio.create_task(clock.wait_until(until_ns)) for until_ns in (30, 10)]
    await _begun(*waits)
    clock.advance(4)
    assert clock.next_ns == 6
    await _given_up(waits[1])
    assert clock.next_ns == 26
    await _given_up(waits[0])
    assert clock.next_ns is None


async def test_a_wait_given_up_at_its_end_does_no_harm() -> None:
    clock = VirtualClock()
    wait = asyncio.create_task(clock.wait_until(1))
    await _begun(wait)
    wait.cancel()
    clock.advance(1)
    await _given_up(wait)


def test_callbacks_come_in_the_order_of_their_times_and_see_those_times() -> None:
    clock, seen = VirtualClock(), list[tuple[str, int]]()
    clock.call_later(20, lambda: seen.append(("b", clock.monotonic_ns())))
    clock.call_later(10, lambda: seen.append(("a", clock.monotonic_ns())))
    clock.call_later(20, lambda: seen.append(("c", clock.monotonic_ns())))
    clock.call_later(15, lambda: seen.append(("cancelled", 0))).cancel()
    clock.advance(19)
    assert seen == [("a", 10)]
    clock.advance(100)
    assert seen == [("a", 10), ("b", 20), ("c", 20)]


def test_a_callback_may_ask_for_another_one_on_the_way() -> None:
    clock, seen = VirtualClock(), list[int]()

    def tick() -> None:
        seen.append(clock.monotonic_ns())
        clock.call_later(10, tick)

    clock.call_later(10, tick)
    clock.advance(35)
    assert seen == [10, 20, 30]
    assert clock.next_ns == 5


async def test_the_clock_of_the_machine_calls_back_after_the_time() -> None:
    clock, called = OsClock(), asyncio.get_running_loop().create_future()
    before_ns = clock.monotonic_ns()
    clock.call_later(2_000_000, lambda: called.set_result(None))
    given_up = clock.call_later(1_000_000, lambda: called.set_exception(AssertionError))
    given_up.cancel()
    await called
    assert clock.monotonic_ns() - before_ns >= 1_900_000  # event loops round
