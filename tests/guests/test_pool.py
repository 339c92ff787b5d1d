"""`Host.pool`: an instance for each request, or for several."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.guests.exports import API, HOST, Sleeper
from tests.guests.harness import fails, load, passes, until
from wasihost import ComponentError, GuestTrap, Host, Instance, LimitError, LinkError, Pool, WitError


def make_pool(sleeper: Sleeper | None = None, **options: Any) -> Pool:
    return Host(providers={HOST: sleeper or Sleeper()}).pool(load("rust-exports"), **options)


def begin(pool: Pool, function: str, *args: Any) -> asyncio.Task[Any]:
    return asyncio.create_task(pool.call(f"{API}#{function}", *args))


async def test_100_requests_at_once_have_100_instances() -> None:
    sleeper = Sleeper()
    async with make_pool(sleeper, size=100) as pool:
        calls = [begin(pool, "wait", n) for n in range(100)]
        await until(lambda: sleeper.sleeping == 100)
        assert pool.in_use == 100
        sleeper.wake_all()
        assert await asyncio.gather(*calls) == list(range(100))
    assert pool.in_use == pool.ready == 0


async def test_a_request_sees_nothing_of_another() -> None:
    async with make_pool(size=3) as pool:
        for n in range(5):
            async with pool.instance() as instance:
                assert await instance.call(f"{API}#last-value") == ""
                await instance.call(f"{API}#no-result", f"of {n}")
                assert await instance.call(f"{API}#last-value") == f"of {n}"


async def test_a_trap_hurts_no_other_request() -> None:
    sleeper = Sleeper()
    async with make_pool(sleeper, size=20) as pool:
        calls = [begin(pool, "wait", n) for n in range(10)]
        await until(lambda: sleeper.sleeping == 10)
        traps = [begin(pool, "trap") for _ in range(10)]
        for trap in traps:
            await fails(trap, GuestTrap)
        sleeper.wake_all()
        assert await asyncio.gather(*calls) == list(range(10))
        assert await pool.call(f"{API}#echo-u8", 1) == 1


async def test_more_requests_than_the_size_wait_for_their_turn() -> None:
    sleeper = Sleeper()
    async with make_pool(sleeper, size=2, min_ready=0) as pool:
        calls = [begin(pool, "wait", n) for n in range(6)]
        await until(lambda: sleeper.sleeping == 2)
        await passes(20)
        assert (pool.in_use, sleeper.sleeping) == (2, 2)
        sleeper.wake_all()
        assert await asyncio.gather(*calls) == list(range(6))


async def test_too_many_waiting_requests_are_refused() -> None:
    sleeper = Sleeper()
    async with make_pool(sleeper, size=1, min_ready=0, max_waiting=1) as pool:
        calls = [begin(pool, "wait", n) for n in range(2)]
        await until(lambda: sleeper.sleeping == 1)
        error = await fails(pool.call(f"{API}#wait", 3), LimitError)
        assert "1 instances serve and 1 requests wait" in str(error)
        sleeper.wake_all()
        assert await asyncio.gather(*calls) == [0, 1]


async def test_instances_are_made_beforehand_and_again_when_they_are_taken() -> None:
    async with make_pool(size=4, min_ready=2) as pool:
        await until(lambda: pool.ready == 2)
        async with pool.instance():
            assert pool.ready == 1
            await until(lambda: pool.ready == 2)


async def test_a_ready_instance_that_was_closed_is_replaced() -> None:
    async with make_pool(size=2, min_ready=1) as pool:
        await until(lambda: pool.ready == 1)
        (member,) = pool._ready
        assert member.instance is not None
        await member.instance.close()
        assert await pool.call(f"{API}#echo-u8", 7) == 7


async def test_closing_waits_for_the_requests_under_way_and_takes_no_more() -> None:
    sleeper = Sleeper()
    pool = make_pool(sleeper, size=2)
    call = begin(pool, "wait", 1)
    await until(lambda: sleeper.sleeping)
    closing = asyncio.create_task(pool.close())
    await passes(20)
    assert not closing.done()
    assert "closed" in str(await fails(pool.call(f"{API}#wait", 2), RuntimeError))
    sleeper.wake_all()
    await closing
    assert await call == 1


@pytest.mark.parametrize("count", range(1, 6))
async def test_closing_closes_every_ready_instance_when_it_is_cancelled(count: int) -> None:
    pool = make_pool(size=3, min_ready=3)
    await until(lambda: pool.ready == 3)
    made = [member.instance for member in pool._ready]
    closing = asyncio.create_task(pool.close())
    await passes(count)
    closing.cancel()
    await asyncio.gather(closing, return_exceptions=True)
    assert [instance is not None and instance.is_usable for instance in made] == [False] * 3


async def test_closing_says_that_it_waits(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("wasihost._host.pool._LONG_S", 0)
    async with make_pool() as pool:
        place = await pool.place()
        closing = asyncio.create_task(pool.close())
        await until(lambda: bool(caplog.messages))
        await place.end()
        await closing
    (message,) = caplog.messages
    assert message.startswith("the close of a pool waits for the requests under way: 1 ")


async def test_requests_that_wait_when_the_pool_closes_are_refused() -> None:
    sleeper = Sleeper()
    pool = make_pool(sleeper, size=1)
    served, waiting = begin(pool, "wait", 1), begin(pool, "wait", 2)
    await until(lambda: sleeper.sleeping)
    closing = asyncio.create_task(pool.close())
    await passes()
    sleeper.wake_all()
    await closing
    assert await served == 1
    await fails(waiting, RuntimeError)


async def test_a_cancelled_request_gives_its_place_back() -> None:
    sleeper = Sleeper()
    async with make_pool(sleeper, size=1, min_ready=0) as pool:
        call = begin(pool, "wait", 1)
        await until(lambda: sleeper.sleeping)
        call.cancel()
        await fails(call, asyncio.CancelledError)
        assert (sleeper.sleeping, pool.in_use) == (0, 0)
        assert await pool.call(f"{API}#echo-u8", 1) == 1


async def test_what_opening_raises_is_raised_to_who_asks() -> None:
    async with Host().pool(load("rust-exports"), size=1, min_ready=1) as pool:
        for _ in range(2):
            await fails(pool.call(f"{API}#echo-u8", 1), LinkError)
        assert pool.in_use == 0


# ---- instances that serve several requests


async def leave(pool: Pool, word: str) -> str:
    """What an earlier request left in the instance; leaves a word for the next."""
    async with pool.instance() as instance:
        found: str = await instance.call(f"{API}#last-value")
        await instance.call(f"{API}#no-result", word)
    return found


async def test_an_instance_serves_as_many_requests_as_it_may() -> None:
    async with make_pool(reuse=2) as pool:
        assert [await leave(pool, word) for word in "abc"] == ["", "a", ""]


async def test_requests_share_instances_and_those_that_find_no_place_wait_in_line() -> None:
    sleeper = Sleeper()
    async with make_pool(sleeper, size=2, min_ready=0, reuse=9, at_once=2, max_waiting=2) as pool:
        calls = [begin(pool, "wait", n) for n in range(6)]
        await until(lambda: sleeper.sleeping == 4)
        assert pool.in_use == 2
        await fails(pool.call(f"{API}#wait", 6), LimitError)
        sleeper.wake_all()
        assert await asyncio.gather(*calls) == list(range(6))
        assert (pool.in_use, pool.ready) == (0, 2)


async def test_a_trap_ends_the_requests_of_its_own_instance() -> None:
    sleeper = Sleeper()
    async with make_pool(sleeper, size=2, reuse=9, at_once=2) as pool:
        first, second, third = [begin(pool, "wait", n) for n in range(3)]
        await until(lambda: sleeper.sleeping == 3)
        await fails(begin(pool, "trap"), GuestTrap)
        await fails(third, GuestTrap)
        sleeper.wake_all()
        assert [await call for call in (first, second, begin(pool, "wait", 3))] == [0, 1, 3]


async def test_an_instance_whose_request_was_cancelled_serves_no_more_than_it_does() -> None:
    sleeper = Sleeper()
    async with make_pool(sleeper, size=2, min_ready=0, reuse=9, at_once=2) as pool:
        await leave(pool, "old")
        cancelled, other = [begin(pool, "wait", n) for n in range(2)]
        await until(lambda: sleeper.sleeping == 2)
        cancelled.cancel()
        await fails(cancelled, asyncio.CancelledError)
        assert await leave(pool, "new") == ""
        sleeper.wake_all()
        assert await other == 1
        await until(lambda: pool.ready == 1)


async def test_an_error_that_the_guest_returns_does_not_end_its_instance() -> None:
    async with make_pool(reuse=9) as pool:
        await leave(pool, "before")
        await fails(pool.call(f"{API}#divide", 1, 0), WitError)
        assert await leave(pool, "after") == "before"


async def test_an_instance_that_is_idle_for_long_is_closed() -> None:
    async with make_pool(min_ready=0, reuse=9, idle_s=0) as pool:
        await pool.call(f"{API}#echo-u8", 1)
        assert pool.ready == 1
        await until(lambda: pool.ready == 0)


async def test_another_component_serves_the_requests_that_come_later() -> None:
    sleeper = Sleeper()
    async with make_pool(sleeper, size=2, reuse=9, at_once=2) as pool:
        await leave(pool, "old")
        call = begin(pool, "wait", 1)
        await until(lambda: sleeper.sleeping)
        with pytest.raises(ComponentError):
            pool.replace(b"no component")
        assert await leave(pool, "old") == "old"
        pool.replace(load("rust-exports"))
        assert await leave(pool, "new") == ""
        sleeper.wake_all()
        assert await call == 1


async def test_a_request_that_is_cancelled_in_line_lets_the_next_one_in() -> None:
    sleeper = Sleeper()
    async with make_pool(sleeper, size=1, min_ready=0, reuse=9) as pool:
        served, cancelled, last = [begin(pool, "wait", n) for n in range(3)]
        await until(lambda: sleeper.sleeping)
        sleeper.wake_all()
        await served
        cancelled.cancel()  # it was its turn
        await fails(cancelled, asyncio.CancelledError)
        assert await last == 2


@pytest.mark.parametrize(
    "options",
    [
        {"size": 0, "min_ready": 0},
        {"size": 1, "min_ready": 2},
        {"max_waiting": -1},
        {"reuse": 0},
        {"at_once": 0},
        {"idle_s": -1},
    ],
)
async def test_impossible_limits_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a pool needs"):
        make_pool(**options)


async def test_replacing_the_component_loses_no_request() -> None:
    async with make_pool(size=3) as pool:
        calls = []
        for n in range(60):
            calls.append(begin(pool, "async-echo-u32", n))
            await asyncio.sleep(0)
            if n % 7 == 0:
                pool.replace(load("rust-exports"))
        assert await asyncio.gather(*calls) == list(range(60))


# ---- what one request is given


@pytest.mark.parametrize("guest", ["rust-cat", "rust-std-p2"])
@pytest.mark.parametrize("options", [{}, {"reuse": 5, "size": 1}], ids=["fresh", "reused"])
async def test_a_request_has_environment_and_standard_streams_of_its_own(guest: str, options: dict[str, Any]) -> None:
    async def copy(number: int) -> bytes:
        out = bytearray()
        env = {"CASE": "copy", "MODE": "copy"}
        await pool.call("wasi:cli/run#run", env=env, stdin=b"%d" % number, stdout=out.extend, stderr=err.extend)
        return bytes(out)

    err = bytearray()
    async with Host(env={"CASE": "nothing"}, stdout=print).pool(load(guest), **options) as pool:
        assert await asyncio.gather(*map(copy, range(12))) == [b"%d" % number for number in range(12)]
    assert err.count(b" bytes\n") == 12


async def test_a_request_has_providers_of_its_own() -> None:
    class Counting(Sleeper):
        async def sleep(self, ms: int) -> None:
            slept.append(ms)

    slept: list[int] = []
    async with make_pool(reuse=10) as pool:
        assert await pool.call(f"{API}#async-echo-u32", 1) == 1
        async with pool.instance(providers={HOST: Counting()}) as instance:
            await instance.call(f"{API}#sleep-times", 2, 3)
            assert pool.in_use == 1
        await pool.call(f"{API}#sleep-times", 1, 0)
        assert slept == [3, 3]


async def test_a_wrong_argument_of_a_request_is_a_type_error_and_takes_no_place() -> None:
    async with make_pool(size=1) as pool:
        with pytest.raises(TypeError, match="env: expected a dict of str to str"):
            await pool.call(f"{API}#echo-u8", 1, env=["A"])  # type: ignore[arg-type]
        assert await pool.call(f"{API}#echo-u8", 1) == 1


async def test_a_call_that_takes_too_long_ends_its_instance() -> None:
    async with make_pool(size=1) as pool:
        with pytest.raises(TimeoutError):
            await pool.call(f"{API}#wait", 1, timeout=0.001)
        assert await pool.call(f"{API}#waiting") == (0, 0)


async def test_the_exports_of_instances_can_be_typed() -> None:
    class World:
        def __init__(self, instance: Instance) -> None:
            self.instance = instance

    host = Host(providers={HOST: Sleeper()})
    async with host.pool(load("rust-exports"), exports=World) as pool, pool.instance() as instance:
        assert instance.exports.instance is instance


async def test_the_repr_of_a_pool_says_what_it_does() -> None:
    async with make_pool(size=3, min_ready=0) as pool, pool.instance():
        assert repr(pool) == "<Pool, 1 of 3 in use, 0 ready>"
    assert repr(pool) == "<Pool, closed>"
