"""Streams, futures, calls and resources in every state: a guest whose strings the test pulls, see puppet.wat."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from tests.abi.running import WAT, assemble, running
from wasihost._base.errors import GuestTrap
from wasihost._base.streams import ByteSink, ByteSource, GuestStream
from wasihost._component.composition.protocol import BLOCK_COUNT
from wasihost._component.instance import Instance

BLOCKED = 2**32 - 1
COMPLETED, DROPPED, CANCELLED = 0, 1, 2
SUBTASK, STREAM_READ, STREAM_WRITE, FUTURE_READ, FUTURE_WRITE = 1, 2, 3, 4, 5
STARTED, RETURNED, CANCELLED_BEFORE_RETURNED = 1, 2, 4
PUPPET = assemble((WAT / "puppet.wat").read_text(encoding="utf-8"))


class Thing:
    drops = 0

    def drop(self) -> None:
        Thing.drops += 1


class Pipe(ByteSource):
    """Bytes that the test gives when it likes."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.ended = False
        self.reads = self.unread_bytes = 0
        self.error: Exception | None = None
        self.closed: list[BaseException | None] = []
        self._callback: Callable[[], None] | None = None

    def give(self, data: bytes, end: bool = False) -> None:
        self.data += data
        self.ended = end
        callback, self._callback = self._callback, None
        if callback is not None:
            callback()

    def read_into(self, view: memoryview) -> int:
        self.reads += 1
        if self.error is not None:
            raise self.error
        if not self.data and not self.ended:
            raise BlockingIOError
        size = min(len(view), len(self.data))
        view[:size] = self.data[:size]
        del self.data[:size]
        return size

    def wait_readable(self, callback: Callable[[], None]) -> None:
        self._callback = callback

    def unread(self, view: memoryview) -> None:
        self.unread_bytes += len(view)

    def close(self, error: BaseException | None) -> None:
        self.closed.append(error)


class Sink(ByteSink):
    """Takes everything at once."""

    def __init__(self) -> None:
        self.taken = bytearray()
        self.closed: list[BaseException | None] = []

    def write(self, view: memoryview) -> int:
        self.taken += view
        return len(view)

    def wait_writable(self, callback: Callable[[], None]) -> None:
        raise AssertionError

    def close(self, error: BaseException | None) -> None:
        self.closed.append(error)


class Provider:
    def __init__(self) -> None:
        self.Thing = Thing
        self.stream: Any = Pipe()
        self.reader: GuestStream[Any]
        self.future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.received: Any = None
        self.calls: list[asyncio.Future[int]] = []
        self.cancelled = 0
        self.things: list[Thing] = []
        self.again: Thing | None = None

    def source(self) -> Any:
        return self.stream

    def sink(self, x: GuestStream[Any]) -> None:
        self.reader = x

    def future_source(self) -> Any:
        return self.future

    def future_sink(self, x: Any) -> None:
        self.received = x

    async def _wait(self) -> int:
        call: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.calls.append(call)
        try:
            return await call
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    def work(self, n: int) -> Any:
        return n + 1 if n else self._wait()

    def make(self) -> Thing:
        return self.again or self.keep(Thing())

    def keep(self, thing: Thing) -> Thing:
        self.things.append(thing)
        return thing

    def consume(self, x: Thing) -> int:
        return self.things.index(x)

    look = consume

    async def slow_look(self, x: Thing) -> int:
        await self._wait()
        return self.things.index(x)

    async def swap(self, x: Thing) -> Thing:
        await self._wait()
        return self.keep(Thing())


