"""A `Handler` as an application, for servers and frameworks in Python."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from wasihost._http.asgi.types import TRAILERS, Receive, Scope, Send, headers_of, lowered
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.messages import READ_BYTES, Body, Handler, Header, Request, Response, values
from wasihost._http.outgoing import HOP_BY_HOP, declared_length

LOGGER: Final = logging.getLogger("wasihost.http")


class Application:
    """An ASGI 3 application that answers with a handler.

    `opened` makes a context manager of the handler: it is entered when the server starts the lifespan, or else by the
    first request, and left with the lifespan, or else by `close`. An exception of a handler goes to the server, which
    answers 500, or cuts the connection if the head has gone out. A client that leaves cancels the handler, as soon as
    its request has come whole.
    """

    def __init__(self, opened: Callable[[], contextlib.AbstractAsyncContextManager[Handler]]) -> None:
        self._opened = opened
        self._holder: asyncio.Task[None] | None = None
        self._handler: asyncio.Future[Handler]
        self._closing: asyncio.Event

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The call of a server. Errors: ValueError, for scopes other than those of HTTP and of the lifespan."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await _Served(scope, receive, send).run(await self._open())
        else:
            raise ValueError(f"{scope['type']!r} is not served, only http is")

    async def close(self) -> None:
        """Leaves the context of `opened`."""
        holder = self._holder
        if holder is not None:
            self._holder = None
            self._closing.set()
            await holder

    async def _open(self) -> Handler:
        if self._holder is None:
            loop = asyncio.get_running_loop()
            self._handler = loop.create_future()
            self._closing = asyncio.Event()
            self._holder = loop.create_task(self._hold(self._handler, self._closing))
        return await asyncio.shield(self._handler)

    async def _hold(self, handler: asyncio.Future[Handler], closing: asyncio.Event) -> None:
        """Enters and leaves in one task, which a context manager may depend on."""
        try:
            async with self._opened() as opened:
                handler.set_result(opened)
                await closing.wait()
        except Exception as error:
            if handler.done():
                raise
            self._holder = None
            handler.set_exception(error)

    async def _live(self, receive: Receive, send: Send) -> None:
        for what, step in (("startup", self._open), ("shutdown", self.close)):
            await receive()
            try:
                await step()
            except Exception as error:
                LOGGER.exception("the %s failed", what)
                await send({"type": f"lifespan.{what}.failed", "message": str(error)})
                return
            await send({"type": f"lifespan.{what}.complete"})


class _Received(Body):
    """The body of a request that a server received; `ended` is called when all of it has been read."""

    def __init__(self, length: int | None, receive: Receive, ended: Callable[[], None]) -> None:
        self.length = length
        self._receive = receive
        self._ended = ended
        self._rest = b""
        self._has_ended = length == 0

    async def read(self, n: int = READ_BYTES) -> bytes:
        while not self._rest and not self._has_ended:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise HttpError(ErrorCode.CONNECTION_TERMINATED)
            self._rest = message.get("body", b"")
            if not message.get("more_body", False):
                self._has_ended = True
                self._ended()
        data = self._rest[:n]
        self._rest = self._rest[n:]
        return data

    async def trailers(self) -> list[Header]:
        return []  # ASGI has none of requests

    def close(self, error: HttpError | None = None) -> None:
        """The server skips the rest."""


class _Served:
    """One request of a server."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._answering: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._has_left = False

    async def run(self, handler: Handler) -> None:
        """Answers it. Errors: those of the handler, and HttpError."""
        request = self._request()
        self._answering = asyncio.get_running_loop().create_task(self._answer(handler, request))
        if request.body.length == 0:
            self._watch()
        try:
            await self._answering
        except asyncio.CancelledError:
            if not self._has_left:
                raise
        finally:
            if self._watching is not None:
                self._watching.cancel()

    def _watch(self) -> None:
        self._watching = asyncio.get_running_loop().create_task(self._until_gone())

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._has_left = True
        if self._answering is not None:
            self._answering.cancel()

    def _request(self) -> Request:
        scope = self._scope
        headers = headers_of(scope["headers"])
        host = next((value.decode("latin-1") for value in values(headers, "host")), None)
        if host is None and scope.get("server") is not None:
            name, port = scope["server"]
            host = name if port is None else f"{name}:{port}"
        length = declared_length(headers)
        if length is None and scope["http_version"] < "2" and not values(headers, "transfer-encoding"):
            length = 0
        return Request(
            method=scope["method"],
            scheme=scope.get("scheme", "http"),
            authority=host,
            path=_path(scope),
            headers=headers,
            body=_Received(length, self._receive, self._watch),
        )

    async def _answer(self, handler: Handler, request: Request) -> None:
        response = await handler(request)
        error: HttpError | None = HttpError(ErrorCode.CONNECTION_TERMINATED)
        try:
            await self._respond(response)
            error = None
        except HttpError as failed:
            error = failed
            raise
        finally:
            response.body.close(error)

    async def _respond(self, response: Response) -> None:
        body = response.body
        headers = [header for header in response.headers if header[0].lower() not in HOP_BY_HOP]
        length = declared_length(headers)
        if length is None and body.length is not None:
            length = body.length
            headers.append(("content-length", b"%d" % length))
        has_trailers = length is None and TRAILERS in self._scope.get("extensions", ())
        start = {
            "type": "http.response.start",
            "status": response.status,
            "headers": lowered(headers),
        }
        await self._send(start | {"trailers": True} if has_trailers else start)
        is_sent = self._scope["method"] != "HEAD"
        while data := await body.read():
            if is_sent:
                await self._send({"type": "http.response.body", "body": data, "more_body": True})
        trailers = await body.trailers() if length is None else []
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        if has_trailers:
            await self._send({"type": TRAILERS, "headers": lowered(trailers), "more_trailers": False})


def _path(scope: Scope) -> str:
    """The path as it was sent, below where the application is mounted, and the query."""
    path: str = (scope.get("raw_path") or quote(scope["path"]).encode()).decode("ascii")
    root = quote(scope.get("root_path", "")).rstrip("/")
    if path == root or path.startswith(f"{root}/"):
        path = path.removeprefix(root)
    query: bytes = scope.get("query_string", b"")
    return (path or "/") + (f"?{query.decode('ascii')}" if query else "")
