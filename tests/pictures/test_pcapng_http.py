"""HTTP of served guests in `write_pcapng`, as Wireshark dissects it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.guests.serve import served
from tests.guests.test_grpc import called
from tests.pictures.tshark import fields
from tests.tools import needs
from wasihost import allow_all
from wasihost._network.virtual import VirtualNetwork
from wasihost._recording import Recording
from wasihost._recording.pictures import write_pcapng

pytestmark = [needs("tshark"), pytest.mark.slow]


async def test_requests_to_a_guest_and_from_it_are_seen_as_http(tmp_path: Path) -> None:
    recording = Recording()
    network = VirtualNetwork()
    network.host("api.test", "10.0.0.2").serve(80, lambda _: b"HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\nok")
    async with served(network=network, settings={"recording": recording, "policy": allow_all}) as guest:
        await guest.answer("send", scheme="http", authority="api.test", path="/orders", bytes=3)
    path = tmp_path / "run.pcapng"
    write_pcapng(recording, path)
    seen = fields(path, "http.request.method", "http.request.uri", "http.response.code", where="http")
    assert {row[:2] for row in seen if row[0]} == {("POST", "/path?query"), ("GET", "/orders")}
    assert {row[2] for row in seen if not row[0]} == {"200", "202"}


async def test_calls_of_grpc_are_seen_as_http2(tmp_path: Path) -> None:
    recording = Recording()
    async with served("rust-grpc", settings={"recording": recording}) as guest:
        await called(guest, "Echo")
        guest.client.close()
    path = tmp_path / "run.pcapng"
    write_pcapng(recording, path)
    decoded = {text for row in fields(path, "http2.headers.path", where="http2") for text in row}
    assert "/echo.Echo/Echo" in decoded