class Puppet:
    def __init__(self, instance: Instance, provider: Provider) -> None:
        self.instance, self.provider = instance, provider

    async def __call__(self, name: str, *args: Any) -> Any:
        return await self.instance.call(name, *args)

    async def pair(self) -> tuple[int, int]:
        pair = await self("stream-new")
        return pair & 0xFFFF_FFFF, pair >> 32

    async def sunk(self) -> int:
        """The writable end of a stream whose readable end the provider has."""
        readable, writable = await self.pair()
        await self("sink", readable)
        return writable

    async def event(self) -> tuple[int, int, int]:
        """The next event; fails if there is none in a while."""
        for _ in range(200):
            found: tuple[int, int, int] = await self("poll")
            if found[0]:
                return found
            await asyncio.sleep(0)
        raise AssertionError("no event")

    async def settle(self) -> None:
        """Lets everything happen that can."""
        for _ in range(10):
            assert await self("poll") == (0, 0, 0)
            await asyncio.sleep(0)

    async def code(self, name: str, end: int, n: int) -> int:
        """The result of a read or write, now or later."""
        code: int = await self(name, end, n)
        return (await self.event())[2] if code == BLOCKED else code


@contextlib.asynccontextmanager
async def puppet() -> AsyncIterator[Puppet]:
    provider = Provider()
    Thing.drops = 0
    async with running(PUPPET, {"test:wat/host": provider}) as instance:
        yield Puppet(instance, provider)


# ---- streams that the host gives


async def test_a_source_is_not_asked_before_the_guest_wants_something() -> None:
    async with puppet() as pull:
        pipe = pull.provider.stream
        pipe.give(b"abc")
        end = await pull("source")
        await pull.settle()
        assert pipe.reads == 0
        assert await pull.code("read", end, 10) == 3 << 4
        assert await pull("data", 3) == b"abc"


async def test_a_read_of_nothing_completes_when_there_is_a_writer() -> None:
    async with puppet() as pull:
        pull.provider.stream.give(b"abc")
        end = await pull("source")
        assert await pull.code("read", end, 0) == COMPLETED
        assert await pull.code("read", end, 2) == 2 << 4
        assert await pull.code("read", end, 0) == COMPLETED
        assert await pull.code("read", end, 2) == 1 << 4


async def test_partial_reads_lose_nothing() -> None:
    async with puppet() as pull:
        pull.provider.stream.give(bytes(range(100)))
        end = await pull("source")
        found = b""
        while len(found) < 100:
            count = await pull.code("read", end, 7) >> 4
            found += await pull("data", count)
        assert found == bytes(range(100))


async def test_a_read_that_waits_gets_what_comes_later() -> None:
    async with puppet() as pull:
        end = await pull("source")
        assert await pull("read", end, 10) == BLOCKED
        await pull.settle()
        pull.provider.stream.give(b"late")
        assert await pull.event() == (STREAM_READ, end, 4 << 4)
        assert await pull("data", 4) == b"late"


async def test_the_end_of_a_source_is_a_dropped_end() -> None:
    async with puppet() as pull:
        pull.provider.stream.give(b"", end=True)
        end = await pull("source")
        assert await pull.code("read", end, 10) == DROPPED
        assert pull.provider.stream.closed == [None]


async def test_the_last_bytes_come_before_the_dropped_end() -> None:
    async with puppet() as pull:
        pull.provider.stream.give(b"abc", end=True)
        end = await pull("source")
        codes = [await pull.code("read", end, 10)]
        while not codes[-1] & 15:
            codes.append(await pull.code("read", end, 10))
        assert sum(code >> 4 for code in codes) == 3
        assert codes[-1] & 15 == DROPPED


@pytest.mark.parametrize("when", ["fresh", "waiting", "cancelled", "read", "partly read", "ended"])
async def test_a_guest_can_drop_a_stream_at_any_time(when: str) -> None:
    async with puppet() as pull:
        pipe = pull.provider.stream
        end = await pull("source")
        if when in ("waiting", "cancelled"):
            assert await pull("read", end, 10) == BLOCKED
            await pull.settle()
            assert await pull("cancel-read", end) == CANCELLED
        if when == "waiting":
            # The host is left with a source that has nothing yet, and is told later.
            pipe.give(b"abc")
        if when in ("read", "partly read"):
            pipe.give(b"abc")
            assert await pull.code("read", end, 3 if when == "read" else 1) & 15 == COMPLETED
        if when == "ended":
            pipe.give(b"", end=True)
            assert await pull.code("read", end, 10) == DROPPED
        await pull("drop-readable", end)
        await pull.settle()
        assert pipe.closed == [None]
        assert pipe.unread_bytes + len(pipe.data) == {"waiting": 3, "partly read": 2}.get(when, 0)


