"""Servers that say just what a test has them say, and clients on the same virtual network."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TypeAlias

import pytest

from wasihost._http.client import Client
from wasihost._http.connecting import connect
from wasihost._http.errors import ErrorCode, HttpError, Payload
from wasihost._http.limits import MessageLimits
from wasihost._http.messages import Body, Request, Response
from wasihost._network.virtual import VirtualNetwork

Script: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Origin:
    """A server on the host `web`, and a client of it."""

    def __init__(self, script: Script, limits: MessageLimits | None = None, keeps_alive: bool = True) -> None:
        self.net = VirtualNetwork()
        self.script = script
        self.requests: list[bytes] = []
        self.client = Client(functools.partial(connect, self.net.guest), limits=limits, keeps_alive=keeps_alive)
        self._server = self.net.host("web").listen(80, self._serve)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                await self.script(reader, writer)
        finally:
            writer.close()

    async def close(self) -> None:
        self.client.close()
        self._server.close()
        await self._server.wait_closed()


@contextlib.asynccontextmanager
async def origin(
    script: Script | bytes, limits: MessageLimits | None = None, *, keeps_alive: bool = True
) -> AsyncIterator[Origin]:
    """A server that does as the script, or says this after each request's head and closes."""
    found = Origin(saying(script) if isinstance(script, bytes) else script, limits, keeps_alive)
    try:
        yield found
    finally:
        await found.close()


def saying(text: bytes) -> Script:
    async def script(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        await writer.drain()

    return script


@contextlib.contextmanager
def code(expected: ErrorCode, payload: Payload = None) -> Iterator[None]:
    """Checks that an HttpError is raised, and its code and payload."""
    with pytest.raises(HttpError) as caught:
        yield
    assert (caught.value.code, caught.value.payload) == (expected, payload)


def get(**fields: object) -> Request:
    """A GET of the server."""
    return Request(**{"scheme": "http", "authority": "web", "path": "/"} | fields)  # type: ignore[arg-type]


async def content(body: Body) -> bytes:
    """All of the content."""
    found = b""
    while data := await body.read():
        found += data
    return found


async def whole(response: Response) -> tuple[int, bytes]:
    """Status and content, of a response that is then closed."""
    found = await content(response.body)
    response.body.close()
    return response.status, found
