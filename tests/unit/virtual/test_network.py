"""A virtual network: hosts, names, links, and what Python programs do there."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import pytest

from wasihost import ConfigError, VirtualClock
from wasihost._network.base import Address, Option
from wasihost._network.virtual import VirtualNetwork
from wasihost._network.virtual.ports import EPHEMERAL
from wasihost._testing import run_virtual

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def _end(writer: asyncio.StreamWriter) -> None:
    writer.close()
    await writer.wait_closed()


# ---- hosts and names


def test_addresses_are_given_out_one_after_another() -> None:
    net = VirtualNetwork()
    web = net.host("web", "10.0.0.2")
    assert [str(address) for address in net.guest.addresses] == ["10.0.0.1", "fd00::1"]
    assert [str(address) for address in web.addresses] == ["10.0.0.2"]
    assert [str(address) for address in net.host("db").addresses] == ["10.0.0.3", "fd00::3"]
    assert net.host("WEB.") is web


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda net: net.host("a b"), "host 'a b': 'a b' is not a host name"),
        (lambda net: net.host("web", "10.0.0"), "host 'web': '10.0.0' does not appear"),
        (lambda net: net.host("web", "10.0.0.1"), "host 'web': 10.0.0.1 is an address of host 'guest'"),
        (lambda net: net.host("web", "127.0.0.1"), "host 'web': 127.0.0.1: expected a unicast address"),
        (lambda net: net.host("guest", "10.0.0.9"), "host 'guest' has the addresses 10.0.0.1, fd00::1"),
        (lambda net: net.name("a b", "10.0.0.9"), "name 'a b': 'a b' is not a host name"),
        (lambda net: net.link("web", "web"), "'web' is linked with itself"),
        (lambda net: net.link("web", "db", latency_s=-1), "latency_s=-1: expected 0 or more"),
        (lambda net: net.link("web", "db", bytes_per_second=0), "bytes_per_second=0: expected 1 or more"),
        (lambda net: net.listen("db", _echo), "'db': expected a host and a port from 0 to 65535"),
        (lambda net: net.listen("db:65536", _echo), "'db:65536': expected a host and a port"),
        (lambda net: net.listen("fd00::1:80", _echo), "'fd00::1:80': expected a host and a port"),
        (lambda net: net.listen(80, _echo), "80: expected a place on a host of this network"),
        (lambda net: net.listen("10.9.9.9:80", _echo), "'10.9.9.9:80': expected a place on a host of this network"),
    ],
)
def test_what_cannot_be_is_reported(make: Callable[[VirtualNetwork], Any], complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make(VirtualNetwork())
    assert str(caught.value).startswith(complaint)


async def test_names_of_hosts_resolve_and_others_do_not() -> None:
    net = VirtualNetwork()
    net.host("db", "fd00::9", "10.0.0.9")
    net.name("alias.test", ["10.0.0.9"])
    assert await net.resolve("DB") == [ip_address("fd00::9"), ip_address("10.0.0.9")]
    assert await net.resolve("alias.test.") == [ip_address("10.0.0.9")]
    assert await net.resolve("db.localhost") == await net.resolve("localhost")
    with pytest.raises(socket.gaierror) as caught:
        await net.resolve("nobody.test")
    assert caught.value.errno == socket.EAI_NONAME


# ---- Python programs


@pytest.mark.parametrize("where", ["db:5432", ("db", 5432), "10.0.0.2:5432", "[fd00::2]:5432"])
async def test_a_peer_connects_by_name_and_by_address(where: Any) -> None:
    net = VirtualNetwork()
    async with net.listen("db:5432", _echo) as server:
        assert [str(address) for address in server.addresses] == ["0.0.0.0:5432", "[::]:5432"]
        reader, writer = await net.connect(where)
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
        assert writer.get_extra_info("peername")[1] == 5432
        await _end(writer)


async def test_a_plain_callable_is_a_server() -> None:
    net = VirtualNetwork()
    async with net.serve("shout:7", bytes.upper):
        reader, writer = await net.connect("shout:7")
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"HELLO"
        writer.write_eof()
        assert await reader.read() == b""
        await _end(writer)


async def test_a_server_may_be_made_before_the_loop_runs() -> None:
    net = VirtualNetwork()
    await asyncio.to_thread(net.serve, "shout:7", bytes.upper)  # where no loop runs
    reader, writer = await net.connect("shout:7")
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"HELLO"
    await _end(writer)


async def test_waiting_for_a_listener() -> None:
    net = VirtualNetwork()
    waiting = asyncio.create_task(net.listening("guest:80"))
    await asyncio.sleep(0)
    assert not waiting.done()
    with pytest.raises(ConnectionRefusedError):
        await net.connect("guest:80")
    server = net.listen("guest:80", _echo)
    await waiting
    await net.listening("guest:80")
    server.close()


async def test_loopback_is_each_hosts_own() -> None:
    net = VirtualNetwork()
    async with net.host("db").listen("127.0.0.1:5432", _echo):
        _, writer = await net.host("db").connect("localhost:5432")
        with pytest.raises(ConnectionRefusedError):
            await net.connect("127.0.0.1:5432")
        with pytest.raises(ConnectionRefusedError):
            await net.connect("db:5432")
        await _end(writer)


async def test_aborting_a_transport_is_a_reset_for_the_other_side() -> None:
    net = VirtualNetwork()
    connected: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()
    async with net.listen("db:1", lambda _, writer: connected.set_result(writer)):
        reader, writer = await net.connect("db:1")
        (await connected).transport.abort()
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()
        with pytest.raises(ConnectionResetError):
            await writer.wait_closed()
        assert net.connections[0].state == "reset"


async def test_connections_tell_who_spoke_with_whom_and_how_much() -> None:
    net = VirtualNetwork()
    async with net.listen("db:5432", _echo):
        reader, writer = await net.connect("db:5432")
        writer.write(b"hello")
        await reader.readexactly(5)
        [connection] = net.connections
        assert repr(connection) == "<10.0.0.3:32768 -> 10.0.0.2:5432, open, 5 bytes there, 5 back>"
        writer.write_eof()
        states: list[str] = [connection.state]
        assert await reader.read() == b""
        assert [*states, connection.state] == ["client ended", "closed"]
        await _end(writer)


async def test_a_writer_that_is_ahead_waits_for_its_reader() -> None:
    net = VirtualNetwork()
    async with net.listen("db:1", _echo):
        reader, writer = await net.connect("db:1")
        data = bytes(range(256)) * 100_000
        writer.write(data)
        writer.write_eof()
        assert writer.transport.get_write_buffer_size() > 0
        assert await reader.read() == data
        await _end(writer)


async def test_a_protocol_with_a_buffer_of_its_own_works() -> None:
    class Buffered(asyncio.BufferedProtocol):
        def __init__(self) -> None:
            self.buffer, self.received = bytearray(3), b""
            self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def get_buffer(self, sizehint: int) -> bytearray:
            return self.buffer

        def buffer_updated(self, nbytes: int) -> None:
            self.received += self.buffer[:nbytes]

        def connection_lost(self, exc: Exception | None) -> None:
            self.over.set_result(None)

    net = VirtualNetwork()
    async with net.serve("shout:7", bytes.upper):
        transport, protocol = await net.create_connection(Buffered, "shout:7")
        transport.writelines([b"hello ", b"world"])
        transport.write_eof()
        await protocol.over
        assert protocol.received == b"HELLO WORLD"


async def test_what_a_protocol_raises_ends_its_connection_and_is_told_to_the_loop() -> None:
    def fail(data: bytes) -> bytes:
        raise ValueError("mine")

    told: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))
    net = VirtualNetwork()
    async with net.serve("db:1", fail):
        reader, writer = await net.connect("db:1")
        writer.write(b"hello")
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()
        with pytest.raises(ConnectionResetError):
            await writer.wait_closed()
    assert [repr(error) for error in told] == ["ValueError('mine')"]


# ---- UDP


async def test_datagrams_of_peers() -> None:
    net = VirtualNetwork()
    server = net.serve_udp("dns:53", lambda data: data[::-1] if data != b"lost" else None)
    with net.datagrams() as client:
        client.send(b"lost", "dns:53")
        client.send(b"abc", "dns:53")
        async for data, sender in client:
            assert (data, sender) == (b"cba", Address(ip_address("10.0.0.2"), 53))
            break
        client.connect("dns:53")
        server.close()
        client.send(b"anybody?")
        with pytest.raises(ConnectionRefusedError):
            await client.receive()


async def test_datagrams_beyond_the_receivers_buffer_are_lost() -> None:
    net = VirtualNetwork()
    with net.datagrams("db:53") as server, net.datagrams() as client:
        for number in range(1000):
            client.send(bytes([number % 256]) * 1000, "db:53")
        received = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0):
                while await server.receive():
                    received += 1
    assert 100 < received < 300


# ---- links


def test_latency_and_bandwidth_take_virtual_time() -> None:
    async def main() -> tuple[float, float, float]:
        net, time = VirtualNetwork(), asyncio.get_running_loop().time
        net.link("peer", "db", latency_s=0.1, bytes_per_second=1_000_000)
        async with net.listen("db:1", _echo):
            reader, writer = await net.connect("db:1")
            connected = time()
            writer.write(bytes(1_000_000))
            await reader.readexactly(1)
            first = time()
            await reader.readexactly(999_999)
            await _end(writer)
            return connected, first, time()

    connected, first, last = run_virtual(main())
    assert connected == pytest.approx(0.2)
    assert first == pytest.approx(connected + 0.2 + 2 * 16384 / 1e6, abs=1e-3)
    assert last == pytest.approx(connected + 0.2 + 1 + 16384 / 1e6, abs=1e-2)


async def test_in_somebody_elses_loop_a_manual_clock_moves_what_is_under_way() -> None:
    clock = VirtualClock()
    net = VirtualNetwork(clock=clock, latency_s=1)
    async with net.listen("db:1", _echo):
        connecting = asyncio.create_task(net.connect("db:1"))
        await asyncio.sleep(0)
        clock.advance(1_999_999_999)
        await asyncio.sleep(0)
        assert not connecting.done()
        clock.advance(1)
        reader, writer = await connecting
        writer.write(b"x")
        clock.advance(1_000_000_000)
        for _ in range(10):
            await asyncio.sleep(0)
        clock.advance(1_000_000_000)
        assert await reader.read(1) == b"x"
        writer.close()
        clock.advance(1_000_000_000)
        for _ in range(10):
            await asyncio.sleep(0)
        clock.advance(1_000_000_000)


async def test_an_address_of_nobody_is_unreachable_and_so_is_who_is_cut_off() -> None:
    net = VirtualNetwork()
    for where, code in (("192.0.2.1:1", errno.ENETUNREACH), ("[2001:db8::1]:1", errno.ENETUNREACH)):
        with pytest.raises(OSError, match=rf"Errno {code}\b"):
            await net.connect(where)
    async with net.listen("db:1", _echo):
        net.disconnect("peer", "db")
        with pytest.raises(OSError, match=rf"Errno {errno.EHOSTUNREACH}\b"):
            await net.connect("db:1")
        net.reconnect("db", "peer")
        _, writer = await net.connect("db:1")
        await _end(writer)


async def test_what_is_sent_while_the_link_is_down_arrives_when_it_is_up_again() -> None:
    net = VirtualNetwork()
    async with net.serve("db:1", bytes.upper):
        reader, writer = await net.connect("db:1")
        net.disconnect("peer", "db")
        writer.write(b"hel")
        writer.write(b"lo")
        reading = asyncio.create_task(reader.readexactly(5))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not reading.done()
        net.reconnect("peer", "db")
        assert await reading == b"HELLO"
        await _end(writer)


# ---- what is as on Linux


async def test_a_full_backlog_makes_connects_wait() -> None:
    net = VirtualNetwork()
    listener, clients = net.tcp_socket(4), [net.tcp_socket(4) for _ in range(4)]
    listener.bind(Address(ip_address("0.0.0.0"), 80))
    listener.listen(1)
    for client in clients:
        client.connect(Address(ip_address("10.0.0.1"), 80))
    for client in clients[:2]:
        client.finish_connect()
    for client in clients[2:]:
        with pytest.raises(BlockingIOError):
            client.finish_connect()
    accepted, _ = listener.accept()
    clients[2].finish_connect()
    listener.close()
    with pytest.raises(ConnectionRefusedError):
        clients[3].finish_connect()
    for endpoint in (*clients, accepted):
        endpoint.close()


async def test_bytes_that_arrived_before_a_reset_are_received_before_it_is_reported() -> None:
    net = VirtualNetwork()
    connected: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()
    async with net.listen("guest:1", lambda _, writer: connected.set_result(writer)) as server:
        client = net.tcp_socket(4)
        client.connect(Address(ip_address("127.0.0.1"), server.port))
        client.finish_connect()
        writer = await connected
        writer.write(b"last words")
        writer.transport.abort()
        assert client.recv(100) == b"last words"
        with pytest.raises(ConnectionResetError):
            client.recv(100)
        assert client.recv(100) == b""
        with pytest.raises(BrokenPipeError):
            client.send(memoryview(b"x"))
        client.close()


async def test_the_port_of_a_client_is_free_again_when_it_closes() -> None:
    net = VirtualNetwork()
    async with net.listen("db:1", _echo):
        _, writer = await net.connect("db:1")
        local = writer.get_extra_info("sockname")
        await _end(writer)
        made = net.host("peer").tcp_socket(4)
        made.bind(Address(ip_address(local[0]), local[1]))
        made.close()


def test_no_free_port_is_address_in_use() -> None:
    net, anywhere = VirtualNetwork(), Address(ip_address("127.0.0.1"), 0)
    for _ in EPHEMERAL:
        net.udp_socket(4).bind(anywhere)
    with pytest.raises(OSError, match=rf"Errno {errno.EADDRINUSE}\b"):
        net.udp_socket(4).bind(anywhere)


def test_options_that_a_protocol_does_not_have_are_reported() -> None:
    made = VirtualNetwork().udp_socket(4)
    with pytest.raises(OSError, match=rf"Errno {errno.ENOPROTOOPT}\b"):
        made.get_option(Option.KEEP_ALIVE)


@pytest.mark.nightly
def test_ten_thousand_connections_at_once() -> None:
    async def main() -> None:
        net = VirtualNetwork()
        async with net.listen("db:5432", _echo):
            made = await asyncio.gather(*(net.connect("db:5432") for _ in range(10_000)))
            for number, (_, writer) in enumerate(made):
                writer.write(b"%05d" % number)
            for number, (reader, writer) in enumerate(made):
                assert await reader.readexactly(5) == b"%05d" % number
                writer.close()
        assert {connection.state for connection in net.connections} == {"closed"}
        assert len(net.connections) == 10_000

    run_virtual(main())