async def test_a_cancelled_read_loses_nothing() -> None:
    async with puppet() as pull:
        end = await pull("source")
        for _ in range(3):
            assert await pull("read", end, 10) == BLOCKED
            await pull.settle()
            assert await pull("cancel-read", end) == CANCELLED
        pull.provider.stream.give(b"abc")
        await pull.settle()
        assert await pull.code("read", end, 10) == 3 << 4


async def test_a_cancelled_read_that_has_completed_tells_so() -> None:
    async with puppet() as pull:
        end = await pull("source")
        assert await pull("read", end, 10) == BLOCKED
        await pull.settle()
        pull.provider.stream.give(b"abc")
        code = await pull("cancel-read", end)
        if not code >> 4:
            code = await pull.code("read", end, 10)
        assert code >> 4 == 3
        assert await pull("data", 3) == b"abc"


@pytest.mark.parametrize(("error", "seen"), [(LookupError("wrong"), LookupError), (StopIteration(), RuntimeError)])
async def test_what_a_source_raises_in_a_callback_of_the_event_loop_comes_out(
    error: Exception, seen: type[Exception]
) -> None:
    async with puppet() as pull:
        end = await pull("source")
        assert await pull("read", end, 10) == BLOCKED
        await pull.settle()
        pull.provider.stream.error = error
        asyncio.get_running_loop().call_soon(pull.provider.stream.give, b"")
        with pytest.raises(seen):
            await pull.settle()


async def test_reading_after_the_end_is_a_trap() -> None:
    async with puppet() as pull:
        pull.provider.stream.give(b"", end=True)
        end = await pull("source")
        assert await pull.code("read", end, 1) == DROPPED
        with pytest.raises(GuestTrap, match="dropped"):
            await pull("read", end, 1)


# ---- streams that the guest gives


async def test_a_write_waits_until_the_host_reads() -> None:
    async with puppet() as pull:
        end = await pull.sunk()
        await pull("fill", b"abcdef")
        assert await pull("write", end, 6) == BLOCKED
        await pull.settle()
        assert await pull.provider.reader.read(4) == b"abcd"
        assert await pull.event() == (STREAM_WRITE, end, 4 << 4)


async def test_a_partial_write_is_taken_up_again() -> None:
    async with puppet() as pull:
        end = await pull.sunk()
        await pull("fill", b"abcdef")
        assert await pull("write", end, 6) == BLOCKED
        assert await pull.provider.reader.read(4) == b"abcd"
        await pull.event()
        await pull("fill", b"ef")
        assert await pull("write", end, 2) == BLOCKED
        assert await pull.provider.reader.read() == b"ef"


async def test_a_write_of_nothing_completes_when_the_host_reads() -> None:
    async with puppet() as pull:
        end = await pull.sunk()
        reading = asyncio.create_task(pull.provider.reader.read(10))
        assert await pull.code("write", end, 0) == COMPLETED
        await pull.settle()
        assert not reading.done()
        await pull("fill", b"x")
        assert await pull.code("write", end, 1) == 1 << 4
        assert await reading == b"x"


async def test_a_host_that_closes_drops_its_end() -> None:
    async with puppet() as pull:
        end = await pull.sunk()
        pull.provider.reader.close()
        await pull.settle()
        assert await pull("write", end, 1) == DROPPED
        await pull("drop-writable", end)


async def test_a_host_that_closes_ends_a_write_that_waits() -> None:
    async with puppet() as pull:
        end = await pull.sunk()
        assert await pull("write", end, 5) == BLOCKED
        pull.provider.reader.close()
        assert await pull.event() == (STREAM_WRITE, end, DROPPED)


