"""`tcp-socket`: what takes time, what is refused and where, accept ahead, shutdown, and how a connection ends."""

from __future__ import annotations

import asyncio
import errno
from typing import Any

import pytest

from tests.unit.wasi.p2.io.fakes import failure_of, settled
from tests.unit.wasi.p2.sockets.setup import NETWORK, PEER, Guest, Undecided, code_of, passes, refusing, v4
from tests.unit.wasi.sockets.fake_network import BLOCKED, FakeSocket
from tests.unit.wasi.sockets.setup import REFUSED
from wasihost._base.errors import GuestTrap
from wasihost._component.resources import ResourceError
from wasihost._policy import SocketAddressUse
from wasihost._wasi.p2.io.streams import InputStream, OutputStream
from wasihost._wasi.p2.sockets.errors import ErrorCode
from wasihost._wasi.p2.sockets.tcp import ShutdownType, TcpSocket

USE = SocketAddressUse
RESET = ConnectionResetError(errno.ECONNRESET, "reset")
SHUTDOWNS = list(ShutdownType)


# ---- what takes time


async def test_a_bind_is_finished_when_the_policy_has_answered() -> None:
    policy = Undecided(USE.TCP_BIND)
    tcp, socket = Guest(policy).bind_in_progress()
    pollable = tcp.subscribe()
    assert (code_of(tcp.finish_bind), pollable.ready()) == (ErrorCode.WOULD_BLOCK, False)
    blocking = asyncio.create_task(settled(pollable.block()))
    await passes()
    assert not blocking.done()
    policy.answers[0].set_result(True)
    await blocking
    tcp.finish_bind()
    assert "bind" in socket.calls
    assert code_of(tcp.finish_bind) is ErrorCode.NOT_IN_PROGRESS


async def test_a_late_refusal_is_the_answer_of_finish_and_the_socket_is_as_before() -> None:
    policy = Undecided(USE.TCP_BIND)
    tcp, _ = Guest(policy).bind_in_progress()
    policy.answers[0].set_result(False)
    await passes()
    assert tcp.subscribe().ready()
    assert code_of(tcp.finish_bind) is ErrorCode.ACCESS_DENIED
    tcp.start_bind(NETWORK, v4(0))
    policy.answers[1].set_result(True)
    await passes()
    tcp.finish_bind()


async def test_a_listen_waits_for_the_policy_too() -> None:
    policy = Undecided(USE.TCP_LISTEN)
    tcp, socket = Guest(policy).listen_in_progress()
    assert (code_of(tcp.finish_listen), tcp.is_listening()) == (ErrorCode.WOULD_BLOCK, False)
    policy.answers[0].set_result(True)
    await passes()
    tcp.finish_listen()
    assert (tcp.is_listening(), socket.backlog) == (True, 128)


async def test_a_listener_is_closed_that_was_allowed_and_not_finished() -> None:
    policy = Undecided(USE.TCP_LISTEN)
    tcp, socket = Guest(policy).listen_in_progress()
    policy.answers[0].set_result(True)
    await passes()
    tcp.drop()
    assert socket.closed == 1


async def test_connecting_begins_in_start_connect() -> None:
    tcp, socket = Guest().connect_in_progress()
    assert socket.peers
    assert code_of(tcp.finish_connect) is ErrorCode.WOULD_BLOCK
    assert socket.writable is not None
    socket.writable()
    await settled(tcp.subscribe().block())
    tcp.finish_connect()
    assert code_of(tcp.finish_connect) is ErrorCode.NOT_IN_PROGRESS


async def test_a_policy_that_takes_time_delays_connecting_and_not_the_guest() -> None:
    policy = Undecided(USE.TCP_CONNECT)
    tcp, socket = Guest(policy).connect_not_finished()
    assert (code_of(tcp.finish_connect), socket.peers) == (ErrorCode.WOULD_BLOCK, [])
    policy.answers[0].set_result(True)
    await passes()
    tcp.finish_connect()


@pytest.mark.parametrize("use", [USE.TCP_BIND, USE.TCP_CONNECT, USE.TCP_LISTEN])
async def test_a_step_that_is_given_up_leaves_nothing(use: SocketAddressUse) -> None:
    policy = Undecided(use)
    guest = Guest(policy)
    make = {USE.TCP_BIND: guest.bind_in_progress, USE.TCP_CONNECT: guest.connect_not_finished}
    tcp, socket = make.get(use, guest.listen_in_progress)()
    tcp.drop()
    await passes()
    assert socket.closed == 1
    assert policy.answers[0].cancelled()


