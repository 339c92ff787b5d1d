"""An instance belongs to its event loop, a host to nobody."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import trio

from tests.guests.exports import API, HOST, Sleeper
from tests.guests.harness import fails, load, opened, until
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


def test_programs_without_a_loop_share_a_component_in_many_threads() -> None:
    host = Host(providers={HOST: Sleeper()})

    def divide(n: int) -> tuple[int, int]:
        with host.open_sync(load("rust-exports")) as instance:
            first: tuple[int, int] = instance.exports.api.divide(n, 3)
            assert host.call(load("rust-exports"), f"{API}#divide", n, 3) == first
            return first

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(divide, range(20))) == [divmod(n, 3) for n in range(20)]


def test_an_instance_without_a_loop_belongs_to_its_thread() -> None:
    host = Host(providers={HOST: Sleeper()})
    with host.open_sync(load("rust-exports")) as instance, ThreadPoolExecutor(1) as threads:
        with pytest.raises(RuntimeError, match="opened in another thread"):
            threads.submit(instance.call, f"{API}#echo-u8", 1).result()
        assert instance.call(f"{API}#echo-u8", 2) == 2


async def test_a_pool_belongs_to_its_loop() -> None:
    async with Host(providers={HOST: Sleeper()}).pool(load("rust-exports")) as pool:
        with pytest.raises(RuntimeError, match="this pool was made in another event loop"):
            await asyncio.to_thread(asyncio.run, pool.call(f"{API}#echo-u8", 1))
        assert await pool.call(f"{API}#echo-u8", 2) == 2


async def test_a_loop_of_eager_tasks_runs_guests() -> None:
    loop = asyncio.get_running_loop()
    if hasattr(asyncio, "eager_task_factory"):  # of Python 3.12
        loop.set_task_factory(asyncio.eager_task_factory)
    sleeper = Sleeper()
    async with Host(providers={HOST: sleeper}).pool(load("rust-exports")) as pool:
        calls = [asyncio.create_task(pool.call(f"{API}#wait", n)) for n in range(10)]
        await until(lambda: sleeper.sleeping == 10)
        sleeper.wake_all()
        assert await asyncio.gather(*calls) == list(range(10))


# ---- where no event loop of asyncio runs, or one already does

NO_LOOP = "no event loop of asyncio is running"


async def test_run_in_a_running_loop_names_run_async_and_leaves_no_coroutine() -> None:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        with pytest.raises(RuntimeError, match=r"await host\.run_async\(component\)"):
            Host().run("guest.wasm")
        gc.collect()
    assert not warned


async def run_async(host: Host) -> None:
    await host.run_async(load("rust-cat"))


async def open_one(host: Host) -> None:
    async with host.open(load("rust-exports")):
        pass


async def open_adapted(host: Host) -> None:
    async with load("rust-exports").open({HOST: Sleeper()}):
        pass


async def make_pool(host: Host) -> None:
    host.pool(load("rust-exports"))


@pytest.mark.parametrize("use", [run_async, open_one, open_adapted, make_pool])
def test_under_trio_the_error_says_what_to_do(use: Callable[[Host], Awaitable[None]]) -> None:
    with pytest.raises(RuntimeError, match=rf"{NO_LOOP}.*trio\.to_thread\.run_sync"):
        trio.run(use, Host(providers={HOST: Sleeper()}))


def test_what_the_error_names_works_under_trio() -> None:
    async def main() -> None:
        await trio.to_thread.run_sync(Host(stdin=b"", stdout=lambda _: None).run, load("rust-cat"))

    trio.run(main)


def test_a_call_under_trio_is_a_clear_error() -> None:
    async def main() -> None:
        await fails(instance.call(f"{API}#echo-u8", 1), RuntimeError)

    opening = Host(providers={HOST: Sleeper()}).open(load("rust-exports"))
    with asyncio.Runner() as runner:
        instance = runner.run(opening.__aenter__())
        trio.run(main)
        runner.run(opening.__aexit__(None, None, None))


def test_a_pool_outside_of_a_loop_is_a_clear_error() -> None:
    with pytest.raises(RuntimeError, match=NO_LOOP):
        Host(providers={HOST: Sleeper()}).pool(load("rust-exports"))