async def test_a_dropped_end_is_told_with_the_count_before_it() -> None:
    async with puppet() as pull:
        end = await pull.sunk()
        await pull("fill", b"abcdef")
        assert await pull("write", end, 6) == BLOCKED
        assert await pull.provider.reader.read(2) == b"ab"
        pull.provider.reader.close()
        # The guest has not asked yet: both come as one event.
        for _ in range(20):
            await asyncio.sleep(0)
        assert await pull.event() == (STREAM_WRITE, end, 2 << 4 | DROPPED)


async def test_writing_after_the_host_closed_is_a_trap() -> None:
    async with puppet() as pull:
        end = await pull.sunk()
        pull.provider.reader.close()
        assert await pull.code("write", end, 1) == DROPPED
        with pytest.raises(GuestTrap, match="dropped"):
            await pull("write", end, 1)


async def test_a_stream_that_the_host_waited_for_can_be_given_back_too() -> None:
    async with puppet() as pull:
        writable = await pull.sunk()
        reading = asyncio.create_task(pull.provider.reader.read(2))
        await pull.settle()
        await pull("fill", b"abcdef")
        assert await pull.code("write", writable, 2) == 2 << 4
        assert await reading == b"ab"
        pull.provider.stream = pull.provider.reader
        readable = await pull("source")
        assert await pull("read", readable, 3) == BLOCKED
        await pull.settle()
        assert await pull("write", writable, 3) in (3 << 4, BLOCKED)
        assert (await pull.event())[0] in (STREAM_READ, STREAM_WRITE)
        assert await pull("data", 3) == b"abc"


@pytest.mark.parametrize("when", ["fresh", "written", "reading"])
async def test_a_writer_that_is_dropped_ends_the_reader(when: str) -> None:
    async with puppet() as pull:
        end = await pull.sunk()
        reader = pull.provider.reader
        reading = asyncio.create_task(reader.read())
        await asyncio.sleep(0)
        if when == "written":
            await pull("fill", b"abc")
            assert await pull.code("write", end, 3) == 3 << 4
            assert await reading == b"abc"
        if when == "reading":
            await pull.settle()
        await pull("drop-writable", end)
        if when != "written":
            assert await reading == b""
        assert await reader.read() == b""


async def test_a_cancelled_write_takes_back_what_was_not_read() -> None:
    async with puppet() as pull:
        end = await pull.sunk()
        await pull("fill", b"abc")
        assert await pull("write", end, 3) == BLOCKED
        assert await pull("cancel-write", end) == CANCELLED
        await pull("fill", b"xyz")
        assert await pull("write", end, 3) == BLOCKED
        assert await pull.provider.reader.read() == b"xyz"


async def test_a_read_of_the_host_that_is_cancelled_loses_nothing() -> None:
    async with puppet() as pull:
        end = await pull.sunk()
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.001):
                    await pull.provider.reader.read()
        await pull("fill", b"abc")
        reading = asyncio.create_task(pull.provider.reader.read())
        assert await pull.code("write", end, 3) == 3 << 4
        assert await reading == b"abc"


async def cancelled_read(reader: GuestStream[Any]) -> None:
    """A read that began and is cancelled."""
    reading = asyncio.create_task(reader.read())
    await asyncio.sleep(0)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)


@pytest.mark.parametrize("passes", range(4))
async def test_closing_where_a_read_is_cancelled_gives_the_block_back(passes: int) -> None:
    async def read() -> None:
        with contextlib.closing(pull.provider.reader):
            await pull.provider.reader.read()

    async with puppet() as pull:
        end = await pull.sunk()
        reading = asyncio.create_task(read())
        for _ in range(passes):
            await asyncio.sleep(0)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        if not passes:
            pull.provider.reader.close()
        await pull.settle()
        assert await pull("write", end, 1) == DROPPED
        assert pull.instance._machine.rings.blocks._taken == 0


