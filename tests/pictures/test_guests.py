"""Guests on real sockets, recorded: tshark finds in the packets what their peers sent and got."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from tests.guests.harness import LOOPBACK, FamilyName, Guest, families, text
from tests.pictures.tshark import fields, problems, stream_count, streams
from tests.tools import needs
from wasihost._recording import Recording
from wasihost._recording.pictures import write_pcapng

pytestmark = needs("tshark")
SENT = [b"Hello, component!", bytes(range(256)) * 2000, b""]


@families
async def test_what_an_echo_server_sent_back_can_be_followed(family: FamilyName, tmp_path: Path) -> None:
    recording, host = Recording(), LOOPBACK[family]
    guest = Guest("rust-echo-server", recording=recording, env={"ADDRESS": text(host, 0), "CONNECTIONS": len(SENT)})
    async with guest.running():
        port = int((await guest.stdout.first_line()).rpartition(":")[2])
        for data in SENT:
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(data)
            writer.write_eof()
            assert await reader.read() == data
            writer.close()
            await writer.wait_closed()
    write_pcapng(recording, path := tmp_path / "run.pcapng")
    assert stream_count(path) == len(SENT)
    assert streams(path, len(SENT)) == [(data, data) for data in SENT]
    assert problems(path) == []


async def test_what_a_guest_of_0_2_sent_to_itself_can_be_followed(tmp_path: Path) -> None:
    recording = Recording()
    await Guest("rust-p2-net", recording=recording, env={"CASE": "listen-and-connect"}).run_async()
    write_pcapng(recording, path := tmp_path / "run.pcapng")
    assert streams(path, 1) == [(b"ping", b"pong")]
    assert problems(path) == []


async def test_a_server_and_a_client_that_are_both_guests_have_one_stream(tmp_path: Path) -> None:
    recording = Recording()
    server = Guest("rust-echo-server", recording=recording, env={"CONNECTIONS": 1})
    async with server.running():
        address = (await server.stdout.first_line()).removeprefix("listening on ")
        client = Guest("c-echo-client", recording=recording, env={"ADDRESS": address})
        assert await client.run_async() == "echoed 1000000 bytes\n"
    write_pcapng(recording, path := tmp_path / "run.pcapng")
    assert stream_count(path) == 1
    ((sent, echoed),) = streams(path, 1)
    assert sent == echoed
    assert len(sent) == 1_000_000
    assert problems(path) == []


@families
async def test_datagrams_of_an_echo_server_are_packets(family: FamilyName, tmp_path: Path) -> None:
    recording, host = Recording(), LOOPBACK[family]
    guest = Guest("rust-udp-echo", recording=recording, env={"ADDRESS": text(host, 0), "MESSAGES": 2})
    async with guest.running():
        port = int((await guest.stdout.first_line()).rpartition(":")[2])
        with socket.socket(socket.AF_INET if family == "ipv4" else socket.AF_INET6, socket.SOCK_DGRAM) as peer:
            peer.setblocking(False)
            peer.connect((host, port))
            for message in (b"one", b"two"):
                peer.send(message)
                assert await asyncio.get_running_loop().sock_recv(peer, 99) == message
            mine = str(peer.getsockname()[1])
    write_pcapng(recording, path := tmp_path / "run.pcapng")
    there, back = (mine, str(port)), (str(port), mine)
    payloads = [(*there, b"one"), (*back, b"one"), (*there, b"two"), (*back, b"two")]
    found = fields(path, "udp.srcport", "udp.dstport", "udp.payload")
    assert found == [(source, goal, data.hex()) for source, goal, data in payloads]
    assert problems(path) == []


@families
@pytest.mark.parametrize(
    "name", ["rust-tcp-states", "rust-tcp-connections", "rust-tcp-streams", "rust-udp", "c-udp-methods"]
)
def test_whatever_guests_do_the_packets_are_in_order(name: str, family: FamilyName, tmp_path: Path) -> None:
    recording = Recording()
    asyncio.run(Guest(name, recording=recording, env={"FAMILY": family}).run_async())
    write_pcapng(recording, path := tmp_path / "run.pcapng")
    assert fields(path, "frame.number")
    assert problems(path) == []
