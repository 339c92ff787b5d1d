"""The resource `udp-socket`, on a fake network: the order of checks, the policy, errors."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.unit.wasi.sockets.fake_network import PEER, FakeDatagramSocket
from tests.unit.wasi.sockets.setup import FAILURES, Asked, Guest, at_once, cause_in, cause_of, received, v4, waited
from wasihost._network.base import Address
from wasihost._policy import PolicyContext, SocketAddressUse
from wasihost._wasi.failures import Reason
from wasihost._wasi.sockets.udp import UdpSocket

BIND, SEND, RECEIVE = SocketAddressUse.UDP_BIND, SocketAddressUse.UDP_SEND, SocketAddressUse.UDP_RECEIVE
AT_PEER = PEER
OTHER = v4(5000, (192, 0, 2, 8))
INVALID = [v4(0), v4(9, (0, 0, 0, 0)), v4(0, (0, 0, 0, 0))]


def _sent(udp: UdpSocket, to: Address | None = AT_PEER, data: bytes = b"x") -> None:
    """Sends without waiting."""
    at_once(udp.send(data, to))


# ---- create, bind


def test_no_such_family_is_not_supported() -> None:
    guest = Guest()
    guest.network.error = OSError(errno.EAFNOSUPPORT, "")
    assert cause_of(guest.create_udp) == Reason.NOT_SUPPORTED


def test_the_family_is_what_it_was_made_with() -> None:
    guest = Guest()
    made = UdpSocket.create(guest.access, 6)
    assert made.family == 6


@pytest.mark.parametrize("ip", [(224, 0, 0, 1), (255, 255, 255, 255), (0, 0, 0, 0)])
def test_which_addresses_can_be_bound_is_left_to_the_system(ip: tuple[int, int, int, int]) -> None:
    udp, socket = Guest().create_udp()
    at_once(udp.bind(v4(0, ip)))
    assert socket.calls[0] == "bind"


def test_bind_of_the_other_family_is_an_invalid_argument_and_asks_nobody() -> None:
    policy = Asked(BIND)
    guest = Guest(policy)
    udp = UdpSocket.create(guest.access, 6)
    assert cause_of(lambda: at_once(udp.bind(v4(0)))) == Reason.INVALID_ARGUMENT
    assert policy.questions == []


def test_a_refused_bind_makes_no_system_call() -> None:
    udp, socket = Guest(Asked()).create_udp()
    assert cause_of(lambda: at_once(udp.bind(v4(1)))) == errno.EACCES
    assert socket.calls == []


@pytest.mark.parametrize("number", [errno.EADDRINUSE, errno.EADDRNOTAVAIL])
def test_a_bind_that_fails_changes_nothing(number: int) -> None:
    udp, socket = Guest().create_udp()
    socket.fails["bind"] = [OSError(number, "")]
    assert cause_of(lambda: at_once(udp.bind(v4(1)))) == number
    assert cause_of(udp.local_address) == Reason.INVALID_STATE
    at_once(udp.bind(v4(1)))


# ---- connect, disconnect


@pytest.mark.parametrize("address", INVALID)
def test_nobody_can_connect_or_send_to_zero(address: Address) -> None:
    for udp, socket in (Guest().create_udp(), Guest().bound_udp(), Guest().connected_udp()):
        calls = list(socket.calls)
        assert cause_of(lambda: at_once(udp.connect(address))) == Reason.INVALID_ARGUMENT  # noqa: B023
        assert cause_of(lambda: udp.send(b"x", address)) == Reason.INVALID_ARGUMENT  # noqa: B023
        assert socket.calls == calls


def test_connect_asks_about_the_peer_and_for_the_implicit_bind() -> None:
    policy = Asked(BIND, SEND)
    udp, _ = Guest(policy).create_udp()
    at_once(udp.connect(AT_PEER))
    assert policy.questions == [(str(PEER), SEND), ("0.0.0.0:0", BIND)]


@pytest.mark.parametrize("use", [SEND, RECEIVE])
def test_one_of_send_and_receive_is_enough_to_connect(use: SocketAddressUse) -> None:
    udp, socket = Guest(Asked(BIND, use)).create_udp()
    at_once(udp.connect(AT_PEER))
    assert socket.calls == ["bind", "local_address", "connect"]


@pytest.mark.parametrize("allowed", [(), (SEND, RECEIVE), (BIND,)])
def test_a_refused_connect_is_access_denied_before_any_system_call(allowed: tuple[SocketAddressUse, ...]) -> None:
    udp, socket = Guest(Asked(*allowed)).create_udp()
    assert cause_of(lambda: at_once(udp.connect(AT_PEER))) == errno.EACCES
    assert socket.calls == []


def test_who_may_only_receive_from_its_peer_cannot_send_to_it() -> None:
    udp, socket = Guest(Asked(BIND, RECEIVE)).connected_udp()
    assert cause_of(lambda: _sent(udp, None)) == errno.EACCES
    assert socket.sent == []


def test_a_failed_reconnect_keeps_the_peer() -> None:
    udp, socket = Guest().connected_udp()
    socket.fails["connect"] = [OSError(errno.ENETUNREACH, "")]
    assert cause_of(lambda: at_once(udp.connect(OTHER))) == errno.ENETUNREACH
    _sent(udp, AT_PEER)
    assert socket.sent == [(b"x", None)]


def test_after_disconnect_there_is_no_peer() -> None:
    udp, socket = Guest().connected_udp()
    udp.disconnect()
    assert cause_of(udp.remote_address) == Reason.INVALID_STATE
    assert cause_of(lambda: _sent(udp, None)) == Reason.INVALID_ARGUMENT
    _sent(udp, OTHER)
    assert socket.calls[-2:] == ["disconnect", "send_to"]


def test_a_disconnect_that_fails_changes_nothing() -> None:
    udp, socket = Guest().connected_udp()
    socket.fails["disconnect"] = [OSError(errno.EADDRINUSE, "")]
    assert cause_of(udp.disconnect) == errno.EADDRINUSE
    assert udp.remote_address() == AT_PEER


# ---- send


def test_a_datagram_goes_at_once() -> None:
    udp, socket = Guest().bound_udp()
    assert udp.send(b"data", AT_PEER) is None
    assert socket.sent == [(b"data", PEER)]


def test_a_connected_socket_sends_to_its_peer_with_or_without_its_address() -> None:
    udp, socket = Guest().connected_udp()
    _sent(udp, None, b"1")
    _sent(udp, AT_PEER, b"2")
    assert socket.sent == [(b"1", None), (b"2", None)]


def test_a_connected_socket_sends_to_nobody_else() -> None:
    udp, socket = Guest().connected_udp()
    assert cause_of(lambda: udp.send(b"x", OTHER)) == Reason.INVALID_ARGUMENT
    assert socket.sent == []


@pytest.mark.parametrize("make", [Guest.create_udp, Guest.bound_udp])
def test_without_a_peer_an_address_is_needed(make: Callable[[Guest], tuple[UdpSocket, FakeDatagramSocket]]) -> None:
    udp, socket = make(Guest())
    assert cause_of(lambda: udp.send(b"x", None)) == Reason.INVALID_ARGUMENT
    assert "send_to" not in socket.calls


def test_the_first_send_binds_and_asks_about_that() -> None:
    policy = Asked(BIND, SEND)
    udp, socket = Guest(policy).create_udp()
    _sent(udp)
    assert policy.questions == [(str(PEER), SEND), ("0.0.0.0:0", BIND)]
    assert socket.calls == ["bind", "local_address", "send_to"]
    assert udp.local_address() == v4(50000, (0, 0, 0, 0))


@pytest.mark.parametrize("allowed", [(), (SEND,), (BIND,)])
def test_a_refused_send_makes_no_system_call(allowed: tuple[SocketAddressUse, ...]) -> None:
    udp, socket = Guest(Asked(*allowed)).create_udp()
    assert cause_of(lambda: _sent(udp)) == errno.EACCES
    assert socket.calls == []


@pytest.mark.parametrize(
    "number", [errno.EMSGSIZE, errno.ECONNREFUSED, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EACCES, errno.ENOBUFS]
)
def test_errors_of_sending_are_reported(number: int) -> None:
    udp, socket = Guest().bound_udp()
    socket.fails["send_to"] = [OSError(number, "")]
    assert cause_of(lambda: _sent(udp)) == number


def test_no_free_port_for_the_implicit_bind_is_address_in_use() -> None:
    for call in (_sent, lambda udp: at_once(udp.connect(AT_PEER))):
        udp, socket = Guest().create_udp()
        socket.fails["bind"] = [OSError(errno.EADDRINUSE, "")]
        assert cause_of(lambda: call(udp)) == errno.EADDRINUSE  # noqa: B023


async def test_a_send_waits_for_room_and_others_wait_behind_it() -> None:
    udp, socket = Guest().bound_udp()
    socket.room = 0
    sends = [asyncio.ensure_future(waited(udp.send(bytes([i]), AT_PEER))) for i in range(3)]
    for i in range(3):
        await _passes()
        assert [send.done() for send in sends] == [j < i for j in range(3)]
        socket.make_room()
    await asyncio.gather(*sends)
    assert [data for data, _ in socket.sent] == [b"\0", b"\1", b"\2"]


async def test_a_cancelled_send_sends_nothing_and_holds_nobody_up() -> None:
    udp, socket = Guest().bound_udp()
    socket.room = 0
    given_up = asyncio.ensure_future(waited(udp.send(b"1", AT_PEER)))
    await _passes()
    given_up.cancel()
    await asyncio.wait([given_up])
    assert socket.writable is None
    socket.room = 1
    assert udp.send(b"2", AT_PEER) is None
    assert socket.sent == [(b"2", PEER)]


async def test_a_send_that_waits_goes_where_the_policy_was_asked_about() -> None:
    asked = Asked(BIND, SEND)
    udp, socket = Guest(asked).connected_udp()
    socket.room = 0
    sending = asyncio.ensure_future(waited(udp.send(b"for the first", None)))
    await _passes()
    at_once(udp.connect(OTHER))
    socket.make_room()
    await sending
    assert socket.sent == [(b"for the first", PEER)]


# ---- receive


def test_a_datagram_that_is_there_comes_at_once() -> None:
    udp, socket = Guest().bound_udp()
    socket.incoming.append((b"data", PEER))
    assert udp.receive() == (b"data", AT_PEER)


async def test_a_receive_waits_for_a_datagram() -> None:
    udp, socket = Guest().bound_udp()
    receiving = asyncio.ensure_future(received(udp))
    await _passes()
    assert not receiving.done()
    socket.arrive((b"late", PEER))
    assert await receiving == (b"late", AT_PEER)


@pytest.mark.parametrize("waiting", [False, True])
async def test_errors_of_receiving_are_reported(waiting: bool) -> None:
    udp, socket = Guest().connected_udp()
    error = OSError(errno.ECONNREFUSED, "")
    if not waiting:
        socket.incoming.append(error)
        assert cause_of(udp.receive) == errno.ECONNREFUSED
        return
    receiving = asyncio.ensure_future(received(udp))
    await _passes()
    socket.arrive(error)
    with pytest.raises(FAILURES) as caught:
        await receiving
    assert cause_in(caught.value) == errno.ECONNREFUSED


# ---- a policy that takes time


async def test_a_policy_may_take_time_everywhere() -> None:
    async def policy(address: Address, use: SocketAddressUse, context: PolicyContext) -> bool:
        await asyncio.sleep(0)
        return True

    udp, socket = Guest(policy).create_udp()
    await asyncio.gather(*(waited(udp.send(bytes([i]), AT_PEER)) for i in range(3)))
    assert socket.calls.count("bind") == 1
    await waited(udp.connect(AT_PEER))
    socket.incoming.append((b"data", PEER))
    assert await received(udp) == (b"data", AT_PEER)
    assert len(socket.sent) == 3


async def test_a_policy_that_refuses_after_some_time_refuses() -> None:
    async def policy(address: Address, use: SocketAddressUse, context: PolicyContext) -> bool:
        return use is BIND

    udp, socket = Guest(policy).create_udp()
    calls: list[Callable[[], Any]] = [lambda: udp.send(b"x", AT_PEER), lambda: udp.connect(AT_PEER)]
    for call in calls:
        with pytest.raises(FAILURES) as caught:
            await waited(call())
        assert cause_in(caught.value) == errno.EACCES
    assert socket.calls == []


@pytest.mark.parametrize("use", [BIND, SEND, RECEIVE])
async def test_what_a_policy_raises_comes_out(use: SocketAddressUse) -> None:
    def policy(address: Address, asked: SocketAddressUse, context: PolicyContext) -> bool | Awaitable[bool]:
        if asked is use:
            raise LookupError("mine")
        return True

    udp, socket = Guest(policy).create_udp()
    socket.incoming.append((b"data", PEER))

    async def echo() -> None:
        await waited(udp.send(b"x", AT_PEER))
        udp.receive()

    with pytest.raises(LookupError, match="mine"):
        await echo()


async def _passes(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)