async def test_a_read_whose_stream_is_closed_by_another_task_ends() -> None:
    async with puppet() as pull:
        await pull.sunk()
        reading = asyncio.create_task(pull.provider.reader.read())
        await pull.settle()
        pull.provider.reader.close()
        await pull.settle()
        with pytest.raises(RuntimeError, match="closed"):
            await reading


@contextlib.contextmanager
def all_blocks_taken(pull: Puppet) -> Iterator[None]:
    """Nobody finds a free block within."""
    blocks = pull.instance._machine.rings.blocks
    taken = [blocks.take() for _ in range(BLOCK_COUNT)]
    yield
    for block in taken:
        assert block is not None
        blocks.give(block)


@pytest.mark.parametrize("then", ["nothing", "close", "read", "forward"])
async def test_a_cancelled_read_that_waits_for_a_block_is_forgotten(then: str) -> None:
    async with puppet() as pull:
        end = await pull.sunk()
        sink = Sink()
        with all_blocks_taken(pull):
            await cancelled_read(pull.provider.reader)
            if then == "close":
                pull.provider.reader.close()
            if then == "forward":
                pull.provider.reader.forward(sink)
            reading = asyncio.create_task(pull.provider.reader.read()) if then == "read" else None
            await pull.settle()
        await pull("fill", b"abc")
        if then == "nothing":
            assert await pull("write", end, 3) == BLOCKED
            await pull.settle()
            assert await pull("cancel-write", end) == CANCELLED
        else:
            assert await pull.code("write", end, 3) == (DROPPED if then == "close" else 3 << 4)
        if reading is not None:
            assert await reading == b"abc"
        assert bytes(sink.taken) == (b"abc" if then == "forward" else b"")


async def test_a_forwarded_stream_is_dropped_when_it_is_closed() -> None:
    async with puppet() as pull:
        end = await pull.sunk()
        sink = Sink()
        pull.provider.reader.forward(sink)
        await pull.settle()
        pull.provider.reader.close()
        await pull.settle()
        assert sink.closed == [None]
        assert await pull.code("write", end, 3) == DROPPED


async def test_a_forwarded_stream_is_dropped_when_it_is_closed_without_a_block() -> None:
    async with puppet() as pull:
        end = await pull.sunk()
        sink = Sink()
        pull.provider.reader.forward(sink)
        with all_blocks_taken(pull):
            assert await pull("write", end, 3) == BLOCKED
            await pull.settle()
            pull.provider.reader.close()
            assert sink.closed == [None]
            assert (await pull("poll"))[2] == DROPPED


@pytest.mark.parametrize("forwarded", [False, True])
async def test_a_guest_can_drop_a_stream_for_which_there_is_no_block(forwarded: bool) -> None:
    async with puppet() as pull:
        end = await pull.sunk()
        sink, reading = Sink(), None
        if forwarded:
            pull.provider.reader.forward(sink)
        with all_blocks_taken(pull):
            if not forwarded:
                reading = asyncio.create_task(pull.provider.reader.read())
            await pull("fill", b"abc")
            assert await pull("write", end, 3) == BLOCKED
            await pull.settle()
            assert await pull("cancel-write", end) == CANCELLED
            await pull("drop-writable", end)
            await pull.settle()
        await pull.settle()
        assert sink.closed == ([None] if forwarded else [])
        if reading is not None:
            assert await reading == b""


@pytest.mark.parametrize("passes", range(8))
async def test_what_a_cancelled_read_got_is_forwarded_too(passes: int) -> None:
    async with puppet() as pull:
        end = await pull.sunk()
        await pull("fill", b"abc")
        assert await pull("write", end, 3) == BLOCKED
        reading = asyncio.create_task(pull.provider.reader.read())
        for _ in range(passes):
            await asyncio.sleep(0)
        reading.cancel()
        read = (await asyncio.gather(reading, return_exceptions=True))[0]
        for _ in range(10):
            await asyncio.sleep(0)
        sink = Sink()
        pull.provider.reader.forward(sink)
        assert await pull.event() == (STREAM_WRITE, end, 3 << 4)
        await pull("fill", b"def")
        assert await pull.code("write", end, 3) == 3 << 4
        await pull("drop-writable", end)
        await pull.settle()
        assert (read if isinstance(read, bytes) else b"") + sink.taken == b"abcdef"


