"""Clients that others wrote, of guests that `Host.serve` serves."""

from __future__ import annotations

import re
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.outside.programs import SERVICES, Certificates, curl, printed
from wasihost import Host
from wasihost.http import server_context

pytestmark = [
    pytest.mark.nightly,  # needs what `make tools` and `make nightly` install
    pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.stem),
]


async def test_curl_gets_and_sends_with_and_without_tls(service: Path, tmp_path: Path) -> None:
    certificates = Certificates(tmp_path)
    data = tmp_path / "data"
    data.write_bytes(bytes(range(256)) * 4000)
    for tls in (None, server_context(certificates.server)):
        async with Host().serve(service, port=0, tls=tls) as server:
            ask = ("--cacert", str(certificates.ca), server.url, "--header")
            assert await curl(*ask, "case: hello") == "hello"
            copy = await curl(*ask, "case: copy", "--data-binary", f"@{data}", "--output", f"{tmp_path}/copy")
            assert (copy, (tmp_path / "copy").read_bytes()) == ("", data.read_bytes())
            assert await curl(*ask, "case: hello", "--http1.0") == "hello"
            assert "500" in await curl(*ask, "case: trap", "--include")
            cut = await curl(*ask, "case: trap-after", status=18)  # CURLE_PARTIAL_FILE
            assert cut.endswith("some")


async def test_httpx_streams_in_both_directions(service: Path, tmp_path: Path) -> None:
    httpx = pytest.importorskip("httpx", reason="httpx is not installed: make nightly")
    certificates = Certificates(tmp_path)

    async def content() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 10_000

    async with Host().serve(service, port=0, tls=server_context(certificates.server)) as server:
        trusted = ssl.create_default_context(cafile=certificates.ca)
        async with httpx.AsyncClient(base_url=server.url, verify=trusted, trust_env=False) as client:
            for _ in range(3):  # on one connection
                assert (await client.get("/", headers={"case": "hello"})).text == "hello"
            async with client.stream("POST", "/", headers={"case": "copy"}, content=content()) as response:
                assert sum([len(part) async for part in response.aiter_bytes()]) == 1_000_000
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get("/", headers={"case": "trap-after"})


async def test_wrk_finds_every_request_answered(service: Path) -> None:
    async with Host().serve(service, port=0) as server:
        report = await printed("wrk", "-t1", "-c16", "-d2s", "-H", "case: hello", server.url)
    assert re.search(r"[1-9]\d* requests in ", report)
    assert "Socket errors" not in report
    assert "Non-2xx" not in report


async def test_h2load_finds_every_request_answered(service: Path) -> None:
    async with Host().serve(service, port=0) as server:
        report = await printed("h2load", "--h1", "-n1000", "-c16", "-H", "case: hello", server.url)
    assert "1000 succeeded, 0 failed, 0 errored, 0 timeout" in report
