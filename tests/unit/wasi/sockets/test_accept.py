"""What a listener accepts."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Awaitable

import pytest

from tests.unit.wasi.sockets.fake_network import PEER, FakeSocket
from tests.unit.wasi.sockets.setup import Guest, at_once, cause_of, listen
from wasihost._network.base import Address, Option
from wasihost._policy import PolicyContext, SocketAddressUse
from wasihost._testing import virtual_loop
from wasihost._wasi.sockets.accept import REST_S, Acceptor
from wasihost._wasi.sockets.tcp import TcpSocket

ACCEPT = SocketAddressUse.TCP_ACCEPT


def accepted_by(acceptor: Acceptor[TcpSocket]) -> TcpSocket:
    accepted = acceptor.accept()
    assert accepted is not None
    return accepted


def _ignored(error: BaseException | None) -> None: ...


class _Listener:
    """A listening socket, its acceptor and what the policy is to answer about a peer."""

    def __init__(self) -> None:
        self.answers: list[bool | Awaitable[bool]] = []
        self.asked: list[Address] = []
        self.tcp, self.socket = Guest(self._policy).bound()
        self.acceptor: Acceptor[TcpSocket] = at_once(self.tcp.listen())

    def _policy(self, address: Address, use: SocketAddressUse, context: PolicyContext) -> bool | Awaitable[bool]:
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
    accepted = accepted_by(listener.acceptor)
    assert accepted.remote_address() == PEER
    assert len(listener.socket.backlogged) == 1


@pytest.mark.parametrize("code", [errno.EBADF, errno.EINVAL])
def test_the_stream_ends_when_the_socket_listens_no_more(code: int) -> None:
    listener = _Listener()
    listener.socket.fails["accept"] = [OSError(code, "no listener")]
    assert listener.acceptor.accept() is None
    listener.acceptor.close()
    listener.tcp.close()
    assert listener.socket.closed == 1


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
def test_where_something_is_lacking_the_stream_tells_it_and_rests(code: int) -> None:
    async def main() -> Acceptor[TcpSocket]:
        listener = _Listener()
        listener.arrive()
        listener.socket.fails["accept"] = [OSError(code, os.strerror(code))]
        broken = accepted_by(listener.acceptor)
        assert cause_of(broken.remote_address) is not None
        with pytest.raises(BlockingIOError):
            listener.acceptor.accept()
        rested = asyncio.Event()
        listener.acceptor.wait_readable(rested.set)
        await rested.wait()
        accepted = accepted_by(listener.acceptor)
        assert accepted.remote_address() == PEER
        listener.socket.fails["accept"] = [OSError(code, os.strerror(code))]
        listener.acceptor.accept()
        return listener.acceptor

    loop = virtual_loop()
    acceptor = loop.run_until_complete(main())
    acceptor.close()  # a rest that nobody waits for
    loop.close()
    assert loop.time() >= REST_S


def test_the_policy_is_asked_about_the_peer() -> None:
    listener = _Listener()
    listener.arrive()
    listener.acceptor.accept()
    assert listener.asked == [PEER]


def test_without_a_connection_the_stream_waits() -> None:
    listener = _Listener()
    with pytest.raises(BlockingIOError):
        listener.acceptor.accept()
    calls: list[str] = []
    listener.acceptor.wait_readable(lambda: calls.append("called"))
    assert listener.socket.readable is not None
    listener.socket.readable()
    assert calls == ["called"]


def test_a_denied_peer_is_reset_and_never_seen() -> None:
    listener = _Listener()
    listener.answers = [False, True]
    stranger, friend = listener.arrive(), listener.arrive()
    accepted = accepted_by(listener.acceptor)
    accepted.close()
    assert (stranger.calls, friend.calls) == (["abort"], ["close"])


def test_a_flood_of_strangers_leaves_the_event_loop_its_turn() -> None:
    listener = _Listener()
    listener.answers = [False] * 100
    for _ in range(100):
        listener.arrive()
    with pytest.raises(BlockingIOError):
        listener.acceptor.accept()
    assert 0 < len(listener.socket.backlogged) < 100


async def test_a_failed_accept_gives_a_closed_socket_and_the_stream_goes_on() -> None:
    listener = _Listener()
    listener.socket.backlogged.append(OSError(errno.ECONNABORTED, ""))
    listener.arrive()
    closed = accepted_by(listener.acceptor)
    assert cause_of(lambda: closed.get_option(Option.HOP_LIMIT)) == errno.ECONNABORTED
    assert cause_of(lambda: closed.receive(_ignored)) == errno.ECONNABORTED
    closed.close()
    accepted = accepted_by(listener.acceptor)
    assert accepted.get_option(Option.HOP_LIMIT) == 1


# ---- a policy that takes time


@pytest.mark.parametrize("allowed", [True, False])
async def test_a_connection_waits_for_the_answer_of_the_policy(allowed: bool) -> None:
    listener = _Listener()
    answer, connection = listener.later(), listener.arrive()
    with pytest.raises(BlockingIOError):
        listener.acceptor.accept()
    called = asyncio.Event()
    listener.acceptor.wait_readable(called.set)
    answer.set_result(allowed)
    await called.wait()
    if allowed:
        accepted_by(listener.acceptor)
    else:
        with pytest.raises(BlockingIOError):
            listener.acceptor.accept()
    assert connection.calls == ([] if allowed else ["abort"])


async def test_no_further_connection_is_accepted_before_the_answer() -> None:
    listener = _Listener()
    listener.later(), listener.arrive(), listener.arrive()
    for _ in range(2):
        with pytest.raises(BlockingIOError):
            listener.acceptor.accept()
    assert len(listener.socket.backlogged) == 1
    listener.acceptor.close()


async def test_a_waiter_that_comes_after_the_answer_is_called() -> None:
    listener = _Listener()
    answer = listener.later()
    listener.arrive()
    with pytest.raises(BlockingIOError):
        listener.acceptor.accept()
    answer.set_result(True)
    called = asyncio.Event()
    listener.acceptor.wait_readable(called.set)
    await called.wait()


async def test_closing_while_the_policy_thinks_resets_the_connection_and_calls_nobody() -> None:
    listener = _Listener()
    answer, connection = listener.later(), listener.arrive()
    with pytest.raises(BlockingIOError):
        listener.acceptor.accept()
    called = asyncio.Event()
    listener.acceptor.wait_readable(called.set)
    listener.acceptor.close()
    await asyncio.sleep(0)
    assert (connection.calls, answer.cancelled(), called.is_set()) == (["abort"], True, False)


@pytest.mark.parametrize("at", ["once", "length"])
async def test_an_exception_of_the_policy_resets_the_connection_when_the_stream_ends(at: str) -> None:
    async def thinking() -> bool:
        raise LookupError("mine")

    def policy(address: Address, use: SocketAddressUse, context: PolicyContext) -> bool | Awaitable[bool]:
        if use is not ACCEPT:
            return True
        if at == "length":
            return thinking()
        raise LookupError("mine")

    connection = FakeSocket()
    tcp, socket = Guest(policy).bound()
    acceptor = listen(tcp)
    socket.backlogged.append(connection)
    with pytest.raises(LookupError, match="mine"):
        await _accept(acceptor)
    acceptor.close()
    assert connection.calls == ["abort"]


async def _accept(acceptor: Acceptor[TcpSocket]) -> None:
    try:
        acceptor.accept()
    except BlockingIOError:
        called = asyncio.Event()
        acceptor.wait_readable(called.set)
        await called.wait()
        acceptor.accept()


# ---- who keeps the listener


@pytest.mark.parametrize("first", ["handle", "stream"])
def test_handle_and_stream_keep_the_listener_together(first: str) -> None:
    listener = _Listener()

    def close() -> None:
        listener.acceptor.close()

    one, other = (listener.tcp.close, close) if first == "handle" else (close, listener.tcp.close)
    one()
    assert listener.socket.closed == 0
    other()
    assert listener.socket.closed == 1


def test_accepting_goes_on_after_the_handle_is_dropped() -> None:
    listener = _Listener()
    listener.tcp.close()
    listener.arrive()
    accepted_by(listener.acceptor)


def test_accepted_sockets_do_not_keep_the_listener() -> None:
    listener = _Listener()
    listener.arrive()
    listener.acceptor.accept()
    listener.tcp.close()
    listener.acceptor.close()
    assert listener.socket.closed == 1


def test_a_closed_stream_waits_no_more() -> None:
    listener = _Listener()
    listener.acceptor.wait_readable(lambda: None)
    listener.acceptor.close()
    assert listener.socket.readable is None


def test_any_function_is_a_policy() -> None:
    def policy(address: Address, use: SocketAddressUse, context: PolicyContext) -> bool:
        return use is not ACCEPT

    tcp, socket = Guest(policy).bound()
    acceptor = listen(tcp)
    socket.backlogged.append(FakeSocket())
    with pytest.raises(BlockingIOError):
        acceptor.accept()