async def test_both_ends_dropped_at_once_hurt_nobody() -> None:
    async with puppet() as pull:
        for _ in range(20):
            end = await pull.sunk()
            pull.provider.reader.close()
            await pull("drop-writable", end)
            end = await pull("source")
            pull.provider.stream.give(b"", end=True)
            await pull("drop-readable", end)
            pull.provider.stream = Pipe()
        await pull.settle()


async def test_two_reads_of_one_end_are_a_trap() -> None:
    async with puppet() as pull:
        end = await pull("source")
        assert await pull("read", end, 1) == BLOCKED
        with pytest.raises(GuestTrap, match="concurrent"):
            await pull("read", end, 1)


# ---- streams that come home


async def test_a_stream_of_the_hosts_can_be_given_back_to_it() -> None:
    async with puppet() as pull:
        await pull("sink", await pull("source"))
        pull.provider.stream.give(b"abc")
        assert await pull.provider.reader.read() == b"abc"
        pull.provider.stream.give(b"def", end=True)
        assert await pull.provider.reader.read() == b"def"
        assert await pull.provider.reader.read() == b""
        assert pull.provider.stream.closed == [None]


async def test_a_stream_of_the_guests_can_be_given_back_to_it() -> None:
    async with puppet() as pull:
        writable = await pull.sunk()
        pull.provider.stream = pull.provider.reader
        readable = await pull("source")
        assert await pull("read", readable, 10) == BLOCKED
        await pull("fill", b"abc")
        assert await pull("write", writable, 3) == 3 << 4
        assert await pull.event() == (STREAM_READ, readable, 3 << 4)


async def test_a_stream_that_was_read_from_can_be_given_back_too() -> None:
    async with puppet() as pull:
        writable = await pull.sunk()
        await pull("fill", b"abcdef")
        assert await pull("write", writable, 6) == BLOCKED
        assert await pull.provider.reader.read(2) == b"ab"
        await pull.event()
        pull.provider.stream = pull.provider.reader
        readable = await pull("source")
        await pull("fill", b"xyz")
        assert await pull("write", writable, 3) == BLOCKED
        assert await pull.code("read", readable, 3) == 3 << 4


# ---- futures


async def test_a_future_of_the_host_is_there_at_once_or_later() -> None:
    async with puppet() as pull:
        end = await pull("future-source")
        waiting = asyncio.create_task(pull("future-wait", end))
        await asyncio.sleep(0)
        assert not waiting.done()
        pull.provider.future.set_result(7)
        assert await waiting == 7
        await pull("future-drop-readable", end)
        end = await pull("future-source")
        assert await pull("future-wait", end) == 7


async def test_reading_a_future_twice_is_a_trap() -> None:
    async with puppet() as pull:
        pull.provider.future.set_result(7)
        end = await pull("future-source")
        assert await pull("future-wait", end) == 7
        with pytest.raises(GuestTrap, match="future"):
            await pull("future-wait", end)


@pytest.mark.parametrize("resolved", ["never", "before", "after"])
async def test_a_future_that_the_guest_never_reads_hurts_nobody(resolved: str) -> None:
    async with puppet() as pull:
        if resolved == "before":
            pull.provider.future.set_result(7)
        end = await pull("future-source")
        await pull("future-drop-readable", end)
        if resolved == "after":
            pull.provider.future.set_result(7)
        await pull.settle()


