"""The operating system's UDP sockets, over loopback."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import errno
import socket
from collections.abc import Iterator
from typing import Any
from unittest.mock import Mock

import pytest

from tests.unit.network.loopback import LOOPBACK, both_families
from wasihost.network import os_udp
from wasihost.network.base import WILDCARD, Address, Family, Option
from wasihost.network.os_network import OsNetwork
from wasihost.network.os_udp import OsDatagramSocket


class Sockets:
    """Makes sockets and closes them all at the end."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack

    def create(self, family: Family) -> OsDatagramSocket:
        made = OsNetwork().udp_socket(family)
        self._stack.callback(made.close)
        assert isinstance(made, OsDatagramSocket)
        return made

    def bound(self, family: Family, address: Address | None = None) -> OsDatagramSocket:
        made = self.create(family)
        made.bind(address or LOOPBACK[family])
        return made

    def connected(self, family: Family, peer: OsDatagramSocket) -> OsDatagramSocket:
        made = self.bound(family)
        made.connect(peer.local_address())
        return made


@pytest.fixture
def sockets() -> Iterator[Sockets]:
    with contextlib.ExitStack() as stack:
        yield Sockets(stack)


async def _received(end: OsDatagramSocket) -> tuple[bytes, Address]:
    while True:
        with contextlib.suppress(BlockingIOError):
            return end.recv_from()
        ready = asyncio.Event()
        end.wait_readable(ready.set)
        await ready.wait()


@both_families
def test_a_new_socket_is_at_the_wildcard_address(sockets: Sockets, family: Family) -> None:
    assert sockets.create(family).local_address() == WILDCARD[family]


@both_families
async def test_a_datagram_arrives_whole_with_its_sender(sockets: Sockets, family: Family) -> None:
    left, right = sockets.bound(family), sockets.bound(family)
    for size in (0, 1, 1472, 60_000):
        left.send_to(bytes(size), right.local_address())
        assert await _received(right) == (bytes(size), left.local_address())


@both_families
async def test_a_connected_socket_needs_no_address_and_hears_its_peer_only(sockets: Sockets, family: Family) -> None:
    peer, stranger = sockets.bound(family), sockets.bound(family)
    client = sockets.connected(family, peer)
    assert client.remote_address() == peer.local_address()
    client.send_to(b"ping", None)
    assert await _received(peer) == (b"ping", client.local_address())
    stranger.send_to(b"evil", client.local_address())
    peer.send_to(b"pong", client.local_address())
    assert await _received(client) == (b"pong", peer.local_address())


def test_nothing_to_receive_blocks(sockets: Sockets) -> None:
    with pytest.raises(BlockingIOError):
        sockets.bound(4).recv_from()


def test_a_full_buffer_blocks(sockets: Sockets) -> None:
    scripted = _Scripted.answering(sendto=BlockingIOError(errno.EAGAIN, ""))
    with pytest.raises(BlockingIOError):
        scripted.send_to(b"x", LOOPBACK[4])


@both_families
def test_a_datagram_can_be_too_large(sockets: Sockets, family: Family) -> None:
    with pytest.raises(OSError, match=rf"Errno {errno.EMSGSIZE}\b"):
        sockets.bound(family).send_to(bytes(65_536), Address(LOOPBACK[family].ip, 9))


@both_families
def test_nobody_there_is_connection_refused(sockets: Sockets, family: Family) -> None:
    gone = sockets.bound(family)
    client = sockets.connected(family, gone)
    gone.close()
    client.send_to(b"anybody?", None)
    with pytest.raises(ConnectionRefusedError):
        client.recv_from()


@both_families
def test_a_port_that_somebody_bound_is_in_use(sockets: Sockets, family: Family) -> None:
    first = sockets.bound(family)
    with pytest.raises(OSError, match=rf"Errno {errno.EADDRINUSE}\b"):
        sockets.bound(family, first.local_address())


# ---- connecting again, and no more


@both_families
@pytest.mark.parametrize("wildcard", [False, True])
async def test_disconnecting_keeps_the_port(sockets: Sockets, family: Family, wildcard: bool) -> None:
    peer, other = sockets.bound(family), sockets.bound(family)
    client = sockets.bound(family, WILDCARD[family] if wildcard else None)
    before = client.local_address()
    client.connect(peer.local_address())
    client.disconnect()
    assert client.local_address() == before
    with pytest.raises(OSError, match=rf"Errno {errno.ENOTCONN}\b"):
        client.remote_address()
    other.send_to(b"anybody", Address(LOOPBACK[family].ip, before.port))
    assert (await _received(client))[0] == b"anybody"


@both_families
async def test_the_peer_can_change(sockets: Sockets, family: Family) -> None:
    first, second = sockets.bound(family), sockets.bound(family)
    client = sockets.connected(family, first)
    client.connect(second.local_address())
    assert client.remote_address() == second.local_address()
    client.send_to(b"x", None)
    assert await _received(second) == (b"x", client.local_address())


