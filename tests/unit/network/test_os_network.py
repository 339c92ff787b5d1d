"""The operating system's sockets, over loopback: what only they have; the rest is in `test_conformance`."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import pytest

from tests.unit.network.loopback import LOOPBACK, NO_IPV6, both_families, until
from wasihost._network.base import Address, Family, Option, Socket
from wasihost._network.os import OsNetwork
from wasihost._network.os import tcp as os_tcp
from wasihost._network.os.endpoint import from_os
from wasihost._network.os.share import Share
from wasihost._network.os.tcp import OsSocket


class Sockets:
    """Makes sockets and closes them all at the end."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack

    def own(self, made: Socket) -> OsSocket:
        self._stack.callback(made.close)
        assert isinstance(made, OsSocket)
        return made

    def create(self, family: Family) -> OsSocket:
        return self.own(OsNetwork().tcp_socket(family))

    def listener(self, family: Family) -> OsSocket:
        listener = self.create(family)
        listener.bind(LOOPBACK[family])
        listener.listen(16)
        return listener

    async def pair(self, family: Family) -> tuple[OsSocket, OsSocket]:
        listener, client = self.listener(family), self.create(family)
        client.connect(listener.local_address())
        await until(client.finish_connect, client.wait_writable)
        accepted, _ = await until(listener.accept, listener.wait_readable)
        return client, self.own(accepted)


async def _received(end: OsSocket) -> bytes:
    view = memoryview(bytearray(64))
    n = await until(lambda: end.recv_into(view), end.wait_readable)
    return bytes(view[:n])


@pytest.fixture
def sockets() -> Iterator[Sockets]:
    with contextlib.ExitStack() as stack:
        yield Sockets(stack)


# ---- life


def test_an_ipv6_socket_carries_ipv6_only(sockets: Sockets) -> None:
    if NO_IPV6:
        pytest.skip(NO_IPV6)
    made = sockets.create(6)
    assert made._socket.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)


@both_families
def test_sockets_are_not_inherited_by_programs_that_the_embedder_starts(sockets: Sockets, family: Family) -> None:
    assert not sockets.create(family)._socket.get_inheritable()


# ---- ports