@pytest.mark.parametrize("first", ["host", "guest"])
async def test_a_future_of_the_guest_is_there_at_once_or_later(first: str) -> None:
    async with puppet() as pull:
        pair = await pull("future-new")
        await pull("future-sink", pair & 0xFFFF_FFFF)

        async def read() -> Any:
            return await pull.provider.received

        if first == "host":
            reading = asyncio.create_task(read())
            await pull.settle()
            assert await pull("future-write", pair >> 32, 7) == COMPLETED
        else:
            assert await pull("future-write", pair >> 32, 7) == BLOCKED
            await pull.settle()
            reading = asyncio.create_task(read())
            assert await pull.event() == (FUTURE_WRITE, pair >> 32, COMPLETED)
        assert await reading == 7
        assert await pull.provider.received == 7  # an awaitable like others: again and again
        await pull("future-drop-writable", pair >> 32)


async def test_a_future_that_the_host_never_reads_is_never_written() -> None:
    async with puppet() as pull:
        pair = await pull("future-new")
        await pull("future-sink", pair & 0xFFFF_FFFF)
        assert await pull("future-write", pair >> 32, 7) == BLOCKED
        await pull.settle()
        assert await pull("future-cancel-write", pair >> 32) == CANCELLED


async def test_a_future_of_the_hosts_can_be_given_back_to_it() -> None:
    async with puppet() as pull:
        await pull("future-sink", await pull("future-source"))
        pull.provider.future.set_result(7)
        assert await pull.provider.received == 7


async def test_dropping_a_future_that_was_not_written_is_a_trap() -> None:
    async with puppet() as pull:
        pair = await pull("future-new")
        with pytest.raises(GuestTrap, match="future"):
            await pull("future-drop-writable", pair >> 32)


# ---- calls


async def test_a_call_that_ends_at_once_has_no_subtask() -> None:
    async with puppet() as pull:
        assert await pull("work", 6) == RETURNED
        assert await pull("result") == 7


async def test_a_call_that_waits_returns_by_an_event() -> None:
    async with puppet() as pull:
        status = await pull("work", 0)
        assert status & 15 == STARTED
        await pull.settle()
        pull.provider.calls[0].set_result(7)
        assert await pull.event() == (SUBTASK, status >> 4, RETURNED)
        assert await pull("result") == 7
        await pull("drop-call", status >> 4)


async def test_a_result_that_the_guest_never_takes_hurts_nobody() -> None:
    async with puppet() as pull:
        for _ in range(3):
            await pull("work", 0)
        await pull.settle()
        assert len(pull.provider.calls) == 3
        for call in pull.provider.calls:
            call.set_result(7)
        assert await pull("work", 1) == RETURNED


async def test_a_call_is_cancelled_before_its_coroutine_began() -> None:
    async with puppet() as pull:
        status = await pull("work", 0)
        # `work` and `cancel-call` may fall into one turn or not; a coroutine that began is cancelled.
        assert await pull("cancel-call", status >> 4) == CANCELLED_BEFORE_RETURNED
        await pull("drop-call", status >> 4)
        await pull.settle()
        assert pull.provider.cancelled == len(pull.provider.calls)


async def test_a_call_is_cancelled_while_it_waits() -> None:
    async with puppet() as pull:
        status = await pull("work", 0)
        await pull.settle()
        assert await pull("cancel-call", status >> 4) == CANCELLED_BEFORE_RETURNED
        await pull("drop-call", status >> 4)
        await pull.settle()
        assert pull.provider.cancelled == 1


async def test_a_call_cannot_be_dropped_before_it_ended() -> None:
    async with puppet() as pull:
        status = await pull("work", 0)
        with pytest.raises(GuestTrap, match="subtask"):
            await pull("drop-call", status >> 4)


@pytest.mark.parametrize("passes", range(4))
async def test_a_call_that_ends_while_it_is_cancelled_ends_once(passes: int) -> None:
    async with puppet() as pull:
        for _ in range(10):
            pull.provider.calls.clear()
            status = await pull("work", 0)
            await pull.settle()
            cancelling = asyncio.create_task(pull("cancel-call", status >> 4))
            for _ in range(passes):
                await asyncio.sleep(0)
            if not pull.provider.calls[0].done():
                pull.provider.calls[0].set_result(7)
            assert await cancelling in (RETURNED, CANCELLED_BEFORE_RETURNED)
            await pull("drop-call", status >> 4)


