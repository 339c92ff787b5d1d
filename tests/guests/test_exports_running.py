"""Calls of exports that take time: many at once, cancelled, trapping, computing, waiting."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from tests.guests.exports import API, HOST, Sleeper, opened_api
from tests.guests.harness import Guest, fails, load, opened, passes, resident_bytes, until
from wasihost import DeadlockError, GuestTrap, Host, LimitError, RunOptions, allow_all
from wasihost._component.composition.protocol import MAX_RETURNED


async def test_1000_calls_are_under_way_at_once_in_one_instance() -> None:
    async with opened_api() as api:
        calls = [api.begin("wait", n) for n in range(1000)]
        await until(lambda: api.sleeper.sleeping == 1000)
        assert await api.call("waiting") == (1000, 1000)
        api.sleeper.wake_all()
        assert await asyncio.gather(*calls) == list(range(1000))
        assert await api.call("waiting") == (0, 1000)


async def test_more_results_at_once_than_their_ring_holds_all_arrive() -> None:
    count = MAX_RETURNED + 10
    async with opened_api() as api:
        assert await asyncio.gather(*(api.call("async-echo-u32", n) for n in range(count))) == list(range(count))
        assert await asyncio.gather(*(api.call("echo-u32", n) for n in range(count))) == list(range(count))


@pytest.mark.slow
async def test_host_calls_that_are_ready_at_once_leave_nothing_in_the_store() -> None:
    async with opened_api() as api:
        await api.call("sleep-times", 20_000, 0)
        before = resident_bytes()
        await api.call("sleep-times", 100_000, 0)
        assert resident_bytes() - before < 10 << 20, "Wasmtime would keep 400 bytes of each"


@pytest.mark.nightly
async def test_half_a_million_calls_that_returned_at_once_are_a_limit_error() -> None:
    async with opened_api() as api:

        async def call_often() -> None:
            for _ in range(510):
                await asyncio.gather(*(api.call("async-echo-u32", n) for n in range(1000)))

        with pytest.raises(LimitError, match="500000 calls"):
            await call_often()
        assert await api.call("echo-u32", 7) == 7


async def test_a_quick_call_does_not_wait_for_a_slow_one() -> None:
    async with opened_api() as api:
        slow = api.begin("wait", 1)
        await until(lambda: api.sleeper.sleeping)
        assert await api.call("async-echo-u32", 2) == 2
        assert not slow.done()
        api.sleeper.wake_all()
        assert await slow == 1


async def test_a_call_sleeps_as_often_as_it_is_reported() -> None:
    async with opened_api() as api:
        call = api.begin("sleep-times", 3, 1)
        await until(lambda: api.sleeper.sleeping)
        api.sleeper.wake_all()
        assert await call is None


# ---- cancelling


async def test_cancelling_one_call_cancels_only_that_one_and_the_guest_sees_it() -> None:
    async with opened_api() as api:
        first, second, third = (api.begin("wait", n) for n in range(3))
        await until(lambda: api.sleeper.sleeping == 3)
        second.cancel()
        await fails(second, asyncio.CancelledError)
        await until(lambda: api.sleeper.cancelled == 1)
        assert await api.call("waiting") == (2, 3)
        api.sleeper.wake_all()
        assert (await first, await third) == (0, 2)


@pytest.mark.parametrize("count", range(6))
async def test_a_call_can_be_cancelled_at_any_moment(count: int) -> None:
    async with opened_api() as api:
        call = api.begin("wait", 1)
        await passes(count)
        call.cancel()
        await fails(call, asyncio.CancelledError)
        assert (await api.call("waiting"))[0] == 0
        await until(lambda: api.sleeper.sleeping == 0)


async def test_cancelling_every_other_of_200_calls() -> None:
    async with opened_api() as api:
        calls = [api.begin("wait", n) for n in range(200)]
        await until(lambda: api.sleeper.sleeping == 200)
        for call in calls[::2]:
            call.cancel()
        await until(lambda: api.sleeper.cancelled == 100)
        api.sleeper.wake_all()
        assert await asyncio.gather(*calls[1::2]) == list(range(1, 200, 2))
        assert await api.call("waiting") == (0, 200)


async def test_a_time_out_around_a_call_cancels_it() -> None:
    async with opened_api() as api:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await api.call("wait", 1)
        assert (await api.call("waiting"))[0] == 0


async def test_a_call_that_ends_while_it_is_cancelled_hurts_nobody() -> None:
    async with opened_api() as api:
        calls = [api.begin("wait", n) for n in range(50)]
        await until(lambda: api.sleeper.sleeping == 50)
        api.sleeper.wake_all()
        for call in calls:
            call.cancel()
            await passes()
        await asyncio.gather(*calls, return_exceptions=True)
        assert (await api.call("waiting"))[0] == 0


async def test_a_computing_call_can_be_cancelled_and_goes_on_for_the_guest() -> None:
    async with opened_api() as api:
        call = api.begin("async-spin", 0)
        await passes(10)
        call.cancel()
        await fails(call, asyncio.CancelledError)


# ---- traps


@pytest.mark.parametrize(("function", "args"), [("trap", ()), ("async-trap", (0,))])
async def test_a_trap_is_told_with_the_backtrace(function: str, args: tuple[Any, ...]) -> None:
    async with opened_api() as api:
        error = await fails(api.call(function, *args), GuestTrap)
    assert "wasm backtrace" in str(error)
    assert "unreachable" in str(error)


async def test_a_trap_ends_every_call_under_way() -> None:
    async with opened_api() as api:
        waiting = [api.begin("wait", n) for n in range(10)]
        await until(lambda: api.sleeper.sleeping == 10)
        await fails(api.call("trap"), GuestTrap)
        for call in waiting:
            await fails(call, GuestTrap)


async def test_calls_after_a_trap_get_the_trap() -> None:
    async with opened_api() as api:
        await fails(api.call("trap"), GuestTrap)
        await fails(api.call("echo-u8", 1), GuestTrap)


async def test_a_trap_in_one_instance_leaves_others_alone() -> None:
    async with opened_api() as one, opened_api() as other:
        await fails(one.call("trap"), GuestTrap)
        assert await other.call("echo-u8", 1) == 1


async def test_a_trap_cancels_the_providers_coroutines() -> None:
    async with opened_api() as api:
        waiting = api.begin("wait", 1)
        await until(lambda: api.sleeper.sleeping)
        await fails(api.call("trap"), GuestTrap)
        await fails(waiting, GuestTrap)
    assert (api.sleeper.sleeping, api.sleeper.cancelled) == (0, 1)


# ---- closing


async def test_closing_ends_the_calls_under_way_with_an_error_that_says_so() -> None:
    async with opened_api() as api:
        waiting = [api.begin("wait", 1)]
        await until(lambda: api.sleeper.sleeping)
        waiting.append(api.begin("async-spin", 0))
        await passes(5)
    for call in waiting:
        error = await fails(call, RuntimeError)
        assert "closed" in str(error)


async def test_closing_cancels_the_providers_coroutines() -> None:
    async with opened_api() as api:
        waiting = api.begin("wait", 1)
        await until(lambda: api.sleeper.sleeping)
    assert api.sleeper.sleeping == 0
    await fails(waiting, RuntimeError)


async def test_a_closed_instance_cannot_be_called() -> None:
    async with opened_api() as api:
        pass
    error = await fails(api.call("echo-u8", 1), RuntimeError)
    assert "closed" in str(error)


async def test_closing_twice_is_closing_once() -> None:
    async with opened_api() as api:
        await api.instance.close()
        await api.instance.close()


async def test_a_call_may_close_its_own_instance_from_a_provider() -> None:
    class Closer:
        async def sleep(self, ms: int) -> None:
            closing.append(asyncio.create_task(instance.close()))
            await asyncio.Event().wait()

    closing: list[asyncio.Task[None]] = []
    async with opened("rust-exports", {HOST: Closer()}) as instance:
        await fails(instance.call(f"{API}#wait", 1), RuntimeError)
        await closing[0]


# ---- neither the guest nor the host starves


@pytest.mark.parametrize(("function", "rounds"), [("spin", 0), ("async-spin", 0), ("yield-times", 0)])
async def test_the_event_loop_goes_round_while_a_guest_never_rests(function: str, rounds: int) -> None:
    async with opened_api() as api:
        call = api.begin(function, rounds)
        await passes(50)
        assert not call.done()
    await fails(call, RuntimeError)


async def test_computing_comes_to_its_end() -> None:
    async with opened_api() as api:
        assert await api.call("spin", 1) == await api.call("async-spin", 1) == 0x9E37_79B9_7F4A_7C15 ^ await _xorshift()
        assert await api.call("yield-times", 1000) == 1000


async def _xorshift() -> int:
    state = start = 0x9E37_79B9_7F4A_7C15
    state ^= state << 13 & 2**64 - 1
    state ^= state >> 7
    state ^= state << 17 & 2**64 - 1
    return state ^ start


async def test_host_calls_of_others_go_on_while_a_guest_computes() -> None:
    async with opened_api() as api:
        spinning = api.begin("async-spin", 0)
        await passes(10)
        task = asyncio.create_task(asyncio.sleep(0, "went on"))
        assert await task == "went on"
    await fails(spinning, RuntimeError)


async def test_other_calls_go_on_while_one_yields_for_ever() -> None:
    async with opened_api() as api:
        yielding = api.begin("yield-times", 0)
        assert [await api.call("async-echo-u32", n) for n in range(20)] == list(range(20))
        api.sleeper.wake_all()
        assert await api.call("wait", 3) == 3
        assert not yielding.done()
    await fails(yielding, RuntimeError)


@pytest.mark.slow
async def test_two_instances_that_compute_share_the_event_loop() -> None:
    async with opened_api() as one, opened_api() as other:
        calls = [one.begin("async-spin", 0), other.begin("async-spin", 0)]
        await passes(50)
        await other.instance.close()
        await fails(calls[1], RuntimeError)
        await passes(10)
        assert not calls[0].done()
    await fails(calls[0], RuntimeError)


# ---- idling


async def idle_cpu_seconds() -> float:
    """The CPU time that this process takes in two seconds."""
    before = time.process_time()
    await asyncio.sleep(2)
    return time.process_time() - before


async def test_a_guest_that_waits_in_accept_costs_nothing() -> None:
    guest = Guest("rust-echo-server")
    running = asyncio.create_task(guest.run_async())
    await guest.stdout.first_line()
    assert await idle_cpu_seconds() < 0.1
    running.cancel()
    await fails(running, asyncio.CancelledError)


async def test_an_instance_with_calls_that_wait_for_the_host_costs_nothing() -> None:
    async with opened_api() as api:
        calls = [api.begin("wait", n) for n in range(100)]
        await until(lambda: api.sleeper.sleeping == 100)
        assert await idle_cpu_seconds() < 0.1
        api.sleeper.wake_all()
        await asyncio.gather(*calls)


# ---- deadlock


async def test_a_guest_that_waits_for_ever_idles_in_an_open_instance() -> None:
    async with opened_api() as api:
        waiting = api.begin("wait-forever")
        assert await api.call("async-echo-u32", 1) == 1
        await passes(20)
        assert not waiting.done()
        waiting.cancel()
        await fails(waiting, asyncio.CancelledError)
        assert await api.call("echo-u8", 1) == 1


async def test_where_no_other_call_can_come_waiting_for_ever_is_a_deadlock_error() -> None:
    host = Host(policy=allow_all, providers={HOST: Sleeper()})
    async with load("rust-exports").open(host.providers(), options=RunOptions(detect_deadlock=True)) as instance:
        error = await fails(instance.call(f"{API}#wait-forever"), DeadlockError)
    assert f"{API}#wait-forever" in str(error)


async def test_waiting_for_a_provider_is_no_deadlock() -> None:
    sleeper = Sleeper()
    host = Host(providers={HOST: sleeper})
    async with load("rust-exports").open(host.providers(), options=RunOptions(detect_deadlock=True)) as instance:
        call = asyncio.create_task(instance.call(f"{API}#wait", 1))
        await until(lambda: sleeper.sleeping)
        await passes(20)
        sleeper.wake_all()
        assert await call == 1
