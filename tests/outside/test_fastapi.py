"""A FastAPI application around guests, before them, and as a server to which they send."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.guests.http import text_of
from tests.outside.programs import PREBUILT, Certificates
from wasihost import Host, Rules
from wasihost.http import asgi, client_context

SERVICE = PREBUILT / "rust-http.wasm"
pytestmark = pytest.mark.nightly


@pytest.fixture
def fastapi() -> Any:
    return pytest.importorskip("fastapi", reason="FastAPI is not installed: make nightly")


@pytest.fixture
def api(fastapi: Any) -> Any:
    """An application with one resource."""

    async def order(number: int, content: dict[str, str] | None = None) -> dict[str, object]:
        return {"number": number, "content": content}

    found = fastapi.FastAPI()
    found.post("/orders/{number}")(order)
    return found


@contextlib.asynccontextmanager
async def uvicorn_serving(app: Any, **options: Any) -> AsyncIterator[int]:
    """The port on which uvicorn serves an application."""
    uvicorn = pytest.importorskip("uvicorn", reason="uvicorn is not installed: make nightly")
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", **options))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(server.serve([listener]))
        yield listener.getsockname()[1]
        server.should_exit = True
        await serving


ASKED: dict[str, Any] = {"method": "POST", "path": "/orders/7"}


async def test_it_answers_what_a_guest_sends_with_no_socket(api: Any) -> None:
    async with Host(http={"api.internal": api}).answering(SERVICE) as handler:
        lines = await text_of(handler, "send", authority="api.internal", **ASKED)
    assert lines.splitlines()[0] == "200"


async def test_it_answers_what_a_guest_sends_over_a_network(api: Any) -> None:
    async with uvicorn_serving(api) as port:
        host = Host(policy=Rules(http=[f"POST http://127.0.0.1:{port}/orders/*"]))
        async with host.answering(SERVICE) as handler:
            lines = await text_of(handler, "send", scheme="http", authority=f"127.0.0.1:{port}", **ASKED)
    assert lines.splitlines()[0] == "200"


async def test_it_answers_what_a_guest_sends_over_tls_if_its_ca_is_trusted(api: Any, tmp_path: Path) -> None:
    certificates = Certificates(tmp_path)
    async with uvicorn_serving(api, ssl_certfile=certificates.server, ssl_keyfile=certificates.server) as port:
        rules = Rules(http=[f"POST https://localhost:{port}/orders/*"])
        for trusted, first in ((client_context(ca=certificates.ca), "200"), (None, "ErrorCode::TlsCertificateError")):
            async with Host(policy=rules, tls=trusted).answering(SERVICE) as handler:
                lines = await text_of(handler, "send", authority=f"localhost:{port}", **ASKED)
            assert lines.splitlines()[0] == first


async def test_a_guest_is_mounted_in_it(api: Any) -> None:
    httpx = pytest.importorskip("httpx", reason="httpx is not installed: make nightly")
    guest = asgi(Host(), SERVICE)
    api.mount("/guest", guest)
    try:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://here") as client:
            answer = await client.post("/orders/7", json={"a": "b"})
            assert answer.json() == {"number": 7, "content": {"a": "b"}}
            described = await client.get("/guest/a?b", headers={"case": "describe"})
            assert described.text.splitlines()[0] == 'Method::Get Some(Scheme::Http) Some("here") Some("/a?b")'
    finally:
        await guest.close()
