"""Guests that serve HTTP, asked with no socket."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from tests.guests.harness import load
from wasihost import Host
from wasihost._host.serving import serve_handler
from wasihost._http.errors import HttpError
from wasihost._http.messages import EMPTY, Body, BytesBody, Handler, Header, Request, Response
from wasihost._wasi.http.context import Http
from wasihost._wasi.http.fields import FieldRules
from wasihost._wasi.p2 import http as p2_http
from wasihost._wasi.p3 import http as p3_http

SOME = b"some body"


class Parts(Body):
    """A body of parts that come one after the other; an error among them breaks it off."""

    def __init__(self, *parts: bytes | HttpError, trailers: list[Header] | HttpError | None = None) -> None:
        self._parts = list(parts)
        self._trailers = trailers or []
        self.closed: list[HttpError | None] = []

    async def read(self, n: int = 1 << 16) -> bytes:
        if not self._parts:
            return b""
        part = self._parts.pop(0)
        if isinstance(part, HttpError):
            raise part
        if len(part) > n:
            self._parts.insert(0, part[n:])
        return part[:n]

    async def trailers(self) -> list[Header]:
        if isinstance(self._trailers, HttpError):
            raise self._trailers
        return self._trailers

    def close(self, error: HttpError | None = None) -> None:
        self.closed.append(error)


async def no_origin(request: Request) -> Response:
    """Of a guest that sends nothing."""
    raise AssertionError(f"a request to {request.authority}")


class Origin:
    """Answers with the content that it gets, and keeps the request."""

    def __init__(self, trailers: list[Header] | None = None) -> None:
        self._trailers = trailers or []
        self.request: Request

    async def __call__(self, request: Request) -> Response:
        self.request = request
        error: HttpError | None = None
        try:
            got = await content(Response(body=request.body))
            self.trailers = await request.body.trailers()
        except HttpError as failed:
            error = failed
            raise
        finally:
            request.body.close(error)
        return Response(
            status=201, headers=[("X-Origin", b"Yes"), ("Upgrade", b"x")], body=BytesBody(got, self._trailers)
        )


def http_providers(origin: Handler) -> dict[str, object]:
    """Of guests whose requests `origin` answers."""
    http = Http(FieldRules(), origin)
    return p3_http.providers(http) | p2_http.providers(http)


@contextlib.asynccontextmanager
async def serving(name: str, origin: Handler = no_origin) -> AsyncIterator[Handler]:
    """A handler that one instance of a fixture answers; what it sends is answered by `origin`."""
    component = load(name)
    async with Host(providers=http_providers(origin)).open(component) as instance:
        yield serve_handler(component, instance)


async def ask(handler: Handler, case: str, body: Body = EMPTY, *, by: str = "POST", **headers: Any) -> Response:
    """The response of a fixture to one of its cases, which `headers` describe."""
    described = [("case", case.encode()), *((name, str(value).encode()) for name, value in headers.items())]
    return await handler(
        Request(
            method=by,
            scheme="http",
            authority="here:81",
            path="/path?query",
            headers=[("Host", b"here:81"), *described],
            body=body,
        )
    )


async def content(response: Response) -> bytes:
    """All of the content; the trailers are left, and the body is open."""
    parts = []
    while part := await response.body.read():
        parts.append(part)
    return b"".join(parts)


async def whole(response: Response) -> tuple[bytes, list[Header]]:
    """Content and trailers of a response, whose body is closed then, with the error if it has one."""
    error: HttpError | None = None
    try:
        return await content(response), await response.body.trailers()
    except HttpError as failed:
        error = failed
        raise
    finally:
        response.body.close(error)


async def text_of(handler: Handler, case: str, body: Body = EMPTY, **headers: Any) -> str:
    """The content of the response of a fixture, as text."""
    return (await whole(await ask(handler, case, body, **headers)))[0].decode()
