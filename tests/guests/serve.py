"""Guests that serve on a virtual network, and clients of them."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import AsyncIterator, Mapping
from typing import Any

from tests.guests.harness import load
from wasihost import Host
from wasihost._host.http_server import GuestServer
from wasihost._http.client import Client
from wasihost._http.connecting import connect
from wasihost._http.messages import EMPTY, Body, Request, Response
from wasihost._network.virtual import VirtualNetwork

ADDRESS = "10.0.0.9"


class Served:
    """A server of a guest, and a client on another host."""

    def __init__(self, server: GuestServer, network: VirtualNetwork) -> None:
        self.server = server
        self.client = Client(functools.partial(connect, network.host("client")))

    async def ask(self, case: str, body: Body = EMPTY, method: str = "POST", **headers: Any) -> Response:
        """The response to one of the cases of a fixture."""
        described = [("case", case.encode()), *((name, str(value).encode()) for name, value in headers.items())]
        return await self.client(
            Request(
                method=method,
                scheme="http",
                authority=str(self.server.address),
                path="/path?query",
                headers=described,
                body=body,
            )
        )

    async def answer(self, case: str, body: Body = EMPTY, method: str = "POST", **headers: Any) -> tuple[int, bytes]:
        """Status and content of such a response."""
        response = await self.ask(case, body, method, **headers)
        content = b""
        try:
            while data := await response.body.read():
                content += data
        finally:
            response.body.close()
        return response.status, content


@contextlib.asynccontextmanager
async def served(
    component: str = "rust-http",
    network: VirtualNetwork | None = None,
    settings: Mapping[str, Any] | None = None,
    **options: Any,
) -> AsyncIterator[Served]:
    """A fixture behind a server; `settings` are those of the Host, `options` those of `serve`."""
    network = network or VirtualNetwork()
    host = Host(network=network.host("server", ADDRESS), **(settings or {}))
    async with host.serve(load(component), addr=ADDRESS, port=80, **options) as server:
        yield Served(server, network)
