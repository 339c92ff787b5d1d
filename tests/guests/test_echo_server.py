"""`rust-echo-server`, with plain Python programs on the other side."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.guests import world
from tests.guests.harness import LOOPBACK, FamilyName, Guest, families, run_async, until

SIZES = [0, 1, 2, 4095, 4096, 4097, 65535, 65536, 65537, 1_000_000, 5_000_000]
spliced = pytest.mark.parametrize("splice", [False, True], ids=["copying", "splicing"])
pytestmark = pytest.mark.usefixtures("both_networks")


class Server:
    """Where the guest listens."""

    def __init__(self, guest: Guest, host: str, port: int) -> None:
        self.guest, self.host, self.port = guest, host, port


@contextlib.asynccontextmanager
async def serving(
    connections: int, family: FamilyName = "ipv4", splice: bool = False, chunk: int = 65536
) -> AsyncIterator[Server]:
    """The guest serves that many connections, and has ended well at the end."""
    host = LOOPBACK[family]
    env: dict[str, object] = {"ADDRESS": f"{host}:0" if family == "ipv4" else f"[{host}]:0"}
    env |= {"CONNECTIONS": connections, "CHUNK": chunk} | ({"SPLICE": 1} if splice else {})
    guest = Guest("rust-echo-server", env=env)
    async with guest.running():
        line = await guest.stdout.first_line()
        yield Server(guest, host, int(line.rpartition(":")[2]))


def pattern(size: int) -> bytes:
    """Bytes in which a lost, doubled or swapped block shows."""
    return (bytes(range(251)) * (size // 251 + 1))[:size]


async def echo(server: Server, data: bytes) -> bytes:
    """What an asyncio client gets back for `data`, until the guest's FIN."""
    reader, writer = await world.current.connect(server.host, server.port)

    async def send() -> None:
        writer.write(data)
        await writer.drain()
        writer.write_eof()

    sending = asyncio.create_task(send())
    try:
        answer = await reader.read()
        await sending
    finally:
        sending.cancel()
        writer.close()
        await writer.wait_closed()
    return answer


@families
@spliced
async def test_an_asyncio_client_gets_back_what_it_sent(family: FamilyName, splice: bool) -> None:
    async with serving(1, family, splice) as server:
        assert await echo(server, pattern(300_000)) == pattern(300_000)


@spliced
@pytest.mark.parametrize("size", SIZES)
async def test_every_size_comes_back(size: int, splice: bool) -> None:
    async with serving(1, splice=splice) as server:
        assert await echo(server, pattern(size)) == pattern(size)


@pytest.mark.parametrize("chunk", [1, 7, 4096, 1_000_000])
async def test_every_size_of_the_guests_buffer_works(chunk: int) -> None:
    size = 3_000 if chunk < 10 else 300_000
    async with serving(1, chunk=chunk) as server:
        assert await echo(server, pattern(size)) == pattern(size)


@families
@spliced
async def test_a_blocking_client_gets_back_what_it_sent(family: FamilyName, splice: bool, is_virtual: bool) -> None:
    if is_virtual:
        return  # there is nothing that blocks

    def client(server: Server) -> bytes:
        with socket.create_connection((server.host, server.port)) as connection, connection.makefile("rb") as file:
            received = bytearray()
            for _ in range(20):
                connection.sendall(pattern(10_000))
                received += file.read(10_000)
            connection.shutdown(socket.SHUT_WR)
            return bytes(received) + file.read()

    async with serving(1, family, splice) as server:
        assert await asyncio.to_thread(client, server) == pattern(10_000) * 20


@spliced
async def test_the_guest_echoes_what_comes_before_and_after_a_pause(splice: bool) -> None:
    async with serving(1, splice=splice) as server:
        reader, writer = await world.current.connect(server.host, server.port)
        for word in (b"one", b"two", b"three"):
            writer.write(word)
            assert await reader.readexactly(len(word)) == word
        writer.close()
        await writer.wait_closed()


