"""`rust-tcp-client` and `c-tcp-client` in each MODE, and `c-echo-client`, with a plain asyncio server as their peer."""

from __future__ import annotations

import re

import pytest

from tests.guests.harness import FamilyName, Guest, fails, families, load, run_async
from tests.guests.peers import discard, echo, forget, giving, server
from wasihost import GuestExit

pytestmark = pytest.mark.usefixtures("both_networks")


@families
async def test_mode_echo(family: FamilyName) -> None:
    async with server(echo, family) as peer:
        printed = await run_async("rust-tcp-client", ADDRESS=peer.address, MODE="echo", BYTES=1_000_000, VERIFY=1)
    assert printed.startswith("echo: 1 connections, 2000000 bytes")


@families
async def test_mode_send(family: FamilyName) -> None:
    async with server(discard, family) as peer:
        printed = await run_async("rust-tcp-client", ADDRESS=peer.address, MODE="send", BYTES=3_000_000)
    assert printed.startswith("send: 1 connections, 3000000 bytes")


@families
async def test_mode_receive(family: FamilyName) -> None:
    async with server(giving(3_000_000), family) as peer:
        printed = await run_async("rust-tcp-client", ADDRESS=peer.address, MODE="receive", BYTES=3_000_000)
    assert printed.startswith("receive: 1 connections, 3000000 bytes")


@families
async def test_mode_pingpong(family: FamilyName) -> None:
    async with server(echo, family) as peer:
        printed = await run_async("rust-tcp-client", ADDRESS=peer.address, MODE="pingpong", CHUNK=100, ROUNDS=300)
    assert re.fullmatch(r"pingpong: 1 connections, 60000 bytes, \d+ ns, \d+ p50, \d+ p99\n", printed)


@families
async def test_mode_connect(family: FamilyName) -> None:
    async with server(discard, family) as peer:
        printed = await run_async("rust-tcp-client", ADDRESS=peer.address, MODE="connect", CONNECTIONS=20, ROUNDS=5)
    assert printed.startswith("connect: 20 connections, 0 bytes")
    assert peer.connections == 100


@pytest.mark.parametrize("mode", ["send", "receive", "echo", "pingpong"])
@pytest.mark.parametrize("chunk", [1, 1000, 200_000])
async def test_every_mode_works_with_every_size_of_buffer(mode: str, chunk: int) -> None:
    size = 2_000 if chunk == 1 else 400_000
    serve = {"send": discard, "receive": giving(size), "echo": echo, "pingpong": echo}[mode]
    async with server(serve) as peer:
        await run_async("rust-tcp-client", ADDRESS=peer.address, MODE=mode, BYTES=size, CHUNK=chunk, ROUNDS=2)


async def test_200_connections_at_once() -> None:
    async with server(echo) as peer:
        printed = await run_async("rust-tcp-client", ADDRESS=peer.address, BYTES=5_000, CONNECTIONS=200, VERIFY=1)
    assert printed.startswith("echo: 200 connections, 2000000 bytes")


async def test_nothing_to_send_is_a_connection_with_nothing() -> None:
    async with server(echo) as peer:
        printed = await run_async("rust-tcp-client", ADDRESS=peer.address, BYTES=0)
    assert printed.startswith("echo: 1 connections, 0 bytes")


async def test_a_refused_connection_is_reported() -> None:
    async with server(echo) as peer:
        address = peer.address
    guest = Guest("rust-tcp-client", env={"ADDRESS": address})
    failure = await fails(guest.host.run_async(load("rust-tcp-client")), GuestExit)
    assert isinstance(failure, GuestExit)
    assert failure.code == 1
    assert "connection-refused" in str(guest.stderr)


async def test_a_peer_that_resets_is_reported() -> None:
    async with server(forget) as peer:
        guest = Guest("rust-tcp-client", env={"ADDRESS": peer.address, "MODE": "send", "BYTES": 50_000_000})
        await fails(guest.host.run_async(load("rust-tcp-client")), GuestExit)
    assert "connection-reset" in str(guest.stderr) or "connection-broken" in str(guest.stderr)


@families
@pytest.mark.parametrize("mode", ["send", "receive", "echo"])
@pytest.mark.parametrize("chunk", [1000, 65536, 1 << 20])
async def test_the_c_client_moves_every_byte(mode: str, chunk: int, family: FamilyName) -> None:
    size = 3_000_000
    serve = {"send": discard, "receive": giving(size), "echo": echo}[mode]
    async with server(serve, family) as peer:
        printed = await run_async("c-tcp-client", ADDRESS=peer.address, MODE=mode, BYTES=size, CHUNK=chunk)
    assert re.fullmatch(rf"{mode}: 1 connections, {size * (1 + (mode == 'echo'))} bytes, \d+ ns\n", printed)


@families
async def test_the_c_client_compares_every_byte(family: FamilyName) -> None:
    async with server(echo, family) as peer:
        printed = await run_async("c-echo-client", ADDRESS=peer.address)
    assert "1000000" in printed


@pytest.mark.parametrize("size", [0, 1, 65536, 3_000_000])
async def test_the_c_client_sends_as_many_bytes_as_it_is_reported(size: int) -> None:
    async with server(echo) as peer:
        assert str(size) in await run_async("c-echo-client", ADDRESS=peer.address, BYTES=size)
