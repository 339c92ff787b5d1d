"""The adapter and the driver component give back all memory that a call or a stream needed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from tests.abi import echo, flow
from tests.abi.running import assemble, running
from tests.abi.test_flow import ALL, Batches, Provider
from wasihost._base.streams import GuestStream
from wasihost._component.composition.protocol import BLOCK_SIZE
from wasihost._component.running import memory
from wasihost._component.values import Err, Ok, Some, WitError
from wasihost._component.world import types

# Long enough that what is lost in a thousand calls is many pages of 64 KiB.
TEXT = "x" * 1000
LONG = "x" * BLOCK_SIZE
T = types.Tuple(
    (
        types.STRING,
        types.List(types.Record((("a", types.STRING), ("b", types.Option(types.List(types.U32)))))),
        types.Option(types.Option(types.List(types.STRING))),
        types.Result(types.List(types.U8), types.STRING),
    )
)
FILLED = tuple(range(17))
WARM_UP, CALLS = 200, 2000


def value() -> Any:
    return TEXT, [SimpleNamespace(a=TEXT, b=[1, 2, 3])] * 3, Some([TEXT, "", TEXT]), Ok(TEXT.encode())


class Sizes:
    """The sizes of the linear memories made within a block."""

    def __init__(self) -> None:
        self._before = set(memory._memories)

    def __call__(self) -> list[int]:
        return [made.size for number, made in sorted(memory._memories.items()) if number not in self._before]


@pytest.fixture
def sizes() -> Sizes:
    return Sizes()


class Echoing:
    def __init__(self, waits: bool) -> None:
        self.echo_0, self.wait_0 = self.give, self.wait
        self.aecho_0: Any = self.wait if waits else self.give
        self.cecho_0: Any = self.aecho_0

    def give(self, x: Any, fill: Any = None) -> Any:
        return (x, fill) if fill else x

    async def wait(self, x: Any, fill: Any = None) -> Any:
        await asyncio.sleep(0)
        return self.give(x, fill)

    def all(self, x: Any) -> Any:
        return (x,)


@contextlib.asynccontextmanager
async def echoing(provider: Any) -> AsyncIterator[Any]:
    async with running(assemble(echo.guest([T])), {echo.HOST: provider}) as instance:
        yield instance


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("name", ["echo-0", "wait-0", "aecho-0", "cecho-0", "all"])
async def test_calls_leave_nothing_behind(name: str, waits: bool, sizes: Sizes) -> None:
    async with echoing(Echoing(waits)) as instance:
        args = (value(), FILLED) if name == "cecho-0" else (value(),)
        for _ in range(WARM_UP):
            await instance.call(name, *args)
        before = sizes()
        for _ in range(CALLS):
            await instance.call(name, *args)
        assert sizes() == before


class Slow(Echoing):
    """Never answers; counts the calls that began and those that were cancelled."""

    def __init__(self) -> None:
        super().__init__(True)
        self.began, self.cancelled = asyncio.Semaphore(0), asyncio.Semaphore(0)
        self.cecho_0 = self.never

    async def never(self, x: Any, fill: Any = None) -> Any:
        self.began.release()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.cancelled.release()


async def test_calls_that_are_cancelled_leave_nothing_behind(sizes: Sizes) -> None:
    provider = Slow()
    async with echoing(provider) as instance:

        async def cancel(times: int) -> None:
            for _ in range(times // 20):
                tasks = [asyncio.create_task(instance.call("cecho-0", value(), FILLED)) for _ in range(20)]
                for _ in tasks:
                    await provider.began.acquire()
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                for _ in tasks:
                    await provider.cancelled.acquire()

        await cancel(WARM_UP)
        before = sizes()
        await cancel(CALLS)
        assert sizes() == before


async def test_wrong_arguments_leave_nothing_behind(sizes: Sizes) -> None:
    async with echoing(Echoing(False)) as instance:
        before = sizes()
        for _ in range(CALLS):
            with pytest.raises(TypeError):
                await instance.call("echo-0", (TEXT, [], None, None))
        assert sizes() == before


STRINGS = types.Tuple((types.STRING, types.List(types.STRING)))


def strings(n: int, text: str = TEXT) -> list[Any]:
    return [(text, [TEXT, TEXT])] * n


class Early(Provider):
    """Closes the stream that it receives after the first elements."""

    async def _collect(self, reader: GuestStream[Any]) -> list[Any]:
        found = await reader.read(self.at_once)
        reader.close()
        return list(found)


class Impatient(Provider):
    """Closes the stream that it receives where its first read is cancelled, which may have got something."""

    passes = 0

    async def _collect(self, reader: GuestStream[Any]) -> list[Any]:
        reading = asyncio.create_task(self._read(reader))
        self.passes = (self.passes + 1) % 5
        for _ in range(self.passes):
            await asyncio.sleep(0)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        reader.close()
        return []

    async def _read(self, reader: GuestStream[Any]) -> None:
        with contextlib.closing(reader):
            await reader.read()


@pytest.mark.parametrize(
    ("n", "rounds", "provider", "text"),
    [
        (3, ALL, Provider, TEXT),
        (7, 1, Provider, TEXT),
        (1, 1, Provider, TEXT),
        (1, 0, Provider, TEXT),
        (7, 1, Early, TEXT),
        (5, 2, Early, TEXT),
        (3, ALL, Impatient, TEXT),
        (3, ALL, Provider, LONG),
    ],
)
async def test_streams_leave_nothing_behind(
    n: int, rounds: int, provider: type[Provider], text: str, sizes: Sizes
) -> None:
    """The guest takes all elements, or some and drops the stream; the provider takes all of them, or some. A long text
    goes as a component value and not through a block.
    """
    host = provider(None, None, at_once=3)
    async with running(assemble(flow.guest(STRINGS)), {flow.HOST: host}) as instance:

        async def pump(times: int) -> None:
            for _ in range(times):
                host.stream = Batches([strings(4, text), strings(2, text), strings(5, text)])
                await instance.call("pump", n, rounds)
                await host.collected

        await pump(WARM_UP // 2)
        before = sizes()
        await pump(CALLS // 4)
        assert sizes() == before


async def test_reading_large_elements_needs_little_memory(sizes: Sizes) -> None:
    host = Provider(Batches([[(("",) * 500,)] * 3]))
    large = types.Tuple((types.Tuple((types.STRING,) * 500),))
    async with running(assemble(flow.guest(large)), {flow.HOST: host}) as instance:
        before = sum(sizes())
        await instance.call("pump", 1, ALL)
        assert len(await host.collected) == 3
        assert sum(sizes()) - before < 1 << 20


async def test_futures_leave_nothing_behind(sizes: Sizes) -> None:
    host = Provider(None, strings(1)[0])
    async with running(assemble(flow.guest(STRINGS)), {flow.HOST: host}) as instance:

        async def pump(times: int) -> None:
            for _ in range(times):
                await instance.call("fpump")
                await host.collected

        await pump(WARM_UP)
        before = sizes()
        await pump(CALLS)
        assert sizes() == before


async def test_errors_of_results_leave_nothing_behind(sizes: Sizes) -> None:
    t = types.Result(types.STRING, types.List(types.STRING))

    class Failing:
        def fail(self, x: Any) -> Any:
            raise WitError([TEXT, TEXT])

        async def wait(self, x: Any) -> Any:
            raise WitError([TEXT, TEXT])

        echo_0 = aecho_0 = fail
        wait_0 = wait

        def cecho_0(self, x: Any, fill: Any) -> Any:
            return x, fill

        def all(self, x: Any) -> Any:
            return (x,)

    async with running(assemble(echo.guest([t])), {echo.HOST: Failing()}) as instance:

        async def call(times: int) -> None:
            for _ in range(times):
                for name in ("echo-0", "wait-0", "aecho-0"):
                    with pytest.raises(WitError):
                        await instance.call(name, Err([TEXT]))

        await call(WARM_UP)
        before = sizes()
        await call(CALLS)
        assert sizes() == before
