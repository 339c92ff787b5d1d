"""An instance belongs to its event loop, a host to nobody."""

from __future__ import annotations

import asyncio

from tests.guests.exports import API, HOST, Sleeper
from tests.guests.harness import fails, load, opened
from wasihost import Host, Instance


def elsewhere(instance: Instance) -> BaseException:
    """What a call from another event loop raises."""
    return asyncio.run(fails(instance.call(f"{API}#echo-u8", 1), RuntimeError))


async def test_a_call_from_another_thread_is_a_clear_error_and_the_instance_lives_on() -> None:
    async with opened("rust-exports", {HOST: Sleeper()}) as instance:
        assert "opened in another event loop" in str(await asyncio.to_thread(elsewhere, instance))
        assert await instance.call(f"{API}#echo-u8", 2) == 2


def test_a_call_after_the_loop_was_replaced_is_a_clear_error() -> None:
    opening = Host(providers={HOST: Sleeper()}).open(load("rust-exports"))
    with asyncio.Runner() as runner:
        instance = runner.run(opening.__aenter__())
        assert "opened in another event loop" in str(elsewhere(instance))
        runner.run(opening.__aexit__(None, None, None))


async def test_one_host_runs_in_two_threads_at_once() -> None:
    host = Host(providers={HOST: Sleeper()})

    async def echo(value: int) -> int:
        async with host.open(load("rust-exports")) as instance:
            return int(await instance.call(f"{API}#echo-u8", value))

    def in_a_loop(value: int) -> int:
        return asyncio.run(echo(value))

    assert await asyncio.gather(*(asyncio.to_thread(in_a_loop, value) for value in (1, 2))) == [1, 2]