async def test_a_failure_that_the_guest_never_asks_for_is_no_trouble() -> None:
    tcp, socket = Guest().connect_in_progress()
    socket.fails["finish_connect"] = [REFUSED]
    assert socket.writable is not None
    socket.writable()
    await passes()
    tcp.drop()
    assert socket.closed == 1


async def test_an_exception_of_the_policy_is_the_embedders() -> None:
    policy = Undecided(USE.TCP_BIND)
    tcp, _ = Guest(policy).bind_in_progress()
    policy.answers[0].set_exception(KeyError("mine"))
    await passes()
    with pytest.raises(KeyError, match="mine"):
        tcp.finish_bind()


# ---- refusals and failures


def test_a_refused_bind_is_told_at_once_and_can_be_tried_again() -> None:
    tcp, _ = Guest(refusing(USE.TCP_BIND)).unbound()
    for _ in range(2):
        assert code_of(lambda: tcp.start_bind(NETWORK, v4(0))) is ErrorCode.ACCESS_DENIED
    assert code_of(tcp.finish_bind) is ErrorCode.NOT_IN_PROGRESS


def test_a_refused_listen_leaves_the_socket_bound() -> None:
    tcp, _ = Guest(refusing(USE.TCP_LISTEN)).bound()
    assert code_of(tcp.start_listen) is ErrorCode.ACCESS_DENIED
    assert code_of(tcp.finish_listen) is ErrorCode.NOT_IN_PROGRESS
    tcp.local_address()


@pytest.mark.parametrize("use", [USE.TCP_CONNECT, USE.TCP_BIND])
def test_a_refused_connect_is_told_by_finish_and_closes_the_socket(use: SocketAddressUse) -> None:
    tcp, socket = Guest(refusing(use)).connect_not_finished()
    assert (socket.peers, tcp.subscribe().ready()) == ([], True)
    assert code_of(tcp.finish_connect) is ErrorCode.ACCESS_DENIED
    assert code_of(tcp.local_address) is ErrorCode.ACCESS_DENIED


@pytest.mark.parametrize("address", [v4(0), v4(80, (0, 0, 0, 0)), v4(80, (224, 0, 0, 1)), v4(80, (255, 255, 255, 255))])
def test_an_address_that_cannot_be_connected_to_changes_nothing(address: object) -> None:
    tcp, _ = Guest().unbound()
    assert code_of(lambda: tcp.start_connect(NETWORK, address)) is ErrorCode.INVALID_ARGUMENT  # type: ignore[arg-type]
    tcp.start_connect(NETWORK, v4(80))
    tcp.finish_connect()


def test_no_more_descriptors_are_a_limit_of_sockets() -> None:
    guest = Guest()
    guest.network.error = OSError(errno.EMFILE, "too many")
    assert code_of(guest.unbound) is ErrorCode.NEW_SOCKET_LIMIT


# ---- accept


def test_accept_gives_a_connected_socket_that_does_not_depend_on_the_listener() -> None:
    tcp, socket = Guest().listening()
    socket.backlogged.append(FakeSocket())
    accepted, received, sent = tcp.accept()
    tcp.drop()
    assert accepted.remote_address() == PEER
    sent.check_write()
    sent.write(b"hello")
    with pytest.raises(ResourceError, match="TcpSocket resource still has 2 children"):
        accepted.drop()
    received.drop()
    sent.drop()
    accepted.drop()


def test_accepting_and_dropping_again_and_again_keeps_nothing() -> None:
    guest = Guest()
    tcp, socket = guest.listening()
    connections = [FakeSocket() for _ in range(1000)]
    for connection in connections:
        socket.backlogged.append(connection)
        accepted, received, sent = tcp.accept()
        _drop(accepted, received, sent)
    assert [connection.closed for connection in connections] == [1] * 1000
    tcp.drop()


def test_a_failed_connection_is_an_error_and_the_listener_goes_on() -> None:
    tcp, socket = Guest().listening()
    socket.backlogged += [OSError(errno.ECONNABORTED, "aborted"), FakeSocket()]
    assert code_of(tcp.accept) is ErrorCode.CONNECTION_ABORTED
    tcp.accept()
    assert code_of(tcp.accept) is ErrorCode.WOULD_BLOCK


