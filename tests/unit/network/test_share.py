"""How many sockets guests may have, of those that the operating system lets this process have."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import resource
import socket
from collections.abc import Iterator

import pytest

from tests.unit.network.calls import fails, waits
from tests.unit.network.loopback import LOOPBACK
from wasihost._network.base import Endpoint
from wasihost._network.os import OsNetwork, share
from wasihost._network.peers import start_server

FILES = 64


@pytest.fixture(autouse=True)
def few_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process could open few files, and no guest has any."""
    monkeypatch.setattr(resource, "getrlimit", lambda which: (FILES, 2 * FILES))
    monkeypatch.setattr(share, "_held_by_all", set())


@pytest.fixture
def stack() -> Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as stack:
        yield stack


def _filled(network: OsNetwork, stack: contextlib.ExitStack) -> list[Endpoint]:
    """As many sockets as the network gives."""
    made: list[Endpoint] = []
    with contextlib.suppress(OSError):
        while len(made) < FILES:
            made += [network.tcp_socket(4), network.udp_socket(4)]
    for each in made:
        stack.callback(each.close)
    return made


def test_a_guest_gets_a_quarter_and_all_together_half(stack: contextlib.ExitStack) -> None:
    network = OsNetwork()
    guests = [_filled(network.for_guest(), stack) for _ in range(3)]
    assert [len(sockets) for sockets in guests] == [FILES // 4, FILES // 4, 0]


def test_what_is_beyond_is_enobufs_until_a_socket_is_closed(stack: contextlib.ExitStack) -> None:
    network = OsNetwork()
    first, *_ = _filled(network, stack)
    fails(errno.ENOBUFS, network.tcp_socket, 4)
    fails(errno.ENOBUFS, network.udp_socket, 4)
    first.close()
    first.close()
    stack.callback(network.udp_socket(4).close)
    fails(errno.ENOBUFS, network.udp_socket, 4)


def test_one_guest_may_have_more_than_half_if_the_embedder_says_so(stack: contextlib.ExitStack) -> None:
    assert len(_filled(OsNetwork().for_guest(FILES - 10), stack)) == FILES - 10
    assert not _filled(OsNetwork().for_guest(), stack)


def test_the_number_of_a_network_is_that_of_each_guest(stack: contextlib.ExitStack) -> None:
    network = OsNetwork(sockets=4)
    assert [len(_filled(network.for_guest(), stack)) for _ in range(3)] == [4, 4, 4]


async def test_a_listener_without_room_takes_no_connection_from_the_queue(stack: contextlib.ExitStack) -> None:
    network = OsNetwork(sockets=2)
    listener = stack.enter_context(contextlib.closing(network.tcp_socket(4)))
    listener.bind(LOOPBACK[4])
    listener.listen(16)
    last = stack.enter_context(contextlib.closing(network.tcp_socket(4)))
    waits(listener.accept)  # nothing to tell, as long as no connection comes
    stack.enter_context(socket.create_connection((str(LOOPBACK[4].ip), listener.local_address().port)))
    came = asyncio.Event()
    listener.wait_readable(came.set)
    await came.wait()
    fails(errno.ENOBUFS, listener.accept)
    last.close()
    accepted, _ = listener.accept()
    fails(errno.ENOBUFS, network.tcp_socket, 4)
    accepted.close()
    stack.callback(network.tcp_socket(4).close)


def test_the_embedder_hears_of_it_once_as_a_warning(
    stack: contextlib.ExitStack, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "wasihost.quotas")
    network = OsNetwork()
    _filled(network, stack)
    fails(errno.ENOBUFS, network.tcp_socket, 4)
    assert [record.levelno for record in caplog.records] == [logging.WARNING, logging.DEBUG]
    assert caplog.messages[0] == (
        "no socket: a guest may hold 16 of this process's 64 descriptors; raise that with Quotas(sockets=...)"
    )


def test_sockets_of_a_server_of_the_host_take_nothing_from_guests(stack: contextlib.ExitStack) -> None:
    assert len(_filled(OsNetwork().for_server(FILES * 3 // 4), stack)) == FILES * 3 // 4
    assert len(_filled(OsNetwork(), stack)) == FILES // 4


async def test_a_server_without_room_accepts_when_a_connection_has_ended(stack: contextlib.ExitStack) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        await reader.read()
        writer.close()

    server = start_server(OsNetwork(sockets=2), greet, [LOOPBACK[4]])
    first, second = [await asyncio.open_connection(str(server.address.ip), server.port) for _ in range(2)]
    assert await first[0].read(5) == b"hello"
    for _ in range(5):  # nothing holds the event loop up
        await asyncio.sleep(0)
    first[1].close()
    await first[1].wait_closed()
    assert await second[0].read(5) == b"hello"
    second[1].close()
    await second[1].wait_closed()
    server.close()
    await server.wait_closed()
