"""An instance belongs to its event loop, a host to nobody; a fork has what it was forked from."""

from __future__ import annotations

import asyncio

from tests.guests.exports import API, HOST, Sleeper
from tests.guests.harness import fails, load, opened
from tests.processes import printed
from wasihost import Host, Instance

FORKING = """
import os, signal, warnings
from tests.guests.harness import run
warnings.simplefilter("ignore", DeprecationWarning)  # since 3.12: this process has Wasmtime's threads
run("rust-two-versions")
if child := os.fork():
    assert os.waitpid(child, 0)[1] == 0
else:
    signal.alarm(30)
print(run("rust-two-versions"), end="", flush=True)
os._exit(0)
"""

FORKING_WHILE_OPEN = """
import asyncio, os, warnings
from tests.guests.exports import API, HOST, Sleeper
from tests.guests.harness import opened
warnings.simplefilter("ignore", DeprecationWarning)

async def main():
    async with opened("rust-exports", {HOST: Sleeper()}) as instance:
        if child := os.fork():
            assert os.waitpid(child, 0)[1] == 0
            print(await instance.call(f"{API}#echo-u8", 7))
        else:
            try:
                asyncio.run(instance.call(f"{API}#echo-u8", 1))
            except RuntimeError as error:
                print("opened in another event loop:", "opened in another event loop" in str(error), flush=True)
            os._exit(0)

asyncio.run(main())
"""


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


def test_a_fork_runs_guests_as_its_parent_does() -> None:
    assert printed(FORKING) == "both versions work\n" * 2


def test_a_fork_cannot_call_what_is_open_in_its_parent_which_goes_on() -> None:
    assert printed(FORKING_WHILE_OPEN) == "opened in another event loop: True\n7\n"
