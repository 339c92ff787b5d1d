"""contextvars: in whose context the host functions that a guest calls run, see stages.wat and puppet.wat."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextvars import ContextVar
from typing import Any

import pytest

from tests.abi.running import WAT, assemble, running
from tests.guests.harness import until
from wasihost import Host
from wasihost._base.streams import ByteSink, ByteSource, GuestStream
from wasihost._component.instance import Instance

REQUEST: ContextVar[object] = ContextVar("REQUEST", default=None)
STAGES = assemble((WAT / "stages.wat").read_text(encoding="utf-8"))
PUPPET = assemble((WAT / "puppet.wat").read_text(encoding="utf-8"))
PROVIDER = "test:wat/host"
Stages = set[tuple[int, int, object]]


async def as_request(request: object, coroutine: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine gives in a context of its own in which `REQUEST` is this."""
    REQUEST.set(request)
    return await coroutine


def begin(request: object, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    return asyncio.create_task(as_request(request, coroutine))


class Seeing:
    """Notes what `REQUEST` is in each stage of each task, before and after it has waited."""

    def __init__(self) -> None:
        self.seen: Stages = set()
        self.ended = 0

    async def stage(self, n: int, stage: int) -> None:
        self.seen.add((n, stage, REQUEST.get()))
        await asyncio.sleep(0)
        self.seen.add((n, stage, REQUEST.get()))
        self.ended += 1


@pytest.fixture(autouse=True)
def opener() -> None:
    REQUEST.set("opener")


async def test_of_100_calls_at_once_each_sees_its_own_request_or_the_openers() -> None:
    provider = Seeing()
    async with running(STAGES, {PROVIDER: provider}) as instance:
        await asyncio.gather(*(begin(n, instance.call("call", n)) for n in range(100)))
    assert provider.seen == {found for n in range(100) for found in ((n, 0, n), (n, 1, "opener"))}


async def test_100_requests_of_a_pool_see_their_own_to_the_end() -> None:
    provider = Seeing()
    async with Host(providers={PROVIDER: provider}).pool(STAGES, size=20) as pool:
        await asyncio.gather(*(begin(n, pool.call("call", n)) for n in range(100)))
    assert provider.seen == {(n, stage, n) for n in range(100) for stage in (0, 1)}


async def test_several_calls_of_one_request_of_a_pool_are_all_its_own() -> None:
    provider = Seeing()

    async def request(number: int) -> None:
        async with pool.instance() as instance:
            await asyncio.gather(*(instance.call("call", number) for _ in range(3)))

    async with Host(providers={PROVIDER: provider}).pool(STAGES) as pool:
        await asyncio.gather(*(begin(n, request(n)) for n in range(10)))
    assert provider.seen == {(n, stage, n) for n in range(10) for stage in (0, 1)}


async def test_one_call_after_another_sees_its_own_to_the_end() -> None:
    provider = Seeing()
    async with running(STAGES, {PROVIDER: provider}) as instance:
        for n in range(10):
            await begin(n, instance.call("call", n))
    assert provider.seen == {(n, stage, n) for n in range(10) for stage in (0, 1)}


async def test_what_a_call_leaves_behind_is_never_taken_for_another_call() -> None:
    provider = Seeing()
    async with running(STAGES, {PROVIDER: provider}) as instance:
        for n in range(10):
            await begin(n, instance.call("leave", n))
        await until(lambda: provider.ended == 20)
    assert {seen for seen in provider.seen if seen[2] not in (seen[0], "opener")} == set()
    assert {(n, 0, n) for n in range(10)} <= provider.seen


@pytest.mark.parametrize("passes", range(6))
async def test_what_a_call_left_may_go_on_while_the_next_call_is_made(passes: int) -> None:
    provider = Seeing()
    async with running(STAGES, {PROVIDER: provider}) as instance:
        await begin(1, instance.call("leave", 1))
        for _ in range(passes):
            await asyncio.sleep(0)
        await begin(2, instance.call("call", 2))
        await until(lambda: provider.ended == 4)
    assert {seen for seen in provider.seen if seen[2] not in (seen[0], "opener")} == set()


async def test_what_the_only_call_leaves_behind_is_still_its_own() -> None:
    provider = Seeing()
    async with running(STAGES, {PROVIDER: provider}) as instance:
        await begin(7, instance.call("leave", 7))
        await until(lambda: provider.ended == 2)
    assert provider.seen == {(7, 0, 7), (7, 1, 7)}


# ---- objects that a provider gives: streams, futures, resources


class Dropped:
    """A resource that notes the request in which it was dropped."""

    def __init__(self, dropped: list[object]) -> None:
        self._dropped = dropped

    def drop(self) -> None:
        self._dropped.append(REQUEST.get())


class Pipe(ByteSource):
    """Gives bytes when `give` is called, and notes the request of each call."""

    def __init__(self, seen: list[object]) -> None:
        self._seen, self._data = seen, b""
        self._callback: Callable[[], None] | None = None

    def give(self, data: bytes) -> None:
        self._data = data
        if self._callback is not None:
            self._callback()

    def read_into(self, view: memoryview) -> int:
        self._seen.append(REQUEST.get())
        if not self._data:
            raise BlockingIOError
        view[: len(self._data)] = self._data
        size, self._data = len(self._data), b""
        return size

    def wait_readable(self, callback: Callable[[], None]) -> None:
        self._seen.append(REQUEST.get())
        self._callback = callback

    def close(self, error: BaseException | None) -> None:
        self._seen.append(REQUEST.get())


class Sink(ByteSink):
    def __init__(self, seen: list[object]) -> None:
        self._seen = seen

    def write(self, view: memoryview) -> int:
        self._seen.append(REQUEST.get())
        return len(view)

    def wait_writable(self, callback: Callable[[], None]) -> None:
        raise AssertionError

    def close(self, error: BaseException | None) -> None:
        self._seen.append(REQUEST.get())


class Objects:
    """The provider of puppet.wat."""

    Thing = Dropped

    def __init__(self) -> None:
        self.seen: list[object] = []
        self.pipe = Pipe(self.seen)
        self.swapping = asyncio.Event()

    def source(self) -> Any:
        return self.pipe

    def sink(self, x: GuestStream[int]) -> None:
        x.forward(Sink(self.seen))

    async def future_source(self) -> Any:
        raise NotImplementedError

    def future_sink(self, x: Any) -> None: ...

    async def work(self, n: int) -> int:
        raise NotImplementedError

    def make(self) -> Dropped:
        return Dropped(self.seen)

    def consume(self, x: Dropped) -> int:
        return 0

    def look(self, x: Dropped) -> int:
        return 0

    async def slow_look(self, x: Dropped) -> int:
        return 0

    async def swap(self, x: Dropped) -> Dropped:
        await self.swapping.wait()
        return Dropped(self.seen)


class Letters(Objects):
    """Its stream is an async iterator."""

    def source(self) -> AsyncIterator[bytes]:
        return self._letters()

    async def _letters(self) -> AsyncIterator[bytes]:
        try:
            for letter in (b"a", b"b", b"c"):
                self.seen.append(REQUEST.get())
                yield letter
                await asyncio.sleep(0)
        finally:
            self.seen.append(REQUEST.get())


@contextlib.asynccontextmanager
async def puppet(provider: Objects) -> AsyncIterator[Instance]:
    async with running(PUPPET, {PROVIDER: provider}) as instance:
        yield instance


async def event(instance: Instance) -> Any:
    """What happened to the guest, once something did."""
    for _ in range(1000):
        if (found := await begin("another", instance.call("poll")))[0]:
            return found
        await asyncio.sleep(0)
    pytest.fail("nothing happens")


async def test_a_resource_is_dropped_in_the_context_in_which_it_was_given() -> None:
    provider = Objects()
    async with puppet(provider) as instance:
        things = [await begin(n, instance.call("make")) for n in range(3)]
        for thing in things:
            await begin("another", instance.call("drop-thing", thing))
    assert provider.seen == [0, 1, 2]


async def test_what_the_guest_did_not_drop_is_dropped_in_that_context_too() -> None:
    provider = Objects()
    async with Host(providers={PROVIDER: provider}).open(PUPPET) as instance:
        for n in range(3):
            await begin(n, instance.call("make"))
    assert sorted(map(str, provider.seen)) == ["0", "1", "2"]


async def test_the_resource_that_a_late_result_holds_belongs_to_the_call_that_asked_for_it() -> None:
    provider = Objects()
    async with puppet(provider) as instance:
        thing = await begin("maker", instance.call("make"))
        subtask = await begin("swapper", instance.call("swap", thing)) >> 4
        provider.swapping.set()
        assert (await event(instance))[1] == subtask
        await begin("another", instance.call("drop-call", subtask))
        await begin("another", instance.call("drop-thing", await instance.call("swapped")))
    assert provider.seen == ["swapper"]


@pytest.mark.parametrize("cls", [Objects, Letters])
async def test_a_stream_is_fed_in_the_context_in_which_it_was_given(cls: type[Objects]) -> None:
    provider = cls()
    async with puppet(provider) as instance:
        end = await begin("giver", instance.call("source"))
        for _ in range(2):
            await begin("another", instance.call("read", end, 1))
            provider.pipe.give(b"x")
            await event(instance)
        await begin("another", instance.call("drop-readable", end))
        await asyncio.sleep(0)
    assert len(provider.seen) > 2
    assert set(provider.seen) == {"giver"}


async def test_a_sink_gets_bytes_in_the_context_in_which_it_was_given() -> None:
    provider = Objects()
    async with puppet(provider) as instance:
        ends = await begin("giver", instance.call("stream-new"))
        readable, writable = ends & 0xFFFF_FFFF, ends >> 32
        await begin("giver", instance.call("sink", readable))
        await begin("another", instance.call("write", writable, 5))
        await event(instance)
        await begin("another", instance.call("drop-writable", writable))
        await until(lambda: len(provider.seen) == 2)
    assert set(provider.seen) == {"giver"}
