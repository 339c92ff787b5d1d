"""`wasi:io/streams` over a source and a sink: what is there at once, waiting, permits, errors, the end."""

from __future__ import annotations

import asyncio
import errno

import pytest

from tests.unit.wasi.p2.io.fakes import Sink, Source, failure_of, settled, told
from wasihost._base.errors import GuestExit, GuestTrap
from wasihost._base.streams import Unwritten
from wasihost._component.resources import ResourceError
from wasihost._component.values import WitError
from wasihost._wasi.p2.io.streams import MOST, InputStream, OutputStream

RESET = "ConnectionResetError: [Errno 104] reset"


def _reset() -> OSError:
    return ConnectionResetError(104, "reset")


def _broken() -> OSError:
    return BrokenPipeError(errno.EPIPE, "broken")


async def _begun(task: asyncio.Task[object]) -> None:
    await asyncio.sleep(0)
    assert not task.done()


# ---- input


def test_read_gives_what_is_there_and_nothing_where_nothing_is() -> None:
    stream = InputStream(Source(b"hello"))
    assert [stream.read(2), stream.read(100), stream.read(100)] == [b"he", b"llo", b""]


def test_read_gives_at_most_64_kib_and_allocates_no_more() -> None:
    stream = InputStream(Source(bytes(MOST + 1)))
    assert len(stream.read(2**64 - 1)) == MOST
    assert len(stream.read(2**64 - 1)) == 1


def test_the_end_is_closed_for_ever() -> None:
    stream = InputStream(Source(b"a", b""))
    assert stream.read(10) == b"a"
    assert [failure_of(lambda: stream.read(10)) for _ in range(2)] == ["closed", "closed"]
    assert failure_of(lambda: stream.read(0)) == "closed"
    assert stream.subscribe().ready()


def test_read_of_nothing_takes_nothing_and_does_not_look_for_the_end() -> None:
    stream = InputStream(Source(b""))
    assert stream.read(0) == b""


def test_an_error_is_told_once_and_the_stream_is_closed_then() -> None:
    stream = InputStream(Source(_reset()))
    assert [failure_of(lambda: stream.read(1)) for _ in range(3)] == [RESET, "closed", "closed"]


def test_an_error_is_told_after_what_came_before_it() -> None:
    stream = InputStream(Source(b"last", _reset()))
    assert stream.subscribe().ready()
    assert stream.read(10) == b"last"
    assert failure_of(lambda: stream.read(1)) == RESET


def test_what_is_no_os_error_is_the_embedders() -> None:
    with pytest.raises(KeyError):
        InputStream(Source(KeyError("mine"))).read(1)


def test_skip_gives_the_number_of_bytes() -> None:
    stream = InputStream(Source(b"hello"))
    assert [stream.skip(2), stream.read(10)] == [2, b"llo"]


async def test_blocking_read_and_skip_wait_for_a_byte() -> None:
    source = Source()
    stream = InputStream(source)
    for call, expected in ((stream.blocking_read, b"a"), (stream.blocking_skip, 1)):
        waiting = asyncio.create_task(settled(call(10)))
        await _begun(waiting)
        source.arrive(b"a")
        assert await waiting == expected


def test_what_is_read_ahead_keeps_no_more_memory_than_it_has_bytes() -> None:
    stream = InputStream(Source(b"hello"))
    assert stream.subscribe().ready()
    assert stream._ahead.obj == b"hello"


def test_what_was_read_ahead_and_not_taken_goes_back() -> None:
    source = Source(b"hello")
    stream = InputStream(source)
    pollable = stream.subscribe()
    assert pollable.ready()
    stream.read(2)
    pollable.drop()
    stream.drop()
    assert (source.returned, source.closed) == (b"llo", 1)


# ---- output


def test_a_write_goes_out_at_once() -> None:
    sink = Sink()
    stream = OutputStream(sink)
    assert stream.check_write() == MOST
    stream.write(b"hello")
    assert sink.taken == b"hello"
    stream.flush()


def test_a_permit_is_for_one_write() -> None:
    stream = OutputStream(Sink())
    stream.check_write()
    stream.write(b"1")
    with pytest.raises(GuestTrap, match="write: 1 bytes, but check-write permitted 0"):
        stream.write(b"2")


def test_a_write_of_nothing_needs_no_permit_and_uses_none_up() -> None:
    stream = OutputStream(Sink())
    stream.write(b"")
    stream.check_write()
    stream.write(b"")
    stream.write(b"1")


def test_more_than_permitted_is_a_trap() -> None:
    sink = Sink()
    stream = OutputStream(sink)
    stream.check_write()
    with pytest.raises(GuestTrap, match=f"write: {MOST + 1} bytes, but check-write permitted {MOST}"):
        stream.write(bytes(MOST + 1))
    assert sink.taken == b""


def test_standard_outputs_take_64_kib_without_being_asked() -> None:
    sink = Sink(room=0)
    stream = OutputStream(sink, asks_first=False)
    stream.write(b"1" * (MOST - 1))
    stream.write(b"2")
    with pytest.raises(GuestTrap):
        stream.write(b"3")
    sink.make_room()
    assert sink.taken == b"1" * (MOST - 1) + b"2"
    stream.write(b"3")


def test_nothing_is_permitted_while_bytes_are_on_their_way() -> None:
    sink = Sink(room=2)
    stream = OutputStream(sink)
    pollable = stream.subscribe()
    assert pollable.ready()
    stream.check_write()
    stream.write(b"hello")
    assert (stream.check_write(), pollable.ready()) == (0, False)
    sink.make_room()
    assert (sink.taken, stream.check_write(), pollable.ready()) == (b"hello", MOST, True)