@spliced
async def test_half_close_lets_the_other_half_live(splice: bool) -> None:
    async with serving(1, splice=splice) as server:
        reader, writer = await world.current.connect(server.host, server.port)
        data = pattern(2_000_000)
        writer.write(data)
        writer.write_eof()
        # nothing was read so far: most of it still stands in the buffers of both sides
        assert await reader.read() == data
        writer.close()
        await writer.wait_closed()


@spliced
async def test_a_reset_hurts_only_its_own_connection(splice: bool) -> None:
    async with serving(3, splice=splice) as server:
        reader, writer = await world.current.connect(server.host, server.port)
        for when in (b"", b"after some bytes"):
            _, rude = await world.current.connect(server.host, server.port)
            rude.write(when)
            world.current.reset(rude)
        writer.write(b"still there")
        assert await reader.readexactly(11) == b"still there"
        writer.close()
        await writer.wait_closed()


@spliced
async def test_a_client_that_resets_in_mid_transfer_does_not_end_the_guest(splice: bool) -> None:
    async with serving(2, splice=splice) as server:
        _, rude = await world.current.connect(server.host, server.port)
        while not rude.transport.get_write_buffer_size():
            rude.write(pattern(1_000_000))
            await asyncio.sleep(0)
        world.current.reset(rude)
        assert await echo(server, b"hello") == b"hello"
    assert "connection" in str(server.guest.stderr)


async def test_a_client_that_does_not_read_does_not_hold_up_the_others() -> None:
    async with serving(2) as server:
        _reader, lazy = await world.current.connect(server.host, server.port)
        unsent = 0
        while unsent < 100:
            if lazy.transport.get_write_buffer_size():
                unsent += 1  # full, and the guest moves on no more
            else:
                lazy.write(pattern(1_000_000))
            await asyncio.sleep(0)
        assert await echo(server, pattern(100_000)) == pattern(100_000)
        world.current.reset(lazy)


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    """Room for 500 connections, both sides of them in this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4096
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"this process may not open more than {hard} files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_descriptors")
@spliced
async def test_500_connections_at_once_and_none_is_lost(splice: bool) -> None:
    count = 500
    async with serving(count, splice=splice) as server:
        limit = asyncio.Semaphore(100)  # of connections being made: listen has a backlog of 128

        async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            async with limit:
                return await world.current.connect(server.host, server.port)

        clients = await asyncio.gather(*(connect() for _ in range(count)))

        async def exchange(number: int) -> bytes:
            reader, writer = clients[number]
            writer.write(message(number))
            return await reader.readexactly(len(message(number)))

        def message(number: int) -> bytes:
            return f"client {number} ".encode() * 100

        for _ in range(2):
            answers = await asyncio.gather(*(exchange(number) for number in range(count)))
            assert answers == [message(number) for number in range(count)]
        for _, writer in clients:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for _, writer in clients))


async def test_the_rust_client_and_the_rust_server_talk_to_each_other() -> None:
    async with serving(4) as server:
        address = f"{server.host}:{server.port}"
        printed = await run_async("rust-tcp-client", ADDRESS=address, CONNECTIONS=4, BYTES=300_000, VERIFY=1)
        assert printed.startswith("echo: 4 connections, 2400000 bytes")


@families
async def test_a_cancelled_run_closes_listener_and_connections(family: FamilyName) -> None:
    host = LOOPBACK[family]
    address = f"{host}:0" if family == "ipv4" else f"[{host}]:0"
    guest = Guest("rust-echo-server", env={"ADDRESS": address})
    task = asyncio.create_task(guest.run_async())
    port = int((await guest.stdout.first_line()).rpartition(":")[2])
    reader, writer = await world.current.connect(host, port)
    writer.write(b"x")
    assert await reader.readexactly(1) == b"x"
    task.cancel()
    await until(task.done)
    assert task.cancelled()
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    with pytest.raises(ConnectionRefusedError):
        await world.current.connect(host, port)
