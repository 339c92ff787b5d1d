"""The stream of `listen`."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Awaitable

import pytest

from tests.unit.wasi.p3.sockets.fake_network import PEER, FakeSocket
from tests.unit.wasi.p3.sockets.setup import Guest, at_once, code_of
from wasihost.component.values import Err
from wasihost.network.base import Address
from wasihost.policy import Context, SocketAddressUse
from wasihost.streams import ValueSource
from wasihost.testing import virtual_loop
from wasihost.wasi.p3.sockets.addresses import from_network
from wasihost.wasi.p3.sockets.errors import ErrorCode
from wasihost.wasi.p3.sockets.tcp import TcpSocket
from wasihost.wasi.sockets.accept import REST_S

ACCEPT = SocketAddressUse.TCP_ACCEPT


class _Listener:
    """A listening socket, its stream and what the policy is to answer about a peer."""

    def __init__(self) -> None:
        self.answers: list[bool | Awaitable[bool]] = []
        self.asked: list[Address] = []
        self.tcp, self.socket = Guest(self._policy).bound()
        self.stream: ValueSource[TcpSocket] = at_once(self.tcp.listen())

    def _policy(self, address: Address, use: SocketAddressUse, context: Context) -> bool | Awaitable[bool]:
        if use is not ACCEPT:
            return True
        self.asked.append(address)
        return self.answers.pop(0) if self.answers else True

    def arrive(self) -> FakeSocket:
        connection = FakeSocket()
        self.socket.backlogged.append(connection)
        return connection

    def later(self) -> asyncio.Future[bool]:
        """The policy's next answer, which takes time."""
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.answers.append(answer)
        return answer


def test_a_read_gives_one_connected_socket() -> None:
    listener = _Listener()
    listener.arrive(), listener.arrive()
    [accepted] = listener.stream.read()
    assert accepted.get_remote_address() == from_network(PEER)
    assert len(listener.socket.backlogged) == 1


@pytest.mark.parametrize("code", [errno.EBADF, errno.EINVAL])
def test_the_stream_ends_when_the_socket_listens_no_more(code: int) -> None:
    listener = _Listener()
    listener.socket.fails["accept"] = [OSError(code, "no listener")]
    assert list(listener.stream.read()) == []
    listener.stream.close(None)
    listener.tcp.drop()
    assert listener.socket.closed == 1


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
def test_where_something_is_lacking_the_stream_tells_it_and_rests(code: int) -> None:
    async def main() -> list[ValueSource[TcpSocket]]:
        listener = _Listener()
        listener.arrive()
        listener.socket.fails["accept"] = [OSError(code, os.strerror(code))]
        [broken] = listener.stream.read()
        assert code_of(broken.get_remote_address) is not None
        with pytest.raises(BlockingIOError):
            listener.stream.read()
        rested = asyncio.Event()
        listener.stream.wait_readable(rested.set)
        await rested.wait()
        [accepted] = listener.stream.read()
        assert accepted.get_remote_address() == from_network(PEER)
        listener.socket.fails["accept"] = [OSError(code, os.strerror(code))]
        listener.stream.read()
        return [listener.stream]

    loop = virtual_loop()
    [stream] = loop.run_until_complete(main())
    stream.close(None)  # a rest that nobody waits for
    loop.close()
    assert loop.time() >= REST_S


def test_the_policy_is_asked_about_the_peer() -> None:
    listener = _Listener()
    listener.arrive()
    listener.stream.read()
    assert listener.asked == [PEER]


def test_without_a_connection_the_stream_waits() -> None:
    listener = _Listener()
    with pytest.raises(BlockingIOError):
        listener.stream.read()
    listener.stream.wait_readable(called := (lambda: None))
    assert listener.socket.readable is called


def test_a_denied_peer_is_reset_and_never_seen() -> None:
    listener = _Listener()
    listener.answers = [False, True]
    stranger, friend = listener.arrive(), listener.arrive()
    [accepted] = listener.stream.read()
    accepted.drop()
    assert (stranger.calls, friend.calls) == (["abort"], ["close"])


def test_a_flood_of_strangers_leaves_the_event_loop_its_turn() -> None:
    listener = _Listener()
    listener.answers = [False] * 100
    for _ in range(100):
        listener.arrive()
    with pytest.raises(BlockingIOError):
        listener.stream.read()
    assert 0 < len(listener.socket.backlogged) < 100