def test_a_refused_connection_is_reset_and_skipped() -> None:
    tcp, socket = Guest(refusing(USE.TCP_ACCEPT)).listening()
    stranger = FakeSocket()
    socket.backlogged.append(stranger)
    assert code_of(tcp.accept) is ErrorCode.WOULD_BLOCK
    assert stranger.calls == ["abort"]


def test_a_connection_accepted_ahead_is_the_next_one_and_goes_with_the_listener() -> None:
    tcp, socket = Guest().listening()
    first, second = FakeSocket(), FakeSocket()
    socket.backlogged += [first, second]
    pollable = tcp.subscribe()
    assert (pollable.ready(), pollable.ready()) == (True, True)
    assert len(socket.backlogged) == 1
    tcp.accept()
    assert pollable.ready()
    pollable.drop()
    tcp.drop()
    assert (first.closed, second.closed, socket.closed) == (0, 1, 1)


async def test_a_poll_waits_for_a_connection() -> None:
    tcp, socket = Guest().listening()
    blocking = asyncio.create_task(settled(tcp.subscribe().block()))
    await passes()
    socket.backlogged.append(FakeSocket())
    assert socket.readable is not None
    socket.readable()
    await blocking
    tcp.accept()


async def test_a_poll_waits_for_the_policy_about_a_connection_that_came_after_it_began() -> None:
    policy = Undecided(USE.TCP_ACCEPT)
    tcp, socket = Guest(policy).listening()
    pollable = tcp.subscribe()
    first = asyncio.create_task(settled(pollable.block()))
    await passes()
    first.cancel()
    socket.backlogged.append(FakeSocket())
    assert code_of(tcp.accept) is ErrorCode.WOULD_BLOCK
    second = asyncio.create_task(settled(pollable.block()))
    await passes()
    policy.answers[0].set_result(True)
    await asyncio.wait_for(second, 60)
    tcp.accept()


class _Counting(asyncio.Future[bool]):
    """How often somebody asked to be called back."""

    asked = 0

    def add_done_callback(self, *args: Any, **options: Any) -> None:
        self.asked += 1
        super().add_done_callback(*args, **options)


async def test_a_guest_that_looks_and_polls_round_and_round_is_called_back_once_for_the_policys_answer() -> None:
    answer = _Counting()
    tcp, socket = Guest(lambda address, use, _: answer if use is USE.TCP_ACCEPT else True).listening()
    socket.backlogged.append(FakeSocket())
    pollable = tcp.subscribe()
    for _ in range(5):
        assert not pollable.ready()
        polling = asyncio.create_task(settled(pollable.block()))
        await passes()
        polling.cancel()
        await asyncio.wait([polling])
    assert answer.asked == 1
    answer.set_result(True)
    await settled(pollable.block())
    tcp.accept()


# ---- shutdown


@pytest.mark.parametrize("first", SHUTDOWNS)
@pytest.mark.parametrize("second", SHUTDOWNS)
def test_shutdown_closes_each_direction_once_in_any_combination(first: ShutdownType, second: ShutdownType) -> None:
    tcp, socket, (received, sent) = Guest().with_streams()
    tcp.shutdown(first)
    tcp.shutdown(second)
    receives = ShutdownType.RECEIVE in (first, second) or ShutdownType.BOTH in (first, second)
    sends = ShutdownType.SEND in (first, second) or ShutdownType.BOTH in (first, second)
    assert [socket.calls.count("shutdown_read"), socket.calls.count("shutdown_write")] == [receives, sends]
    assert _is_closed(received) == receives
    assert _is_closed(sent) == sends
    _drop(tcp, received, sent)
    assert [socket.calls.count(name) for name in ("shutdown_read", "shutdown_write", "close")] == [1, 1, 1]


def _is_closed(stream: InputStream | OutputStream) -> bool:
    try:
        stream.read(0) if isinstance(stream, InputStream) else stream.check_write()
    except Exception:
        return (
            failure_of(lambda: stream.read(0) if isinstance(stream, InputStream) else stream.check_write()) == "closed"
        )
    return False


def _drop(tcp: TcpSocket, *streams: InputStream | OutputStream) -> None:
    for stream in streams:
        stream.drop()
    tcp.drop()


