"""`send` and `receive`: what moves, how their futures end, and when the socket of the network is closed."""

from __future__ import annotations

import asyncio
import errno
import itertools

import pytest

from tests.unit.wasi.p3.sockets.setup import FakeReader, Guest
from tests.unit.wasi.sockets.fake_network import FakeSocket
from wasihost._base.streams import ByteSink, ByteSource
from wasihost._component.values import Err, Ok
from wasihost._wasi.p3.sockets.errors import ErrorCode
from wasihost._wasi.p3.sockets.tcp import TcpSocket
from wasihost._wasi.p3.streams import ResultFuture

RESET = ConnectionResetError(errno.ECONNRESET, "reset")
BROKEN = BrokenPipeError(errno.EPIPE, "broken")


def _sending(tcp: TcpSocket) -> tuple[ByteSink, ResultFuture]:
    data = FakeReader()
    future = tcp.send(data)
    assert data.sink is not None
    return data.sink, future


# ---- receive


async def test_receive_fills_the_view_with_one_recv() -> None:
    tcp, socket = Guest().connected()
    source, _ = tcp.receive()
    socket.incoming.extend([b"abc", b"def"])
    view = memoryview(bytearray(8))
    assert source.read_into(view) == 3
    assert bytes(view[:3]) == b"abc"
    assert socket.calls.count("recv_into") == 1


async def test_receive_with_nothing_there_waits() -> None:
    tcp, socket = Guest().connected()
    source, _ = tcp.receive()
    with pytest.raises(BlockingIOError):
        source.read_into(memoryview(bytearray(8)))
    source.wait_readable(called := asyncio.Event().set)
    assert socket.readable is called


async def test_the_end_of_the_peer_is_ok() -> None:
    tcp, socket = Guest().connected()
    source, future = tcp.receive()
    socket.incoming.append(b"")
    assert source.read_into(memoryview(bytearray(8))) == 0
    source.close(None)
    assert future.result() == Ok(None)


async def test_a_dropped_receive_stream_is_ok_at_once_with_data_pending() -> None:
    tcp, socket = Guest().connected()
    source, future = tcp.receive()
    socket.incoming.append(b"unread")
    source.close(None)
    assert future.result() == Ok(None)
    assert "shutdown_read" in socket.calls


async def test_a_failed_receive_gives_the_error_code() -> None:
    tcp, _ = Guest().connected()
    source, future = tcp.receive()
    source.close(RESET)
    assert future.result() == Err(ErrorCode.ConnectionReset())


async def test_a_receive_stream_that_is_closed_while_it_waits_is_forgotten() -> None:
    tcp, socket = Guest().connected()
    source, _ = tcp.receive()
    source.wait_readable(lambda: None)
    source.close(None)
    assert socket.readable is None


async def test_receive_twice_is_an_ended_stream_and_invalid_state() -> None:
    tcp, socket = Guest().connected()
    tcp.receive()
    source, future = tcp.receive()
    assert future.result() == Err(ErrorCode.InvalidState())
    assert source.read_into(memoryview(bytearray(8))) == 0
    source.close(None)
    assert "shutdown_read" not in socket.calls


async def test_an_ended_stream_can_always_be_read() -> None:
    tcp, _ = Guest().create()
    source, _ = tcp.receive()
    called = asyncio.Event()
    source.wait_readable(called.set)
    await called.wait()


# ---- send


async def test_send_takes_what_the_network_takes() -> None:
    tcp, socket = Guest().connected()
    sink, _ = _sending(tcp)
    socket.room = 3
    assert sink.write(memoryview(b"abcdef")) == 3
    assert socket.sent == b"abc"


async def test_the_end_of_the_guest_sends_a_fin_and_is_ok() -> None:
    tcp, socket = Guest().connected()
    sink, future = _sending(tcp)
    sink.close(None)
    assert "shutdown_write" in socket.calls
    assert future.result() == Ok(None)


async def test_a_broken_connection_is_connection_broken() -> None:
    tcp, socket = Guest().connected()
    sink, future = _sending(tcp)
    sink.close(BROKEN)
    assert future.result() == Err(ErrorCode.ConnectionBroken())
    assert "shutdown_write" in socket.calls


async def test_send_twice_closes_the_second_stream_and_is_invalid_state() -> None:
    tcp, _ = Guest().connected()
    _sending(tcp)
    data = FakeReader()
    assert tcp.send(data).result() == Err(ErrorCode.InvalidState())
    assert (data.closed, data.sink) == (1, None)


async def test_send_and_receive_do_not_use_each_other_up() -> None:
    tcp, _ = Guest().connected()
    tcp.receive()
    _, future = _sending(tcp)
    assert not future.done()


async def test_send_on_a_closed_socket_gives_what_closed_it() -> None:
    tcp, _ = Guest().closed()
    assert tcp.send(FakeReader()).result() == Err(ErrorCode.ConnectionRefused())


# ---- endings


@pytest.mark.parametrize("way", ["shutdown_read", "shutdown_write"])
async def test_a_shutdown_after_a_reset_does_no_harm(way: str) -> None:
    tcp, socket = Guest().connected()
    socket.fails[way] = [OSError(errno.ENOTCONN, "")]
    source, received = tcp.receive()
    sink, sent = _sending(tcp)
    source.close(None)
    sink.close(None)
    assert received.result() == sent.result() == Ok(None)


async def test_a_future_that_was_cancelled_is_left_alone() -> None:
    tcp, _ = Guest().connected()
    source, future = tcp.receive()
    future.cancel()
    source.close(None)
    assert future.cancelled()


async def test_an_exception_that_is_no_os_error_still_ends_the_future() -> None:
    tcp, _ = Guest().connected()
    source, future = tcp.receive()
    source.close(asyncio.CancelledError())
    assert future.result() == Err(ErrorCode.InvalidState())


def _owners(tcp: TcpSocket) -> list[object]:
    source, _ = tcp.receive()
    sink, _ = _sending(tcp)
    return [tcp, source, sink]


def _end(owner: object) -> None:
    if isinstance(owner, ByteSource | ByteSink):
        owner.close(None)
    else:
        assert isinstance(owner, TcpSocket)
        owner.drop()


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_the_socket_is_closed_when_the_last_owner_goes(order: tuple[int, ...]) -> None:
    tcp, socket = Guest().connected()
    owners = _owners(tcp)
    history = []
    for index in order:
        _end(owners[index])
        history.append(socket.closed)
    assert history == [0, 0, 1]


async def test_streams_work_on_after_the_handle_is_dropped() -> None:
    tcp, socket = Guest().connected()
    source, _ = tcp.receive()
    tcp.drop()
    socket.incoming.append(b"late")
    assert source.read_into(memoryview(bytearray(8))) == 4


async def test_an_idle_connection_has_no_task() -> None:
    tcp, socket = Guest().connected()
    source, _ = tcp.receive()
    sink, _ = _sending(tcp)
    source.wait_readable(lambda: None)
    sink.wait_writable(lambda: None)
    assert isinstance(socket, FakeSocket)
    assert asyncio.all_tasks() == {asyncio.current_task()}
