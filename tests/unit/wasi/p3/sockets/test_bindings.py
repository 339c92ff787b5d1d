"""What `tcp-socket` and `udp-socket` make of a core: addresses in WIT's form, error-codes, streams of resources."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.unit.wasi.p3.sockets.setup import Guest, at_once, code_of, over, v4, waiting
from tests.unit.wasi.sockets.fake_network import BLOCKED, PEER, FakeSocket
from wasihost._component.values import Err, WitError
from wasihost._network.base import Address
from wasihost._policy import PolicyContext, SocketAddressUse, deny_all
from wasihost._wasi.common.addresses import IpAddressFamily, from_network
from wasihost._wasi.p3.sockets.errors import ErrorCode

AT_PEER = from_network(PEER)
IN_USE = OSError(errno.EADDRINUSE, "in use")


def test_addresses_and_families_are_of_the_wit() -> None:
    guest = Guest()
    tcp, udp = guest.connected()[0], guest.connected_udp()[0]
    assert (tcp.get_remote_address(), udp.get_remote_address()) == (AT_PEER, AT_PEER)
    assert (guest.bound()[0].get_local_address(), guest.bound_udp()[0].get_local_address()) == (v4(50000), v4(50000))
    assert (tcp.get_address_family(), udp.get_address_family()) == (IpAddressFamily.IPV4, IpAddressFamily.IPV4)
    assert guest.types.TcpSocket.create(guest.types, IpAddressFamily.IPV6).get_address_family() is IpAddressFamily.IPV6
    assert guest.types.UdpSocket.create(guest.types, IpAddressFamily.IPV6).get_address_family() is IpAddressFamily.IPV6
    assert (tcp.get_is_listening(), guest.listening()[0].get_is_listening()) == (False, True)


CREATES: list[Callable[[Guest], tuple[Any, Any]]] = [Guest.create, Guest.create_udp]


@pytest.mark.parametrize("create", CREATES)
@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.EAFNOSUPPORT, ErrorCode.NotSupported()),
        (errno.EACCES, ErrorCode.AccessDenied()),
        (errno.ENOBUFS, ErrorCode.OutOfMemory()),
    ],
)
def test_create_gives_an_error_code(create: Callable[[Guest], tuple[Any, Any]], number: int, code: object) -> None:
    guest = Guest()
    guest.network.error = OSError(number, "")
    assert code_of(lambda: create(guest)) == code


BOUND: list[Callable[[Guest], tuple[Any, Any]]] = [Guest.bound, Guest.bound_udp]


@pytest.mark.parametrize("bound", BOUND)
def test_what_a_core_refuses_is_an_error_code(bound: Callable[[Guest], tuple[Any, Any]]) -> None:
    made, _ = bound(Guest())
    assert code_of(lambda: at_once(made.bind(v4(1)))) == ErrorCode.InvalidState()
    assert code_of(lambda: over(made.connect(v4(0)))) == ErrorCode.InvalidArgument()


@pytest.mark.parametrize("bound", BOUND)
def test_what_the_network_fails_with_is_an_error_code(bound: Callable[[Guest], tuple[Any, Any]]) -> None:
    made, socket = bound(Guest())
    socket.fails["local_address"] = [IN_USE]
    assert code_of(made.get_local_address) == ErrorCode.AddressInUse()


@pytest.mark.parametrize("create", CREATES)
def test_what_the_policy_refuses_is_access_denied(create: Callable[[Guest], tuple[Any, Any]]) -> None:
    made, _ = create(Guest(deny_all))
    assert code_of(lambda: at_once(made.bind(v4(1)))) == ErrorCode.AccessDenied()
    assert code_of(lambda: over(made.connect(v4(1)))) == ErrorCode.AccessDenied()


async def test_what_takes_time_fails_with_an_error_code_too() -> None:
    async def policy(address: Address, use: SocketAddressUse, context: PolicyContext) -> bool:
        await asyncio.sleep(0)
        return False

    tcp, udp = Guest(policy).create()[0], Guest(policy).create_udp()[0]
    calls: list[Callable[[], Any]] = [
        lambda: tcp.bind(v4(1)),
        tcp.listen,
        lambda: tcp.connect(v4(1)),
        lambda: udp.bind(v4(1)),
        lambda: udp.connect(v4(1)),
        lambda: udp.send(b"x", v4(1)),
    ]
    for call in calls:
        with pytest.raises(WitError) as caught:
            await call()
        assert caught.value.value == ErrorCode.AccessDenied()


async def test_a_connect_that_the_network_refuses_later_is_an_error_code() -> None:
    tcp, socket = Guest().create()
    socket.fails["finish_connect"] = [BLOCKED, ConnectionRefusedError(errno.ECONNREFUSED, "")]
    call = asyncio.ensure_future(waiting(tcp.connect(v4(80))))
    await asyncio.sleep(0)
    assert socket.writable is not None
    socket.writable()
    with pytest.raises(WitError) as caught:
        await call
    assert caught.value.value == ErrorCode.ConnectionRefused()


def test_a_backlog_that_the_platform_refuses_while_listening_is_not_supported() -> None:
    tcp, socket = Guest().listening()
    socket.fails["listen"] = [OSError(errno.EINVAL, "")]
    assert code_of(lambda: tcp.set_listen_backlog_size(5)) == ErrorCode.NotSupported()
    assert code_of(lambda: tcp.set_listen_backlog_size(0)) == ErrorCode.InvalidArgument()


# ---- the stream of `listen`


async def test_the_stream_of_listen_gives_one_resource_for_each_connection() -> None:
    tcp, socket = Guest().bound()
    stream = at_once(tcp.listen())
    with pytest.raises(BlockingIOError):
        stream.read()
    socket.backlogged.extend([FakeSocket(), OSError(errno.ECONNABORTED, ""), FakeSocket()])
    [first], [failed], [second] = stream.read(), stream.read(), stream.read()
    assert first.get_remote_address() == second.get_remote_address() == AT_PEER
    assert code_of(failed.get_hop_limit) == ErrorCode.ConnectionAborted()
    assert failed.receive()[1].result() == Err(ErrorCode.ConnectionAborted())
    stream.close(None)


def test_the_stream_ends_when_the_socket_listens_no_more() -> None:
    tcp, socket = Guest().bound()
    stream = at_once(tcp.listen())
    socket.fails["accept"] = [OSError(errno.EBADF, "no listener")]
    assert list(stream.read()) == []
    stream.close(None)
    tcp.drop()
    assert socket.closed == 1


def test_a_stream_that_waits_is_called_back_by_the_network() -> None:
    tcp, socket = Guest().bound()
    stream = at_once(tcp.listen())
    calls: list[str] = []
    stream.wait_readable(lambda: calls.append("called"))
    assert socket.readable is not None
    socket.readable()
    assert calls == ["called"]
    stream.close(None)
    assert socket.readable is None


# ---- datagrams


def test_a_datagram_that_is_there_comes_with_an_address_of_the_wit() -> None:
    udp, socket = Guest().bound_udp()
    socket.incoming.append((b"data", PEER))
    assert udp.receive() == (b"data", AT_PEER)


@pytest.mark.parametrize("waits", [False, True])
async def test_errors_of_receiving_are_error_codes(waits: bool) -> None:
    udp, socket = Guest().connected_udp()
    error = OSError(errno.ECONNREFUSED, "")
    if not waits:
        socket.incoming.append(error)
        assert code_of(udp.receive) == ErrorCode.ConnectionRefused()
        return
    receiving = udp.receive()
    assert isinstance(receiving, Awaitable)
    socket.arrive(error)
    with pytest.raises(WitError) as caught:
        await receiving
    assert caught.value.value == ErrorCode.ConnectionRefused()


def test_an_option_that_the_network_does_not_have_is_not_supported() -> None:
    udp, socket = Guest().create_udp()
    socket.fails = {"get_option": [OSError(errno.ENOPROTOOPT, "")]}
    assert code_of(udp.get_unicast_hop_limit) == ErrorCode.NotSupported()


@pytest.mark.parametrize("name", ["unicast_hop_limit", "receive_buffer_size", "send_buffer_size"])
def test_each_option_of_udp_is_read_back(name: str) -> None:
    udp, _ = Guest().create_udp()
    getattr(udp, f"set_{name}")(7)
    assert getattr(udp, f"get_{name}")() == 7
