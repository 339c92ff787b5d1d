"""`wasi:io/poll`: readiness, waiting for one and for several, children."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket

import pytest

from tests.unit.wasi.p2.io.fakes import Source, failure_of, settled
from wasihost._base.errors import GuestTrap
from wasihost._component.resources import ResourceError
from wasihost._wasi.p2.io.poll import MANY, Poll
from wasihost._wasi.p2.io.streams import InputStream

POLL = Poll()


async def _begun(task: asyncio.Task[object]) -> None:
    await asyncio.sleep(0)
    assert not task.done()


def test_a_pollable_tells_the_present_state_and_serves_for_ever() -> None:
    source = Source()
    stream = InputStream(source)
    pollable = stream.subscribe()
    assert not pollable.ready()
    source.arrive(b"a")
    assert pollable.ready()
    assert pollable.ready()
    stream.read(1)
    assert not pollable.ready()
    source.arrive(b"")
    assert pollable.ready()


async def test_block_returns_when_it_is_ready() -> None:
    source = Source()
    pollable = InputStream(source).subscribe()
    blocking = asyncio.create_task(settled(pollable.block()))
    await _begun(blocking)
    source.arrive(b"a")
    await blocking
    await settled(pollable.block())


async def test_a_wake_without_a_reason_is_waited_on() -> None:
    source = Source()
    blocking = asyncio.create_task(settled(InputStream(source).subscribe().block()))
    await _begun(blocking)
    source.arrive()
    await _begun(blocking)
    source.arrive(b"a")
    await blocking


async def test_poll_gives_every_index_that_is_ready_in_ascending_order() -> None:
    ready, idle = InputStream(Source(b"a")), InputStream(Source())
    first, second, waits = ready.subscribe(), ready.subscribe(), idle.subscribe()
    assert await settled(POLL.poll([second, waits, first, second])) == [0, 2, 3]


async def test_poll_waits_for_the_first_of_several() -> None:
    sources = [Source(), Source()]
    pollables = [InputStream(source).subscribe() for source in sources]
    polling = asyncio.create_task(settled(POLL.poll(pollables)))
    await _begun(polling)
    sources[1].arrive(b"a")
    assert await polling == [1]


async def test_poll_of_nothing_is_a_trap() -> None:
    with pytest.raises(GuestTrap, match="empty poll list"):
        await settled(POLL.poll([]))


async def test_a_subject_is_registered_once_however_often_it_is_polled() -> None:
    source = Source()
    pollable = InputStream(source).subscribe()
    for _ in range(3):
        polling = asyncio.create_task(settled(POLL.poll([pollable, pollable])))
        await _begun(polling)
        polling.cancel()
        await asyncio.wait([polling])
    assert source.waits == 1
    polling = asyncio.create_task(settled(POLL.poll([pollable])))
    await _begun(polling)
    source.arrive(b"a")
    assert await polling == [0]


def test_a_stream_must_not_be_dropped_before_its_pollables() -> None:
    source = Source()
    stream = InputStream(source)
    first, second = stream.subscribe(), stream.subscribe()
    first.drop()
    with pytest.raises(ResourceError, match="InputStream resource still has 1 children"):
        stream.drop()
    assert source.closed == 0
    second.drop()
    stream.drop()
    assert source.closed == 1


async def test_a_poll_looks_only_where_something_happened() -> None:
    sources = [Source() for _ in range(3)]
    streams = [InputStream(source) for source in sources]
    pollables = [stream.subscribe() for stream in streams]
    for _ in range(3):
        polling = asyncio.create_task(settled(POLL.poll(pollables)))
        await _begun(polling)
        sources[1].arrive(b"a")
        assert await polling == [1]
        assert streams[1].read(10) == b"a"
    assert [source.reads for source in sources] == [1, 6, 1]


async def test_a_poll_that_need_not_wait_looks_everywhere() -> None:
    ready, idle = Source(), Source()
    pollables = [InputStream(source).subscribe() for source in (ready, idle)]
    polling = asyncio.create_task(settled(POLL.poll(pollables)))
    await _begun(polling)
    ready.arrive(b"a")
    assert await polling == [0]
    idle.arrived.append(b"b")
    assert await settled(POLL.poll(pollables)) == [0, 1]


async def test_what_another_look_has_found_is_ready_for_the_next_poll() -> None:
    source = Source()
    pollable = InputStream(source).subscribe()
    first = asyncio.create_task(settled(POLL.poll([pollable])))
    await _begun(first)
    first.cancel()
    await asyncio.wait([first])
    source.arrived.append(b"a")
    assert pollable.ready()
    assert await settled(POLL.poll([pollable])) == [0]


class _SocketSource(Source):
    """Counts its reads, and has a descriptor that says when there is something to read."""

    def __init__(self, end: socket.socket) -> None:
        super().__init__()
        self._end = end

    @property
    def readable_fd(self) -> int:
        return self._end.fileno()

    def read_into(self, view: memoryview) -> int:
        self.reads += 1
        return self._end.recv_into(view)


async def test_of_many_only_those_are_read_that_the_system_reports() -> None:
    with contextlib.ExitStack() as stack:
        pairs = [socket.socketpair() for _ in range(MANY)]
        for end in itertools.chain(*pairs):
            stack.enter_context(end).setblocking(False)
        sources = [_SocketSource(ours) for ours, _ in pairs]
        streams = [InputStream(source) for source in sources]
        other = InputStream(Source(b"a"))
        pollables = [stream.subscribe() for stream in (*streams, other, streams[3])]
        assert await settled(POLL.poll(pollables)) == [MANY]
        pairs[3][1].send(b"ab")
        pairs[1][1].close()
        assert await settled(POLL.poll(pollables)) == [1, 3, MANY, MANY + 1]
        assert sum(source.reads for source in sources) == 0
        assert streams[3].subscribe().ready()  # which reads ahead: the system has nothing any more
        assert await settled(POLL.poll(pollables)) == [1, 3, MANY, MANY + 1]
        assert streams[3].read(5) == b"ab"
        assert await settled(POLL.poll(pollables)) == [1, MANY]
        assert failure_of(lambda: streams[1].read(5)) == "closed"
        streams[3].end()
        assert await settled(POLL.poll(pollables)) == [1, 3, MANY, MANY + 1]
