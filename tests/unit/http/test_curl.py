"""The server against a client that others wrote."""

from __future__ import annotations

import asyncio
import shutil
from ipaddress import ip_address
from pathlib import Path

import pytest
import trustme

from wasihost._http.answering import Answered
from wasihost._http.messages import BytesBody, Request, Response
from wasihost._http.server import HttpServer
from wasihost._http.tls import server_context
from wasihost._network.base import Address
from wasihost._network.os import OsNetwork

CURL = shutil.which("curl")
pytestmark = pytest.mark.skipif(CURL is None, reason="needs curl")
LOOPBACK = Address(ip_address("127.0.0.1"), 0)


async def curl(*arguments: str) -> bytes:
    """What curl prints."""
    assert CURL is not None
    process = await asyncio.create_subprocess_exec(
        CURL, "--silent", "--show-error", "--noproxy", "*", *arguments, stdout=asyncio.subprocess.PIPE
    )
    found, _ = await process.communicate()
    assert process.returncode == 0
    return found


async def handler(request: Request) -> Response:
    if request.method in ("POST", "PUT"):
        return Response(body=request.body)
    request.body.close()
    return Response(body=BytesBody(f"{request.scheme} {request.path}\n".encode()))


@pytest.mark.parametrize(("option", "version"), [("--http1.1", "HTTP/1.1"), ("--http2", "HTTP/2")])
async def test_curl_gets_and_sends_over_tls(option: str, version: str, tmp_path: Path) -> None:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    ca.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    data = tmp_path / "data"
    data.write_bytes(bytes(range(256)) * 8000)
    log: list[Answered] = []
    context = server_context(tmp_path / "server.pem")
    async with HttpServer(OsNetwork(), [LOOPBACK], handler, tls=context, answered=log.append) as server:
        trusting = ("--cacert", str(tmp_path / "ca.pem"), option)
        assert await curl(*trusting, f"{server.url}a", f"{server.url}b?c") == b"https /a\nhttps /b?c\n"
        sent = await curl(*trusting, "--upload-file", str(data), server.url)
        assert sent == data.read_bytes()
        sent = await curl(*trusting, "--header", "transfer-encoding: chunked", "--data-binary", f"@{data}", server.url)
        assert sent == data.read_bytes()
        assert (await curl(*trusting, "--head", server.url)).startswith(f"{version} 200 ".encode())
        assert await curl(*trusting, "--http1.0", server.url) == b"https /\n"
    assert [(entry.method, entry.status, entry.error) for entry in log] == [
        ("GET", 200, None),
        ("GET", 200, None),
        ("PUT", 200, None),
        ("POST", 200, None),
        ("HEAD", 200, None),
        ("GET", 200, None),
    ]
