"""`rust-tcp-load` in each MODE, with a plain asyncio server on the other side."""

from __future__ import annotations

import re

import pytest

from tests.guests import world
from tests.guests.harness import FamilyName, Guest, families, run_async
from tests.guests.peers import echo, server

pytestmark = pytest.mark.usefixtures("both_networks")
NUMBERS = r"\d+ ns, \d+ p50, \d+ p99"


async def test_mode_hello_only_says_so() -> None:
    assert await run_async("rust-tcp-load") == "hello: \n"


@families
@pytest.mark.parametrize("count", [0, 1, 100])
async def test_mode_idle_keeps_the_connections_open_meanwhile(family: FamilyName, count: int) -> None:
    async with server(echo, family) as peer:
        printed = await run_async(
            "rust-tcp-load", MODE="idle", ADDRESS=peer.address, CONNECTIONS=count, ROUNDS=10, BYTES=200_000
        )
    assert re.fullmatch(rf"none open\nall open\nidle: {count} connections, 400000 bytes, {NUMBERS}\n", printed)
    assert peer.connections == count + 1


@families
@pytest.mark.parametrize("count", [1, 100])
async def test_mode_busy_echoes_on_all_connections(family: FamilyName, count: int) -> None:
    async with server(echo, family) as peer:
        printed = await run_async("rust-tcp-load", MODE="busy", ADDRESS=peer.address, CONNECTIONS=count, BYTES=50_000)
    found = re.fullmatch(
        rf"all open\nbusy: {count} connections, {count * 100_000} bytes, (\d+) ns, (\d+) fastest, (\d+) slowest\n",
        printed,
    )
    assert found
    assert int(found[2]) <= int(found[3]) <= int(found[1])


async def test_mode_accept_counts_from_the_first_connection_to_the_last() -> None:
    guest = Guest("rust-tcp-load", env={"MODE": "accept", "ROUNDS": 20})
    async with guest.running():
        host, _, port = (await guest.stdout.first_line()).removeprefix("listening on ").rpartition(":")
        for _ in range(21):
            reader, writer = await world.current.connect(host, int(port))
            assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()
    assert re.fullmatch(r"accept: 20 connections, \d+ ns", guest.stdout.lines[-1])