@pytest.mark.parametrize("passes", range(6))
async def test_a_resource_in_a_result_that_nobody_takes_is_dropped(passes: int) -> None:
    async with puppet() as pull:
        for round_ in range(1, 11):
            pull.provider.calls.clear()
            status = await pull("swap", await pull("make"))
            await pull.settle()
            cancelling = asyncio.create_task(pull("cancel-call", status >> 4))
            for _ in range(passes):
                await asyncio.sleep(0)
            if not pull.provider.calls[0].done():
                pull.provider.calls[0].set_result(7)
            if await cancelling == RETURNED:
                await pull("drop-thing", await pull("swapped"))
            await pull("drop-call", status >> 4)
            await pull.settle()
            # Each round the provider keeps what it got; what it made in exchange is dropped, by the guest or by us.
            assert Thing.drops == len(pull.provider.things) - round_


@pytest.mark.parametrize("waits", [False, True])
async def test_a_provider_can_close_the_instance_that_calls_it(waits: bool) -> None:
    async def work() -> int:
        if waits:
            await asyncio.sleep(0)
        await pull.instance.close()
        closed.set_result(None)
        return 7

    async with puppet() as pull:
        closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        pull.provider._wait = work  # type: ignore[method-assign]
        with contextlib.suppress(RuntimeError):  # this call or a later one hears of it
            await pull("work", 0)
        await closed
        with pytest.raises(RuntimeError, match="closed"):
            await pull("work", 0)


# ---- resources


async def test_a_resource_keeps_its_identity() -> None:
    async with puppet() as pull:
        first, second = await pull("make"), await pull("make")
        assert await pull("look", second) == 1
        assert await pull("look", first) == 0
        assert await pull("consume", first) == 0
        assert Thing.drops == 0
        await pull("drop-thing", second)
        assert Thing.drops == 1


async def test_a_resource_that_was_given_to_the_host_can_be_given_again() -> None:
    async with puppet() as pull:
        thing = await pull("make")
        assert await pull("consume", thing) == 0
        pull.provider.again = pull.provider.things[0]
        again = await pull("make")
        assert await pull("look", again) == 0
        await pull("drop-thing", again)
        assert Thing.drops == 1


async def test_a_lent_resource_is_lent_until_the_call_has_returned() -> None:
    async with puppet() as pull:
        thing = await pull("make")
        status = await pull("slow-look", thing)
        await pull.settle()
        assert await pull("look", thing) == 0
        pull.provider.calls[0].set_result(0)
        assert await pull.event() == (SUBTASK, status >> 4, RETURNED)
        assert await pull("result") == 0
        await pull("drop-thing", thing)
        second = await pull("make")
        await pull("slow-look", second)
        with pytest.raises(GuestTrap, match="while borrowed"):
            await pull("drop-thing", second)


@pytest.mark.parametrize("use", ["look", "consume", "slow-look", "swap", "drop-thing"])
async def test_using_a_dropped_resource_is_a_trap(use: str) -> None:
    async with puppet() as pull:
        thing = await pull("make")
        await pull("drop-thing", thing)
        with pytest.raises(GuestTrap, match="handle"):
            await pull(use, thing)


@pytest.mark.parametrize("handle", [0, 1, 77, 2**28, 2**32 - 1])
@pytest.mark.parametrize(
    "use", ["look", "consume", "slow-look", "swap", "drop-thing", "sink", "drop-readable", "future-sink", "drop-call"]
)
async def test_a_forged_handle_is_a_trap(use: str, handle: int) -> None:
    async with puppet() as pull:
        with pytest.raises(GuestTrap):
            await pull(use, handle)


@pytest.mark.parametrize("use", ["look", "future-sink", "drop-call", "drop-writable"])
async def test_a_handle_of_another_kind_is_a_trap(use: str) -> None:
    async with puppet() as pull:
        with pytest.raises(GuestTrap):
            await pull(use, await pull("source"))