@pytest.mark.parametrize("number", [errno.EADDRNOTAVAIL, errno.EAGAIN])
def test_no_free_port_in_connect_is_address_in_use(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    with pytest.raises(OSError, match=rf"Errno {errno.EADDRINUSE}\b"):
        _Scripted.answering(connect_ex=number).connect(LOOPBACK[4])


# ---- quirks of platforms


class _Scripted(socket.socket):
    """A socket of the system whose calls give what the test says."""

    answers: dict[str, Any]

    @classmethod
    def answering(cls, **answers: Any) -> OsSocket:
        with cls() as scripted:
            scripted.answers = answers
        return OsSocket(scripted, 4, Share())

    def connect_ex(self, address: Any) -> int:
        code: int = self.answers["connect_ex"]
        return code

    def accept(self) -> tuple[socket.socket, Any]:
        raise self.answers["accept"]

    def setsockopt(self, *arguments: Any) -> None:
        raise self.answers["setsockopt"]


@pytest.mark.parametrize(
    "name",
    "ECONNRESET ENETRESET EHOSTUNREACH EHOSTDOWN ENETDOWN ENETUNREACH EPROTO ENOPROTOOPT ENONET EOPNOTSUPP".split(),
)
def test_network_errors_of_accept_are_connection_aborted(name: str) -> None:
    if not hasattr(errno, name):
        pytest.skip(f"this platform has no {name}")
    with pytest.raises(ConnectionAbortedError):
        _Scripted.answering(accept=OSError(getattr(errno, name), "")).accept()


def test_errors_of_the_listener_itself_stay_what_they_are() -> None:
    with pytest.raises(OSError, match=rf"Errno {errno.EMFILE}\b"):
        _Scripted.answering(accept=OSError(errno.EMFILE, "")).accept()


@pytest.mark.parametrize("option", [Option.RECEIVE_BUFFER_BYTES, Option.SEND_BUFFER_BYTES])
def test_a_buffer_that_is_too_large_for_the_system_is_no_error(option: Option) -> None:
    _Scripted.answering(setsockopt=OSError(errno.ENOBUFS, "")).set_option(option, 1)


def test_other_options_may_fail() -> None:
    with pytest.raises(OSError, match=rf"Errno {errno.ENOBUFS}\b"):
        _Scripted.answering(setsockopt=OSError(errno.ENOBUFS, "")).set_option(Option.HOP_LIMIT, 1)


async def test_options_that_the_system_does_not_inherit_are_set_again(
    sockets: Sockets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os_tcp._NOT_INHERITED, 4, (Option.HOP_LIMIT,))
    listener, client = sockets.listener(4), sockets.create(4)
    listener.set_option(Option.HOP_LIMIT, 42)
    assert listener._set_on_listener == {Option.HOP_LIMIT: 42}
    client.connect(listener.local_address())
    accepted, _ = await until(listener.accept, listener.wait_readable)
    assert sockets.own(accepted)._set_on_listener == {Option.HOP_LIMIT: 42}


# ---- options


def test_flow_info_of_any_size_is_taken(sockets: Sockets) -> None:
    if NO_IPV6:
        pytest.skip(NO_IPV6)
    made = sockets.create(6)
    made.bind(Address(ip_address("::1"), 0, flow_info=0xFFFFFFFF))


def test_the_scope_in_an_address_of_the_system_is_a_number_only() -> None:
    assert from_os(("fe80::1%eth0", 80, 0, 2)) == Address(ip_address("fe80::1"), 80, 0, 2)


# ---- waiting


async def test_what_nobody_waits_for_is_unregistered(sockets: Sockets) -> None:
    client, server = await sockets.pair(4)
    client.send(memoryview(b"x"))
    assert await until(lambda: server.recv_into(memoryview(bytearray(1))), server.wait_readable) == 1
    client.send(memoryview(b"y"))
    client.wait_writable(lambda: None)
    await _loop_turns()
    assert server._reading is client._writing is None


async def test_a_cancelled_waiter_is_not_called(sockets: Sockets) -> None:
    client, server = await sockets.pair(4)
    server.wait_readable(lambda: pytest.fail("called"))
    server.cancel_readable()
    client.send(memoryview(b"x"))
    await _loop_turns()
    assert server._reading is None


async def test_closing_ends_the_waits(sockets: Sockets) -> None:
    client, server = await sockets.pair(4)
    server.wait_readable(lambda: pytest.fail("called"))
    server.wait_writable(lambda: pytest.fail("called"))
    number = server._socket.fileno()
    server.close()
    server.close()
    loop = asyncio.get_running_loop()
    assert not loop.remove_reader(number)
    assert not loop.remove_writer(number)
    assert await _received(client) == b""


def test_a_socket_can_be_waited_for_in_a_later_event_loop(sockets: Sockets) -> None:
    listener = sockets.listener(4)

    async def wait_for_a_connection() -> None:
        ready = asyncio.Event()
        listener.wait_readable(ready.set)
        with socket.create_connection((str(LOOPBACK[4].ip), listener.local_address().port)):
            await ready.wait()
        sockets.own(listener.accept()[0])

    asyncio.run(wait_for_a_connection())
    asyncio.run(wait_for_a_connection())


async def _loop_turns() -> None:
    """Lets the event loop report what is ready, and what is ready then."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_names_below_localhost_are_asked_of_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def getaddrinfo(host: str, port: None, type: socket.SocketKind) -> list[tuple[Any, ...]]:
        asked.append(host)
        return [(socket.AF_INET, type, 0, "", ("127.0.0.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    for name in ("localhost", "a.b.localhost", "localhost."):
        assert await OsNetwork().resolve(name) == [ip_address("127.0.0.1")]
    assert asked == ["localhost"] * 3
