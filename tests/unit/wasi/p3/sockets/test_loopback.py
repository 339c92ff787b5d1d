"""The provider on the sockets of the operating system, and on those of a virtual network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.unit.network.loopback import LOOPBACK, both_families, until
from tests.unit.wasi.p3.sockets.setup import FakeReader
from wasihost._base.streams import ByteSink, ByteSource, ValueSource
from wasihost._component.values import Err, Ok, WitError
from wasihost._network.base import Family, Network
from wasihost._network.os import OsNetwork
from wasihost._network.virtual import VirtualNetwork
from wasihost._policy import allow_all
from wasihost._wasi.common.addresses import AnyIpSocketAddress, IpAddressFamily, from_network
from wasihost._wasi.p3.sockets.errors import ErrorCode
from wasihost._wasi.p3.sockets.tcp import TcpSocket
from wasihost._wasi.p3.sockets.types import Types
from wasihost._wasi.p3.streams import ResultFuture
from wasihost._wasi.sockets.access import Access


async def connect(tcp: TcpSocket, address: AnyIpSocketAddress) -> None:
    waits = tcp.connect(address)
    if waits is not None:
        await waits


class Peer:
    """One end of a connection with both of its streams."""

    def __init__(self, tcp: TcpSocket) -> None:
        self.tcp = tcp
        self.source, self.received = tcp.receive()
        data = FakeReader()
        self.sent = tcp.send(data)
        assert data.sink is not None
        self.sink: ByteSink = data.sink

    async def read(self) -> bytes:
        view = memoryview(bytearray(64))
        return bytes(view[: await until(lambda: self.source.read_into(view), self.source.wait_readable)])

    async def write(self, data: bytes) -> None:
        await until(lambda: self.sink.write(memoryview(data)), self.sink.wait_writable)

    def end(self) -> None:
        """Ends what is not ended."""
        for end, future in ((self.source, self.received), (self.sink, self.sent)):
            _close(end, future)
        self.tcp.drop()


def _close(end: ByteSource | ByteSink, future: ResultFuture) -> None:
    if not future.done():
        end.close(None)


class Guest:
    """Makes sockets and drops them all at the end."""

    def __init__(self, network: Network, family: Family, stack: ExitStack) -> None:
        self.types = Types(Access(network, allow_all))
        self.family = family
        self.stack = stack

    def create(self) -> TcpSocket:
        family = IpAddressFamily.IPV4 if self.family == 4 else IpAddressFamily.IPV6
        tcp = self.types.TcpSocket.create(self.types, family)
        self.stack.callback(tcp.drop)
        return tcp

    async def bound(self) -> tuple[TcpSocket, AnyIpSocketAddress]:
        tcp = self.create()
        await tcp.bind(from_network(LOOPBACK[self.family]))
        return tcp, tcp.get_local_address()

    async def listening(self) -> tuple[ValueSource[TcpSocket], AnyIpSocketAddress]:
        tcp, address = await self.bound()
        stream = await tcp.listen()
        self.stack.callback(stream.close, None)
        return stream, address

    async def connection(self) -> tuple[Peer, Peer]:
        """A client and a server that are connected."""
        stream, address = await self.listening()
        tcp = self.create()
        await connect(tcp, address)
        [accepted] = await until(stream.read, stream.wait_readable)
        client, server = Peer(tcp), Peer(accepted)
        self.stack.callback(client.end)
        self.stack.callback(server.end)
        return client, server


@pytest.fixture(params=[OsNetwork, VirtualNetwork])
def guest(request: pytest.FixtureRequest, family: Family) -> Iterator[Guest]:
    with ExitStack() as stack:
        yield Guest(request.param(), family, stack)


@both_families
async def test_a_byte_goes_there_and_back(guest: Guest) -> None:
    client, server = await guest.connection()
    await client.write(b"ping")
    assert await server.read() == b"ping"
    await server.write(b"pong")
    assert await client.read() == b"pong"


@both_families
async def test_the_end_of_one_side_is_the_end_of_the_other_and_both_are_ok(guest: Guest) -> None:
    client, server = await guest.connection()
    client.sink.close(None)
    assert await server.read() == b""
    server.source.close(None)
    assert client.sent.result() == server.received.result() == Ok(None)


@both_families
async def test_the_other_direction_works_on_after_an_end(guest: Guest) -> None:
    client, server = await guest.connection()
    client.sink.close(None)
    await server.write(b"answer")
    assert await client.read() == b"answer"


@both_families
async def test_writing_to_a_peer_that_is_gone_ends_in_connection_broken(guest: Guest) -> None:
    client, server = await guest.connection()
    server.end()
    assert await client.read() == b""
    client.sink.close(await _refusal(client))
    assert client.sent.result() == Err(ErrorCode.ConnectionBroken())


async def _refusal(peer: Peer) -> OSError:
    """Writes until the reset has come back."""
    while True:
        try:
            await peer.write(b"undeliverable")
        except OSError as error:
            return error


@both_families
async def test_nobody_listening_is_connection_refused(guest: Guest) -> None:
    _, address = await guest.bound()
    with pytest.raises(WitError) as caught:
        await connect(guest.create(), address)
    assert caught.value.value == ErrorCode.ConnectionRefused()


@both_families
async def test_an_address_in_use_is_reported(guest: Guest) -> None:
    _, address = await guest.bound()
    with pytest.raises(WitError) as caught:
        await guest.create().bind(address)
    assert caught.value.value == ErrorCode.AddressInUse()