def test_no_free_port_in_connect_is_address_in_use() -> None:
    for number in (errno.EADDRNOTAVAIL, errno.EAGAIN):
        with pytest.raises(OSError, match=rf"Errno {errno.EADDRINUSE}\b"):
            _Scripted.answering(connect_ex=[number]).connect(LOOPBACK[4])


def test_a_peer_that_the_first_one_stands_in_the_way_of_is_connected_after_disconnecting() -> None:
    scripted = _Scripted.answering(connect_ex=[errno.EINVAL, 0], getpeername=("127.0.0.1", 9))
    scripted.connect(Address(LOOPBACK[4].ip, 10))
    assert _calls(scripted) == [("127.0.0.1", 10), ("127.0.0.1", 10)]


def test_a_failed_reconnect_gives_the_first_peer_back() -> None:
    scripted = _Scripted.answering(connect_ex=[errno.EINVAL, errno.ENETUNREACH, 0], getpeername=("127.0.0.1", 9))
    with pytest.raises(OSError, match=rf"Errno {errno.ENETUNREACH}\b"):
        scripted.connect(Address(LOOPBACK[4].ip, 10))
    assert _calls(scripted)[-1] == ("127.0.0.1", 9)


def test_einval_without_a_first_peer_is_told() -> None:
    scripted = _Scripted.answering(connect_ex=[errno.EINVAL])
    with pytest.raises(OSError, match=rf"Errno {errno.EINVAL}\b"):
        scripted.connect(LOOPBACK[4])


@pytest.mark.parametrize("number", [errno.EAFNOSUPPORT, errno.EINVAL])
def test_what_macos_says_of_a_disconnect_that_worked_is_ignored(
    sockets: Sockets, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(os_udp, "_connect", lambda *arguments: -1)
    monkeypatch.setattr(ctypes, "get_errno", lambda: number)
    sockets.bound(4).disconnect()


def test_a_disconnect_that_fails_is_told(sockets: Sockets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os_udp, "_connect", lambda *arguments: -1)
    monkeypatch.setattr(ctypes, "get_errno", lambda: errno.ENOMEM)
    with pytest.raises(OSError, match=rf"Errno {errno.ENOMEM}\b"):
        sockets.bound(4).disconnect()


class _Scripted(socket.socket):
    """A socket of the system whose calls give what the test says."""

    answers: dict[str, Any]
    connects: list[Any]

    @classmethod
    def answering(cls, **answers: Any) -> OsDatagramSocket:
        with cls(type=socket.SOCK_DGRAM) as scripted:
            scripted.answers, scripted.connects = answers, []
        return _Stubborn(scripted, 4)

    def connect_ex(self, address: Any) -> int:
        self.connects.append(address)
        code: int = self.answers["connect_ex"].pop(0)
        return code

    def getpeername(self) -> Any:
        if "getpeername" not in self.answers:
            raise OSError(errno.ENOTCONN, "")
        return self.answers["getpeername"]

    def sendto(self, *arguments: Any) -> int:
        raise self.answers["sendto"]


class _Stubborn(OsDatagramSocket):
    """One whose disconnecting nobody sees."""

    def disconnect(self) -> None:
        pass


def _calls(scripted: OsDatagramSocket) -> list[Any]:
    assert isinstance(scripted._socket, _Scripted)
    return scripted._socket.connects


# ---- options


@both_families
@pytest.mark.parametrize("option", [Option.HOP_LIMIT, Option.RECEIVE_BUFFER_BYTES, Option.SEND_BUFFER_BYTES])
def test_an_option_reads_as_it_was_set(sockets: Sockets, family: Family, option: Option) -> None:
    made = sockets.create(family)
    value = 45 if option is Option.HOP_LIMIT else 0x10000
    made.set_option(option, value)
    assert made.get_option(option) == value


# ---- waiting


async def test_a_registration_is_kept_from_datagram_to_datagram(sockets: Sockets) -> None:
    left, right = sockets.bound(4), sockets.bound(4)
    received: list[bytes] = []
    enough = asyncio.Event()

    def receive() -> None:
        received.append(right.recv_from()[0])
        right.wait_readable(receive)
        if len(received) == 3:
            enough.set()

    loop = asyncio.get_running_loop()
    loop.add_reader = registered = Mock(wraps=loop.add_reader)  # type: ignore[method-assign]
    right.wait_readable(receive)
    for _ in range(3):
        left.send_to(b"x", right.local_address())
    await enough.wait()
    registered.assert_called_once()


async def test_closing_ends_the_waits(sockets: Sockets) -> None:
    left, right = sockets.bound(4), sockets.bound(4)
    right.wait_readable(lambda: pytest.fail("called"))
    left.send_to(b"x", right.local_address())
    right.close()
    right.close()
    for _ in range(5):
        await asyncio.sleep(0)
