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

CUT = {"--http1.1": 18, "--http2-prior-knowledge": 92}  # CURLE_PARTIAL_FILE, CURLE_HTTP2_STREAM
pytestmark = [
    pytest.mark.nightly,  # needs what `make tools` and `make nightly` install
    pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.stem),
]


@pytest.mark.parametrize("version", ["--http1.1", "--http2-prior-knowledge"])
async def test_curl_gets_and_sends_with_and_without_tls(version: str, service: Path, tmp_path: Path) -> None:
    certificates = Certificates(tmp_path)
    data = tmp_path / "data"
    data.write_bytes(bytes(range(256)) * 4000)
    for tls in (None, server_context(certificates.server)):
        async with Host().serve(service, port=0, tls=tls) as server:
            ask = (version, "--cacert", str(certificates.ca), server.url, "--header")
            assert await curl(*ask, "case: hello") == "hello"
            copy = await curl(*ask, "case: copy", "--data-binary", f"@{data}", "--output", f"{tmp_path}/copy")
            assert (copy, (tmp_path / "copy").read_bytes()) == ("", data.read_bytes())
            assert "500" in await curl(*ask, "case: trap", "--include")
            await curl(*ask, "case: trap-after", status=CUT[version])


@pytest.mark.parametrize("http2", [False, True])
async def test_httpx_streams_in_both_directions(http2: bool, service: Path, tmp_path: Path) -> None:
    httpx = pytest.importorskip("httpx", reason="httpx is not installed: make nightly")
    certificates = Certificates(tmp_path)

    async def content() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 10_000

    async with Host().serve(service, port=0, tls=server_context(certificates.server)) as server:
        trusted = ssl.create_default_context(cafile=certificates.ca)
        options = {"verify": trusted, "trust_env": False, "http2": http2}
        async with httpx.AsyncClient(base_url=server.url, **options) as client:
            for _ in range(3):  # on one connection
                answer = await client.get("/", headers={"case": "hello"})
                assert (answer.text, answer.http_version) == ("hello", "HTTP/2" if http2 else "HTTP/1.1")
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


@pytest.mark.parametrize("options", [["--h1"], ["-m10"]], ids=["http1", "http2"])
async def test_h2load_finds_every_request_answered(options: list[str], service: Path) -> None:
    async with Host().serve(service, port=0) as server:
        report = await printed("h2load", *options, "-n1000", "-c16", "-H", "case: hello", server.url)
    assert "1000 succeeded, 0 failed, 0 errored, 0 timeout" in report


async def test_nghttp_gets_several_things_on_one_connection(service: Path) -> None:
    async with Host().serve(service, port=0) as server:
        urls = [f"{server.url}{number}" for number in range(5)]
        report = await printed("nghttp", "--stat", "--header", "case: hello", *urls)
    assert report.count("hello") == 5
    assert report.count(" 200 ") == 5