async def test_a_failed_accept_gives_a_closed_socket_and_the_stream_goes_on() -> None:
    listener = _Listener()
    listener.socket.backlogged.append(OSError(errno.ECONNABORTED, ""))
    listener.arrive()
    [closed] = listener.stream.read()
    assert code_of(closed.get_hop_limit) == ErrorCode.ConnectionAborted()
    assert closed.receive()[1].result() == Err(ErrorCode.ConnectionAborted())
    closed.drop()
    [accepted] = listener.stream.read()
    assert accepted.get_hop_limit() == 1


# ---- a policy that takes time


@pytest.mark.parametrize("allowed", [True, False])
async def test_a_connection_waits_for_the_answer_of_the_policy(allowed: bool) -> None:
    listener = _Listener()
    answer, connection = listener.later(), listener.arrive()
    with pytest.raises(BlockingIOError):
        listener.stream.read()
    called = asyncio.Event()
    listener.stream.wait_readable(called.set)
    answer.set_result(allowed)
    await called.wait()
    if allowed:
        assert len(listener.stream.read()) == 1
    else:
        with pytest.raises(BlockingIOError):
            listener.stream.read()
    assert connection.calls == ([] if allowed else ["abort"])


async def test_no_further_connection_is_accepted_before_the_answer() -> None:
    listener = _Listener()
    listener.later(), listener.arrive(), listener.arrive()
    for _ in range(2):
        with pytest.raises(BlockingIOError):
            listener.stream.read()
    assert len(listener.socket.backlogged) == 1
    listener.stream.close(None)


async def test_a_waiter_that_comes_after_the_answer_is_called() -> None:
    listener = _Listener()
    answer = listener.later()
    listener.arrive()
    with pytest.raises(BlockingIOError):
        listener.stream.read()
    answer.set_result(True)
    called = asyncio.Event()
    listener.stream.wait_readable(called.set)
    await called.wait()


async def test_closing_while_the_policy_thinks_resets_the_connection_and_calls_nobody() -> None:
    listener = _Listener()
    answer, connection = listener.later(), listener.arrive()
    with pytest.raises(BlockingIOError):
        listener.stream.read()
    called = asyncio.Event()
    listener.stream.wait_readable(called.set)
    listener.stream.close(None)
    await asyncio.sleep(0)
    assert (connection.calls, answer.cancelled(), called.is_set()) == (["abort"], True, False)


@pytest.mark.parametrize("at", ["once", "length"])
async def test_an_exception_of_the_policy_resets_the_connection_when_the_stream_ends(at: str) -> None:
    async def thinking() -> bool:
        raise LookupError("mine")

    def policy(address: Address, use: SocketAddressUse, context: Context) -> bool | Awaitable[bool]:
        if use is not ACCEPT:
            return True
        if at == "length":
            return thinking()
        raise LookupError("mine")

    connection = FakeSocket()
    tcp, socket = Guest(policy).bound()
    stream = at_once(tcp.listen())
    socket.backlogged.append(connection)
    with pytest.raises(LookupError, match="mine"):
        await _read(stream)
    stream.close(LookupError())
    assert connection.calls == ["abort"]


async def _read(stream: ValueSource[TcpSocket]) -> None:
    try:
        stream.read()
    except BlockingIOError:
        called = asyncio.Event()
        stream.wait_readable(called.set)
        await called.wait()
        stream.read()


# ---- who keeps the listener


@pytest.mark.parametrize("first", ["handle", "stream"])
def test_handle_and_stream_keep_the_listener_together(first: str) -> None:
    listener = _Listener()

    def close() -> None:
        listener.stream.close(None)

    one, other = (listener.tcp.drop, close) if first == "handle" else (close, listener.tcp.drop)
    one()
    assert listener.socket.closed == 0
    other()
    assert listener.socket.closed == 1


def test_accepting_goes_on_after_the_handle_is_dropped() -> None:
    listener = _Listener()
    listener.tcp.drop()
    listener.arrive()
    assert len(listener.stream.read()) == 1


def test_accepted_sockets_do_not_keep_the_listener() -> None:
    listener = _Listener()
    listener.arrive()
    listener.stream.read()
    listener.tcp.drop()
    listener.stream.close(None)
    assert listener.socket.closed == 1


def test_a_closed_stream_waits_no_more() -> None:
    listener = _Listener()
    listener.stream.wait_readable(lambda: None)
    listener.stream.close(None)
    assert listener.socket.readable is None


def test_any_function_is_a_policy() -> None:
    def policy(address: Address, use: SocketAddressUse, context: Context) -> bool:
        return use is not ACCEPT

    tcp, socket = Guest(policy).bound()
    stream = at_once(tcp.listen())
    socket.backlogged.append(FakeSocket())
    with pytest.raises(BlockingIOError):
        stream.read()
