"""The operating system's UDP sockets, over loopback: what only they have; the rest is in `test_conformance`."""

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

from tests.unit.network.loopback import LOOPBACK
from wasihost._network.base import Address, Family
from wasihost._network.os import OsNetwork
from wasihost._network.os import udp as os_udp
from wasihost._network.os.share import Share
from wasihost._network.os.udp import OsDatagramSocket


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


@pytest.fixture
def sockets() -> Iterator[Sockets]:
    with contextlib.ExitStack() as stack:
        yield Sockets(stack)


def test_a_full_buffer_blocks(sockets: Sockets) -> None:
    scripted = _Scripted.answering(sendto=BlockingIOError(errno.EAGAIN, ""))
    with pytest.raises(BlockingIOError):
        scripted.send_to(b"x", LOOPBACK[4])


# ---- connecting, also again, and no more


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


def test_einval_without_a_first_peer_is_reported() -> None:
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


def test_a_disconnect_that_fails_is_reported(sockets: Sockets, monkeypatch: pytest.MonkeyPatch) -> None:
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
        return _Stubborn(scripted, 4, Share())

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
