"""`Host.pool`: an instance for each request."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.guests.exports import API, HOST, Sleeper
from tests.guests.harness import fails, load, passes, until
from wasihost import GuestTrap, Host, LimitError, LinkError, Pool


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
        await pool._ready[0][1].close()
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
    made = [instance for _, instance in pool._ready]
    closing = asyncio.create_task(pool.close())
    await passes(count)
    closing.cancel()
    await asyncio.gather(closing, return_exceptions=True)
    assert [instance.is_usable for instance in made] == [False] * 3


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


@pytest.mark.parametrize("options", [{"size": 0, "min_ready": 0}, {"size": 1, "min_ready": 2}, {"max_waiting": -1}])
async def test_impossible_limits_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a pool needs"):
        make_pool(**options)