async def test_blocking_flush_waits_until_the_sink_has_every_byte() -> None:
    sink = Sink(room=1)
    stream = OutputStream(sink)
    stream.check_write()
    stream.write(b"hello")
    stream.flush()
    flushing = asyncio.create_task(settled(stream.blocking_flush()))
    await _begun(flushing)
    sink.make_room(1)
    await _begun(flushing)
    sink.make_room()
    await flushing


async def test_blocking_write_and_flush_takes_4096_bytes_and_needs_no_permit() -> None:
    sink = Sink()
    stream = OutputStream(sink)
    await settled(stream.blocking_write_and_flush(b"x" * 4096))
    await settled(stream.blocking_write_and_flush(b""))
    assert len(sink.taken) == 4096
    with pytest.raises(GuestTrap, match="at most 4096"):
        await settled(stream.blocking_write_and_flush(bytes(4097)))


async def test_zeroes_are_written_like_bytes() -> None:
    sink = Sink()
    stream = OutputStream(sink)
    stream.write_zeroes(3)
    await settled(stream.blocking_write_zeroes_and_flush(2))
    assert sink.taken == bytes(5)
    with pytest.raises(GuestTrap, match="write-zeroes"):
        stream.write_zeroes(MOST + 1)
    with pytest.raises(GuestTrap, match="at most 4096"):
        await settled(stream.blocking_write_zeroes_and_flush(4097))


@pytest.mark.parametrize(("error", "expected"), [(_reset(), RESET), (_broken(), "closed")])
def test_an_error_of_a_write_is_told_once_and_the_stream_is_closed_then(error: OSError, expected: str) -> None:
    sink = Sink()
    sink.error = error
    stream = OutputStream(sink)
    stream.check_write()
    assert failure_of(lambda: stream.write(b"x")) == expected
    assert [failure_of(stream.check_write), failure_of(stream.flush)] == ["closed", "closed"]
    assert stream.subscribe().ready()


async def test_an_error_of_bytes_on_their_way_comes_with_the_next_call() -> None:
    sink = Sink(room=1)
    stream = OutputStream(sink)
    stream.check_write()
    stream.write(b"hello")
    flushing = asyncio.create_task(settled(stream.blocking_flush()))
    await _begun(flushing)
    sink.error = _reset()
    sink.make_room()
    with pytest.raises(WitError) as caught:
        await flushing
    assert told(caught.value) == RESET
    assert failure_of(stream.check_write) == "closed"


def test_what_a_sink_raises_besides_ends_the_guest() -> None:
    sink = Sink()
    sink.error = GuestExit(141)
    stream = OutputStream(sink)
    stream.check_write()
    with pytest.raises(GuestExit):
        stream.write(b"x")


def test_a_dropped_stream_writes_what_is_on_its_way_and_closes_then() -> None:
    sink = Sink(room=1)
    stream = OutputStream(sink)
    stream.check_write()
    stream.write(b"hello")
    stream.drop()
    assert sink.closed == []
    sink.make_room()
    assert (sink.taken, sink.closed) == (b"hello", [None])


@pytest.mark.parametrize("error", [_reset(), KeyError("mine")], ids=["of the system", "of the embedder"])
def test_an_error_of_the_embedder_after_the_drop_is_kept_for_the_end(error: Exception) -> None:
    sink, unwritten = Sink(room=1), Unwritten()
    stream = OutputStream(sink, unwritten=unwritten)
    stream.check_write()
    stream.write(b"hello")
    stream.drop()
    sink.error = error
    sink.make_room()
    assert unwritten.error is (None if isinstance(error, OSError) else error)
    assert sink.closed == [error]


def test_a_stream_with_nothing_on_its_way_is_closed_by_its_drop() -> None:
    sink = Sink()
    OutputStream(sink).drop()
    assert sink.closed == [None]


def test_an_output_must_not_be_dropped_before_its_pollables() -> None:
    stream = OutputStream(Sink())
    stream.subscribe()
    with pytest.raises(ResourceError, match="OutputStream resource still has 1 children"):
        stream.drop()


# ---- splice


async def test_splice_moves_what_is_there() -> None:
    sink = Sink()
    stream, source = OutputStream(sink), InputStream(Source(b"hello"))
    assert [stream.splice(source, 2), await settled(stream.blocking_splice(source, 100))] == [2, 3]
    assert sink.taken == b"hello"
    assert stream.splice(source, 100) == 0


async def test_blocking_splice_waits_for_both_sides() -> None:
    sink, source = Sink(room=1), Source()
    stream = OutputStream(sink)
    stream.check_write()
    stream.write(b"12")
    splicing = asyncio.create_task(settled(stream.blocking_splice(InputStream(source), 100)))
    await _begun(splicing)
    sink.make_room()
    await _begun(splicing)
    source.arrive(b"3")
    assert await splicing == 1
    assert sink.taken == b"123"


async def test_the_end_of_the_source_is_closed_and_splicing_nothing_does_not_look() -> None:
    stream, source = OutputStream(Sink()), InputStream(Source(b""))
    assert [stream.splice(source, 0), await settled(stream.blocking_splice(source, 0))] == [0, 0]
    assert failure_of(lambda: stream.splice(source, 1)) == "closed"
    stream.check_write()