async def test_a_fin_follows_the_last_byte() -> None:
    tcp, socket, (_, sent) = Guest().with_streams()
    socket.room = 2
    socket.fails["send"] = []
    sent.check_write()
    _write_in_pieces(socket, sent, b"hello")
    tcp.shutdown(ShutdownType.SEND)
    assert "shutdown_write" not in socket.calls
    assert failure_of(sent.check_write) == "closed"
    with pytest.raises(GuestTrap):
        sent.write(b"more")
    assert socket.writable is not None
    socket.writable()
    assert (bytes(socket.sent), socket.calls[-1]) == (b"hello", "shutdown_write")


def _write_in_pieces(socket: FakeSocket, sent: OutputStream, data: bytes) -> None:
    """The network has no room for it at once."""
    socket.fails["send"] = [BLOCKED]
    sent.write(data)


async def test_bytes_on_their_way_are_sent_after_everything_is_dropped_and_then_it_is_closed() -> None:
    guest = Guest()
    tcp, socket, (received, sent) = guest.with_streams()
    sent.check_write()
    _write_in_pieces(socket, sent, b"hello")
    assert sent.check_write() == 0
    _drop(tcp, received, sent)
    assert (socket.closed, len(guest.unwritten)) == (0, 1)
    assert socket.writable is not None
    socket.writable()
    assert (bytes(socket.sent), socket.calls[-2:]) == (b"hello", ["shutdown_write", "close"])
    assert len(guest.unwritten) == 0


async def test_bytes_that_a_peer_never_takes_are_given_up_with_the_guest() -> None:
    guest = Guest()
    tcp, socket, (received, sent) = guest.with_streams()
    sent.check_write()
    _write_in_pieces(socket, sent, b"hello")
    _drop(tcp, received, sent)
    guest.unwritten.abandon()
    assert (socket.closed, bytes(socket.sent), len(guest.unwritten)) == (1, b"", 0)


# ---- the end of a connection


def test_dropped_streams_send_nothing_and_the_socket_ends_the_connection() -> None:
    tcp, socket, streams = Guest().with_streams()
    before = list(socket.calls)
    for stream in streams:
        stream.drop()
    assert socket.calls == before
    tcp.drop()
    assert socket.calls == [*before, "shutdown_read", "shutdown_write", "close"]


@pytest.mark.parametrize("how", ["stream dropped", "shutdown"])
def test_bytes_that_were_received_and_not_read_make_the_end_a_reset(how: str) -> None:
    tcp, socket, (received, sent) = Guest().with_streams()
    socket.incoming.append(b"unread")
    pollable = received.subscribe()
    assert pollable.ready()
    pollable.drop()
    if how == "shutdown":
        tcp.shutdown(ShutdownType.RECEIVE)
        assert failure_of(lambda: received.read(1)) == "closed"
    _drop(tcp, received, sent)
    assert socket.calls[-1] == "abort"


def test_a_reset_is_told_once_with_its_code_and_the_stream_is_closed_then() -> None:
    _, socket, (received, _) = Guest().with_streams()
    socket.incoming += [b"last", RESET]
    assert received.read(10) == b"last"
    assert failure_of(lambda: received.read(10)) == "ConnectionResetError: [Errno 104] reset"
    assert failure_of(lambda: received.read(10)) == "closed"


def test_after_the_peers_fin_writing_goes_on() -> None:
    _, socket, (received, sent) = Guest().with_streams()
    socket.incoming.append(b"")
    assert failure_of(lambda: received.read(1)) == "closed"
    sent.check_write()
    sent.write(b"still")
    assert bytes(socket.sent) == b"still"


# ---- children


def test_a_socket_outlives_its_pollables() -> None:
    tcp, _ = Guest().unbound()
    pollable = tcp.subscribe()
    with pytest.raises(ResourceError, match="TcpSocket resource still has 1 children"):
        tcp.drop()
    pollable.drop()
    tcp.drop()


async def test_one_pollable_serves_the_whole_life_of_a_socket() -> None:
    tcp, socket = Guest().unbound()
    pollable = tcp.subscribe()
    assert pollable.ready()
    socket.fails["finish_connect"] = [BLOCKED]
    tcp.start_connect(NETWORK, v4(80))
    assert not pollable.ready()
    assert socket.writable is not None
    socket.writable()
    await settled(pollable.block())
    received, sent = tcp.finish_connect()
    assert pollable.ready()
    pollable.drop()
    _drop(tcp, received, sent)
