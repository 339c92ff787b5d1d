"""The resource `udp-socket`, on a fake network: the order of checks, the policy, errors."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

import pytest

from tests.unit.wasi.p3.sockets.fake_network import PEER, FakeDatagramSocket
from tests.unit.wasi.p3.sockets.setup import Asked, Guest, at_once, code_of, v4
from wasihost.component.values import WitError
from wasihost.network.base import Address
from wasihost.policy import Context, SocketAddressUse, allow_all
from wasihost.wasi.p3.sockets.addresses import AnyIpSocketAddress, IpAddressFamily, from_network
from wasihost.wasi.p3.sockets.errors import Code, ErrorCode
from wasihost.wasi.p3.sockets.udp import UdpSocket

BIND, SEND, RECEIVE = SocketAddressUse.UDP_BIND, SocketAddressUse.UDP_SEND, SocketAddressUse.UDP_RECEIVE
AT_PEER = from_network(PEER)
OTHER = v4(5000, (192, 0, 2, 8))
INVALID = [v4(0), v4(9, (0, 0, 0, 0)), from_network(Address(PEER.ip.__class__("0.0.0.0"), 0))]


def _sent(udp: UdpSocket, to: AnyIpSocketAddress | None = AT_PEER, data: bytes = b"x") -> None:
    """Sends without waiting."""
    later = udp.send(data, to)
    if later is not None:
        at_once(later)


# ---- create, bind


def test_no_such_family_is_not_supported() -> None:
    guest = Guest()
    guest.network.error = OSError(errno.EAFNOSUPPORT, "")
    assert code_of(guest.create_udp) == ErrorCode.NotSupported()


def test_the_family_is_what_it_was_made_with() -> None:
    guest = Guest()
    made = guest.types.UdpSocket.create(guest.types, IpAddressFamily.IPV6)
    assert made.get_address_family() is IpAddressFamily.IPV6


@pytest.mark.parametrize("ip", [(224, 0, 0, 1), (255, 255, 255, 255), (0, 0, 0, 0)])
def test_which_addresses_can_be_bound_is_left_to_the_system(ip: tuple[int, int, int, int]) -> None:
    udp, socket = Guest().create_udp()
    at_once(udp.bind(v4(0, ip)))
    assert socket.calls[0] == "bind"


def test_bind_of_the_other_family_is_an_invalid_argument_and_asks_nobody() -> None:
    policy = Asked(BIND)
    guest = Guest(policy)
    udp = guest.types.UdpSocket.create(guest.types, IpAddressFamily.IPV6)
    assert code_of(lambda: at_once(udp.bind(v4(0)))) == ErrorCode.InvalidArgument()
    assert policy.questions == []


def test_a_refused_bind_makes_no_system_call() -> None:
    udp, socket = Guest(Asked()).create_udp()
    assert code_of(lambda: at_once(udp.bind(v4(1)))) == ErrorCode.AccessDenied()
    assert socket.calls == []


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.EADDRINUSE, ErrorCode.AddressInUse()), (errno.EADDRNOTAVAIL, ErrorCode.AddressNotBindable())],
)
def test_a_bind_that_fails_changes_nothing(number: int, code: Code) -> None:
    udp, socket = Guest().create_udp()
    socket.fails["bind"] = [OSError(number, "")]
    assert code_of(lambda: at_once(udp.bind(v4(1)))) == code
    assert code_of(udp.get_local_address) == ErrorCode.InvalidState()
    at_once(udp.bind(v4(1)))


# ---- connect, disconnect


@pytest.mark.parametrize("address", INVALID)
def test_nobody_can_connect_or_send_to_zero(address: AnyIpSocketAddress) -> None:
    for udp, socket in (Guest().create_udp(), Guest().bound_udp(), Guest().connected_udp()):
        calls = list(socket.calls)
        assert code_of(lambda: at_once(udp.connect(address))) == ErrorCode.InvalidArgument()  # noqa: B023
        assert code_of(lambda: udp.send(b"x", address)) == ErrorCode.InvalidArgument()  # noqa: B023
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
    assert code_of(lambda: at_once(udp.connect(AT_PEER))) == ErrorCode.AccessDenied()
    assert socket.calls == []


def test_who_may_only_receive_from_its_peer_cannot_send_to_it() -> None:
    udp, socket = Guest(Asked(BIND, RECEIVE)).connected_udp()
    assert code_of(lambda: _sent(udp, None)) == ErrorCode.AccessDenied()
    assert socket.sent == []


def test_a_failed_reconnect_keeps_the_peer() -> None:
    udp, socket = Guest().connected_udp()
    socket.fails["connect"] = [OSError(errno.ENETUNREACH, "")]
    assert code_of(lambda: at_once(udp.connect(OTHER))) == ErrorCode.RemoteUnreachable()
    _sent(udp, AT_PEER)
    assert socket.sent == [(b"x", None)]


def test_after_disconnect_there_is_no_peer() -> None:
    udp, socket = Guest().connected_udp()
    udp.disconnect()
    assert code_of(udp.get_remote_address) == ErrorCode.InvalidState()
    assert code_of(lambda: _sent(udp, None)) == ErrorCode.InvalidArgument()
    _sent(udp, OTHER)
    assert socket.calls[-2:] == ["disconnect", "send_to"]


def test_a_disconnect_that_fails_changes_nothing() -> None:
    udp, socket = Guest().connected_udp()
    socket.fails["disconnect"] = [OSError(errno.EADDRINUSE, "")]
    assert code_of(udp.disconnect) == ErrorCode.AddressInUse()
    assert udp.get_remote_address() == AT_PEER


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
    assert code_of(lambda: udp.send(b"x", OTHER)) == ErrorCode.InvalidArgument()
    assert socket.sent == []


@pytest.mark.parametrize("make", [Guest.create_udp, Guest.bound_udp])
def test_without_a_peer_an_address_is_needed(make: Callable[[Guest], tuple[UdpSocket, FakeDatagramSocket]]) -> None:
    udp, socket = make(Guest())
    assert code_of(lambda: udp.send(b"x", None)) == ErrorCode.InvalidArgument()
    assert "send_to" not in socket.calls


def test_the_first_send_binds_and_asks_about_that() -> None:
    policy = Asked(BIND, SEND)
    udp, socket = Guest(policy).create_udp()
    _sent(udp)
    assert policy.questions == [(str(PEER), SEND), ("0.0.0.0:0", BIND)]
    assert socket.calls == ["bind", "local_address", "send_to"]
    assert udp.get_local_address() == v4(50000, (0, 0, 0, 0))


@pytest.mark.parametrize("allowed", [(), (SEND,), (BIND,)])
def test_a_refused_send_makes_no_system_call(allowed: tuple[SocketAddressUse, ...]) -> None:
    udp, socket = Guest(Asked(*allowed)).create_udp()
    assert code_of(lambda: _sent(udp)) == ErrorCode.AccessDenied()
    assert socket.calls == []


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.EMSGSIZE, ErrorCode.DatagramTooLarge()),
        (errno.ECONNREFUSED, ErrorCode.ConnectionRefused()),
        (errno.ENETUNREACH, ErrorCode.RemoteUnreachable()),
        (errno.EHOSTUNREACH, ErrorCode.RemoteUnreachable()),
        (errno.EACCES, ErrorCode.AccessDenied()),
        (errno.ENOBUFS, ErrorCode.OutOfMemory()),
    ],
)
def test_errors_of_sending_are_told(number: int, code: Code) -> None:
    udp, socket = Guest().bound_udp()
    socket.fails["send_to"] = [OSError(number, "")]
    assert code_of(lambda: _sent(udp)) == code


def test_no_free_port_for_the_implicit_bind_is_address_in_use() -> None:
    for call in (_sent, lambda udp: at_once(udp.connect(AT_PEER))):
        udp, socket = Guest().create_udp()
        socket.fails["bind"] = [OSError(errno.EADDRINUSE, "")]
        assert code_of(lambda: call(udp)) == ErrorCode.AddressInUse()  # noqa: B023


async def test_a_send_waits_for_room_and_others_wait_behind_it() -> None:
    udp, socket = Guest().bound_udp()
    socket.room = 0
    sends = [asyncio.ensure_future(_coroutine(udp.send(bytes([i]), AT_PEER))) for i in range(3)]
    for i in range(3):
        await _passes()
        assert [send.done() for send in sends] == [j < i for j in range(3)]
        socket.make_room()
    await asyncio.gather(*sends)
    assert [data for data, _ in socket.sent] == [b"\0", b"\1", b"\2"]


async def test_a_cancelled_send_sends_nothing_and_holds_nobody_up() -> None:
    udp, socket = Guest().bound_udp()
    socket.room = 0
    given_up = asyncio.ensure_future(_coroutine(udp.send(b"1", AT_PEER)))
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
    sending = asyncio.ensure_future(_coroutine(udp.send(b"for the first", None)))
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
    receiving = asyncio.ensure_future(_coroutine(udp.receive()))
    await _passes()
    assert not receiving.done()
    socket.arrive((b"late", PEER))
    assert await receiving == (b"late", AT_PEER)


async def test_a_policy_is_asked_about_a_datagram_in_the_context_of_the_receive_that_gets_it() -> None:
    request: ContextVar[int] = ContextVar("request")
    seen: list[int] = []

    def policy(address: Address, use: SocketAddressUse, context: Context) -> bool:
        if use is RECEIVE:
            seen.append(request.get())
        return True

    async def receive(number: int) -> Any:
        request.set(number)
        return await _coroutine(udp.receive())

    udp, socket = Guest(policy).bound_udp()
    receiving = [asyncio.create_task(receive(number)) for number in range(3)]
    await _passes()
    for _ in receiving:
        socket.arrive((b"data", PEER))
    await asyncio.gather(*receiving)
    assert seen == [0, 1, 2]


@pytest.mark.parametrize("waiting", [False, True])
async def test_errors_of_receiving_are_told(waiting: bool) -> None:
    udp, socket = Guest().connected_udp()
    error = OSError(errno.ECONNREFUSED, "")
    if not waiting:
        socket.incoming.append(error)
        assert code_of(udp.receive) == ErrorCode.ConnectionRefused()
        return
    receiving = asyncio.ensure_future(_coroutine(udp.receive()))
    await _passes()
    socket.arrive(error)
    with pytest.raises(WitError) as caught:
        await receiving
    assert caught.value.value == ErrorCode.ConnectionRefused()


# ---- a policy that takes time


async def test_a_policy_may_take_time_everywhere() -> None:
    async def policy(address: Address, use: SocketAddressUse, context: Context) -> bool:
        await asyncio.sleep(0)
        return True

    udp, socket = Guest(policy).create_udp()
    await asyncio.gather(*(_coroutine(udp.send(bytes([i]), AT_PEER)) for i in range(3)))
    assert socket.calls.count("bind") == 1
    await udp.connect(AT_PEER)
    socket.incoming.append((b"data", PEER))
    assert await _coroutine(udp.receive()) == (b"data", AT_PEER)
    assert len(socket.sent) == 3


async def test_a_policy_that_refuses_after_some_time_refuses() -> None:
    async def policy(address: Address, use: SocketAddressUse, context: Context) -> bool:
        return use is BIND

    udp, socket = Guest(policy).create_udp()
    calls: list[Callable[[], Any]] = [lambda: udp.send(b"x", AT_PEER), lambda: udp.connect(AT_PEER)]
    for call in calls:
        with pytest.raises(WitError) as caught:
            await _coroutine(call())
        assert caught.value.value == ErrorCode.AccessDenied()
    assert socket.calls == []


@pytest.mark.parametrize("use", [BIND, SEND, RECEIVE])
async def test_what_a_policy_raises_comes_out(use: SocketAddressUse) -> None:
    def policy(address: Address, asked: SocketAddressUse, context: Context) -> bool | Awaitable[bool]:
        if asked is use:
            raise LookupError("mine")
        return True

    udp, socket = Guest(policy).create_udp()
    socket.incoming.append((b"data", PEER))

    async def echo() -> None:
        await _coroutine(udp.send(b"x", AT_PEER))
        udp.receive()

    with pytest.raises(LookupError, match="mine"):
        await echo()


# ---- options


@pytest.mark.parametrize("name", ["unicast_hop_limit", "receive_buffer_size", "send_buffer_size"])
def test_zero_is_an_invalid_argument(name: str) -> None:
    udp, socket = Guest().create_udp()
    assert code_of(lambda: getattr(udp, f"set_{name}")(0)) == ErrorCode.InvalidArgument()
    assert socket.calls == []
    getattr(udp, f"set_{name}")(7)
    assert getattr(udp, f"get_{name}")() == 7


def test_buffer_sizes_are_clamped_to_an_int() -> None:
    udp, _ = Guest(allow_all).create_udp()
    udp.set_send_buffer_size((1 << 64) - 1)
    assert udp.get_send_buffer_size() == (1 << 31) - 1


def test_an_option_that_the_network_does_not_have_is_not_supported() -> None:
    udp, socket = Guest().create_udp()
    socket.fails = {"get_option": [OSError(errno.ENOPROTOOPT, "")]}
    assert code_of(udp.get_unicast_hop_limit) == ErrorCode.NotSupported()


async def _coroutine(result: Any) -> Any:
    """What a function that is async in the WIT gives, at once or later."""
    return await result if isinstance(result, Awaitable) else result


async def _passes(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)
