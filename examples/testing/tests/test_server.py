"""A guest that is a server, in front of Python clients and of another guest."""

from __future__ import annotations

import asyncio

import pytest

from wasihost import Rules
from wasihost.pytest import GuestLoader
from wasihost.testing import VirtualNetwork

SERVER = "guests/rust-echo-server.wasm"


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes) -> bytes:
    """What a server answers."""
    writer.write(data)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


async def test_two_clients_at_once(wasi_net: VirtualNetwork, wasi_guest: GuestLoader) -> None:
    async with wasi_guest(SERVER, env={"ADDRESS": "0.0.0.0:8080"}).running():
        await wasi_net.listening("guest:8080")
        clients = [await wasi_net.connect("guest:8080") for _ in range(2)]
        answers = await asyncio.gather(*(exchange(*client, b"hello") for client in clients))
    assert answers == [b"hello", b"hello"]


async def test_a_guest_talks_to_a_guest(wasi_net: VirtualNetwork, wasi_guest: GuestLoader) -> None:
    wasi_net.host("web", "10.0.0.80")
    async with wasi_guest(SERVER, at="web", env={"ADDRESS": "0.0.0.0:8080"}).running() as server:
        await server.line("listening")
        client = wasi_guest("guests/c-echo-client.wasm", env={"ADDRESS": "10.0.0.80:8080"})
        await client.run_async()
    assert client.stdout == "echoed 1000000 bytes\n"


@pytest.mark.wasi_real_network
async def test_on_the_real_network(wasi_guest: GuestLoader) -> None:
    policy = Rules(inbound=["tcp://127.0.0.1:*"])
    async with wasi_guest(SERVER, policy=policy, env={"ADDRESS": "127.0.0.1:0"}).running() as server:
        port = int((await server.line("listening")).rpartition(":")[2])
        assert await exchange(*await asyncio.open_connection("127.0.0.1", port), b"hello") == b"hello"
