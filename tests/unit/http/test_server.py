"""The server against clients that send just what a test has them send, on a virtual network."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from tests.unit.http.peers import content
from tests.unit.http.test_client import Slow
from wasihost._http.answering import Answered
from wasihost._http.client import Client
from wasihost._http.connecting import connect
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.limits import ServerLimits
from wasihost._http.messages import Body, BytesBody, Handler, Header, Request, Response
from wasihost._http.server import HttpServer
from wasihost._network.base import Address
from wasihost._network.virtual import VirtualNetwork
from wasihost._testing.loop import run_virtual

HOST = b"Host: web\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
POST = b"POST / HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


class Site:
    """A server on a virtual network, and clients of it."""

    def __init__(self, handler: Handler, limits: ServerLimits | None = None) -> None:
        self.net = VirtualNetwork()
        self.log: list[Answered] = []
        host = self.net.host("web", "10.0.0.9")
        address = Address(host.addresses[0], 80)
        self.server = HttpServer(host, [address], handler, limits=limits, answered=self.log.append)

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await self.net.host("peer").connect("web:80")

    async def says(self, request: bytes, *, ends: bool = True) -> bytes:
        """All that comes back for some bytes, behind which there may be a FIN."""
        reader, writer = await self.open()
        writer.write(request)
        if ends:
            writer.write_eof()
        found = await reader.read()
        writer.close()
        return re.sub(rb"date: [^\r]*\r\n", b"", found)


@contextlib.asynccontextmanager
async def serving(handler: Handler, limits: ServerLimits | None = None) -> AsyncIterator[Site]:
    site = Site(handler, limits)
    async with site.server:
        yield site


def text(data: bytes, *headers: Header) -> Response:
    return Response(headers=list(headers), body=BytesBody(data))


async def hello(request: Request) -> Response:
    request.body.close()
    return text(b"hello")


HELLO = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"


async def described(request: Request) -> Response:
    """Says what was asked for, with the content and the trailers."""
    data = await content(request.body)
    trailers = await request.body.trailers()
    request.body.close()
    found = [request.method, request.scheme, request.authority, request.path, data.decode(), trailers]
    return text(repr(found).encode())


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


# ---- requests


TARGETS: list[tuple[bytes, tuple[str, str, str, str | None]]] = [
    (b"GET /a?b HTTP/1.1\r\nHost: x:81\r\n", ("GET", "http", "x:81", "/a?b")),
    (b"get //x/../%2f HTTP/1.1\r\nHost: [::1]:1\r\n", ("get", "http", "[::1]:1", "//x/../%2f")),
    (b"GET HTTPS://u:p@b:82?q HTTP/1.1\r\nHost: c\r\n", ("GET", "https", "b:82", "/?q")),
    (b"GET http://b HTTP/1.1\r\nHost: b\r\n", ("GET", "http", "b", "/")),
    (b"GET / HTTP/1.0\r\n", ("GET", "http", "10.0.0.9:80", "/")),
    (b"GET / HTTP/1.0\r\nHost: h\r\n", ("GET", "http", "h", "/")),
    (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n", ("OPTIONS", "http", "x", "*")),
    (b"CONNECT b:443 HTTP/1.1\r\nHost: x\r\n", ("CONNECT", "http", "b:443", None)),
    (b"\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n", ("GET", "http", "x", "/")),
]


async def test_scheme_authority_and_path_are_those_of_the_target_the_host_and_the_listener() -> None:
    seen: list[tuple[Any, ...]] = []

    async def note(request: Request) -> Response:
        seen.append((request.method, request.scheme, request.authority, request.path))
        return Response(status=404)

    async with serving(note) as site:
        for head, expected in TARGETS:
            assert status(await site.says(head + b"\r\n")) == 404
            assert seen.pop() == expected


HEAD = b"GET / HTTP/1.1\r\n"
REFUSED: list[tuple[int, bytes]] = [
    # no request
    (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"),
    (400, b"hello\r\n\r\n"),
    (400, b"GET /\r\n\r\n"),
    (400, b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n"),
    (400, b"GET /\xc3\xa4 HTTP/1.1\r\n" + HOST + b"\r\n"),
    (505, b"GET * HTTP/2.0\r\n\r\n"),
    (505, b"GET / HTTP/1.2\r\n" + HOST + b"\r\n"),
    # targets
    (400, b"GET p HTTP/1.1\r\n" + HOST + b"\r\n"),
    (400, b"GET /a#b HTTP/1.1\r\n" + HOST + b"\r\n"),
    (400, b"GET * HTTP/1.1\r\n" + HOST + b"\r\n"),
    (400, b"GET ftp://b/ HTTP/1.1\r\n" + HOST + b"\r\n"),
    (400, b"GET http:// HTTP/1.1\r\n" + HOST + b"\r\n"),
    (400, b"CONNECT /a HTTP/1.1\r\n" + HOST + b"\r\n"),
    # hosts
    (400, HEAD + b"\r\n"),
    (400, HEAD + HOST + HOST + b"\r\n"),
    (400, HEAD + b"Host: a, b\r\n\r\n"),
    (400, HEAD + b"Host: u@b\r\n\r\n"),
    (400, HEAD + b"Host: b/c\r\n\r\n"),
    (400, HEAD + b"Host: b:x\r\n\r\n"),
    (400, HEAD + b"Host:\r\n\r\n"),
    # lines
    (400, b"GET / HTTP/1.1\nHost: web\n\n"),
    (400, HEAD + b"Host: web\n\r\n"),
    (400, HEAD + HOST + b"a: b\r\n c\r\n\r\n"),
    (400, HEAD + HOST + b" a: b\r\n\r\n"),
    (400, HEAD + HOST + b"a : b\r\n\r\n"),
    (400, HEAD + HOST + b"a\r\n\r\n"),
    (400, HEAD + HOST + b": b\r\n\r\n"),
    (400, HEAD + HOST + b"a: b\rc: d\r\n\r\n"),
    (400, HEAD + HOST + b"a: b\x00\r\n\r\n"),
    (400, HEAD + HOST + b"a: \x01\r\n\r\n"),
    # lengths
    (400, POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
    (400, POST + b"Content-Length: 1, 2\r\n\r\nab"),
    (400, POST + b"Content-Length: +1\r\n\r\na"),
    (400, POST + b"Content-Length: 0x1\r\n\r\na"),
    (400, POST + b"Content-Length: -1\r\n\r\n"),
    (400, POST + b"Content-Length:\r\n\r\n"),
    (400, POST + b"Content-Length: 1 1\r\n\r\n"),
    (400, POST + b"Content-Length: 99999999999999999999999\r\n\r\n"),
    (400, POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    (400, b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    (501, POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    (501, POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
    (501, POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"),
    (501, POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    (501, POST + b"Transfer-Encoding:\r\n\r\n0\r\n\r\n"),
    # chunks
    (400, CHUNKED + b"x\r\n"),
    (400, CHUNKED + b"0x1\r\na\r\n0\r\n\r\n"),
    (400, CHUNKED + b"-1\r\na\r\n0\r\n\r\n"),
    (400, CHUNKED + b"1\na\r\n0\r\n\r\n"),
    (400, CHUNKED + b"1;a\nb\r\na\r\n0\r\n\r\n"),
    (400, CHUNKED + b"1\r\nab\r\n0\r\n\r\n"),
    (400, CHUNKED + b"1\r\na\n0\r\n\r\n"),
    (400, CHUNKED + b"0\r\n\nGET /b HTTP/1.1\r\n\r\n"),
    (400, CHUNKED + b"0\r\na: b\n\r\n"),
    (400, CHUNKED + b"0\r\na b: c\r\n\r\n"),
    (400, CHUNKED + b"fffffffffffffffffffff\r\n"),
    # the rest
    (417, HEAD + HOST + b"Expect: 200-ok\r\n\r\n"),
    (414, b"GET /" + b"a" * 300 + b" HTTP/1.1\r\n" + HOST + b"\r\n"),
    (414, b"GET /" + b"a" * 600),
    (431, HEAD + HOST + b"a: " + b"b" * 600),
    (431, HEAD + HOST + b"a: b\r\n" * 9 + b"\r\n"),
    (431, CHUNKED + b"0\r\na: " + b"b" * 600),
    (431, CHUNKED + b"0\r\n" + b"a: b\r\n" * 10 + b"\r\n"),
    (413, POST + b"Content-Length: 21\r\n\r\n"),
    (413, CHUNKED + b"15\r\n123456789012345678901\r\n0\r\n\r\n"),
]
SMALL = ServerLimits(head_bytes=512, headers=9, target_bytes=200, body_bytes=20)


async def test_what_two_servers_may_read_differently_is_refused_and_nothing_after_it_is_answered() -> None:
    async with serving(described, SMALL) as site:
        for expected, request in REFUSED:
            answer = await site.says(request + GET)
            assert (request, status(answer)) == (request, expected)
            assert answer.count(b"HTTP/1.1") == 1
            assert b"connection: close\r\n" in answer


async def test_requests_sent_ahead_are_answered_in_their_order() -> None:
    async with serving(described) as site:
        requests = (
            POST + b"Content-Length: 1\r\n\r\n1",
            CHUNKED + b"1;ext\r\n2\r\n0\r\nA: b\r\na: c\r\n\r\n",
            GET,
        )
        answer = await site.says(b"".join(requests))
        assert re.findall(rb"\['\w+', 'http', 'web', '/', (.*?\])\]", answer) == [
            b"'1', []",
            b"'2', [('A', b'b'), ('a', b'c')]",
            b"'', []",
        ]
        assert len(site.net.connections) == 1


async def test_what_was_sent_ahead_and_is_no_request_is_refused_once() -> None:
    async with serving(described) as site:
        answer = await site.says(GET + GET + b"hello\r\n\r\n" + GET)
        assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200", b"200", b"400"]


async def test_a_request_may_come_a_byte_at_a_time() -> None:
    async with serving(described) as site:
        reader, writer = await site.open()
        for byte in CHUNKED + b"3\r\nabc\r\n1\r\nd\r\n0\r\na: b\r\n\r\n":
            writer.write(bytes([byte]))
            await asyncio.sleep(0)
        assert b"'abcd', [('a', b'b')]]" in await reader.readuntil(b"]]")
        writer.close()


async def test_requests_on_one_connection_do_not_wait_for_each_other_to_be_sent() -> None:
    async with serving(hello) as site:
        reader, writer = await site.open()
        for _ in range(3):
            writer.write(GET)
            assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200 OK\r\n")
        writer.close()


# ---- answers


@pytest.mark.parametrize(
    ("request_head", "response", "expected"),
    [
        (b"GET / HTTP/1.1", text(b"hello"), b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"),
        (
            b"GET / HTTP/1.1",
            text(b"hello", ("Content-Length", b"5"), ("Date", b"now"), ("X", b" 1 ")),
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nDate: now\r\nX: 1\r\n\r\nhello",
        ),
        (
            b"GET / HTTP/1.0",
            text(b"hello"),
            b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello",
        ),
        (
            b"GET / HTTP/1.1\r\nConnection: x, close",
            text(b"hello"),
            b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello",
        ),
        (b"GET / HTTP/1.1", Response(), b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
        (b"GET / HTTP/1.1", Response(status=299), b"HTTP/1.1 299 \r\ncontent-length: 0\r\n\r\n"),
        (b"HEAD / HTTP/1.1", text(b"hello"), b"HTTP/1.1 200 OK\r\n\r\n"),
        (
            b"HEAD / HTTP/1.1",
            Response(headers=[("content-length", b"7")]),
            b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n",
        ),
        (
            b"GET / HTTP/1.1",
            Response(status=204, headers=[("content-length", b"7")], body=BytesBody(b"a")),
            b"HTTP/1.1 204 No Content\r\n\r\n",
        ),
        (
            b"GET / HTTP/1.1",
            Response(status=304, headers=[("content-length", b"7")]),
            b"HTTP/1.1 304 Not Modified\r\ncontent-length: 7\r\n\r\n",
        ),
        (b"CONNECT a:1 HTTP/1.1", Response(), b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"),
        (
            b"GET / HTTP/1.1",
            Response(headers=[("Connection", b"close"), ("Transfer-Encoding", b"gzip"), ("Upgrade", b"x")]),
            b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        ),
    ],
)
async def test_an_answer_is_sent_as_given_with_its_framing_and_a_date(
    request_head: bytes, response: Response, expected: bytes
) -> None:
    async def handler(_request: Request) -> Response:
        return response

    async with serving(handler) as site:
        assert await site.says(request_head + b"\r\nHost: web\r\n\r\n") == expected


async def test_a_date_is_the_calendar_s() -> None:
    async with serving(hello) as site:
        reader, writer = await site.open()
        writer.write(GET)
        assert re.search(rb"\r\ndate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n", await reader.readuntil(b"hello"))
        writer.close()


TRAILERS: list[Header] = [("A", b"1"), ("a", b"2")]


@pytest.mark.parametrize(
    ("extra", "version", "expected"),
    [
        (b"TE: trailers", b"1.1", b"2\r\nab\r\n1\r\nc\r\n0\r\nA: 1\r\na: 2\r\n\r\n"),
        (b"X: y", b"1.1", b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"),
        (b"X: y", b"1.0", b"abc"),
    ],
)
async def test_content_of_no_known_length_is_chunked_and_has_trailers_if_the_client_takes_them(
    extra: bytes, version: bytes, expected: bytes
) -> None:
    async def handler(_request: Request) -> Response:
        body = Slow(trailers=TRAILERS)
        for piece in (b"ab", b"c", b""):
            body.pieces.put_nowait(piece)
        return Response(body=body)

    async with serving(handler) as site:
        answer = await site.says(b"GET / HTTP/" + version + b"\r\nHost: web\r\n" + extra + b"\r\n\r\n")
        assert answer.partition(b"\r\n\r\n")[2] == expected


async def test_a_handler_that_raises_is_a_500_that_says_nothing_more(caplog: pytest.LogCaptureFixture) -> None:
    async def handler(_request: Request) -> Response:
        raise ValueError("the secret of the house")

    async with serving(handler) as site:
        answer = await site.says(GET + GET)
        assert answer.count(b"HTTP/1.1 500 Internal Server Error") == 2
        assert b"500 Internal Server Error\n" in answer
        assert b"secret" not in answer
    assert [(record.name, record.message) for record in caplog.records] == [("wasihost.http", "GET /: no answer")] * 2
    assert "the secret of the house" in caplog.text


async def test_an_http_error_of_a_handler_is_a_500_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def handler(_request: Request) -> Response:
        raise HttpError(ErrorCode.LOOP_DETECTED)

    async with serving(handler) as site:
        assert status(await site.says(GET)) == 500
    assert caplog.messages == ["GET /: no answer: loop-detected"]


@pytest.mark.parametrize(
    "response",
    [
        Response(status=100),
        Response(status=1000),
        Response(headers=[("a b", b"")]),
        Response(headers=[("a", b"1\r\nb: 2")]),
        Response(headers=[("content-length", b"x")]),
        Response(headers=[("content-length", b"5")]),
    ],
    ids=repr,
)
async def test_an_answer_that_cannot_be_sent_is_a_500(response: Response, caplog: pytest.LogCaptureFixture) -> None:
    async def handler(_request: Request) -> Response:
        return response

    async with serving(handler) as site:
        assert status(await site.says(GET)) == 500
    assert caplog.records[0].levelno == logging.WARNING


def _length(number: int) -> Header:
    return ("content-length", b"%d" % number)


@pytest.mark.parametrize(
    ("headers", "pieces", "trailers", "closed", "sent"),
    [
        ([_length(3)], [b"ab"], None, ErrorCode.HTTP_RESPONSE_BODY_SIZE, b"ab"),
        ([_length(3)], [b"ab", b"cd"], None, ErrorCode.HTTP_RESPONSE_BODY_SIZE, b"ab"),
        ([_length(2)], [b"ab"], None, None, b"ab"),
        ([], [b"ab"], HttpError(ErrorCode.LOOP_DETECTED), ErrorCode.LOOP_DETECTED, b"2\r\nab\r\n"),
    ],
)
async def test_an_answer_that_breaks_off_has_no_end(
    headers: list[Header], pieces: list[bytes], trailers: HttpError | None, closed: ErrorCode | None, sent: bytes
) -> None:
    bodies: list[Slow] = []

    async def handler(_request: Request) -> Response:
        body = Slow(trailers=trailers)
        for piece in [*pieces, b""]:
            body.pieces.put_nowait(piece)
        bodies.append(body)
        return Response(headers=headers, body=body)

    async with serving(handler) as site:
        answer = await site.says(GET, ends=closed is None)
        assert answer.partition(b"\r\n\r\n")[2] == sent
        assert await bodies[0].closed is closed


async def test_a_body_in_python_that_raises_cuts_the_answer(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Slow):
        async def read(self, n: int = 0) -> bytes:
            raise ZeroDivisionError

    async def handler(_request: Request) -> Response:
        return Response(body=Broken())

    async with serving(handler) as site:
        answer = await site.says(GET, ends=False)
        assert answer.endswith(b"\r\n\r\n")
        assert b"0\r\n" not in answer.partition(b"\r\n\r\n")[2]
    assert caplog.messages == ["GET /: the body of the answer failed"]


async def test_an_answer_of_http_1_0_that_breaks_off_is_reset() -> None:
    async def handler(_request: Request) -> Response:
        body = Slow(trailers=HttpError(ErrorCode.LOOP_DETECTED))
        body.pieces.put_nowait(b"abc")
        body.pieces.put_nowait(b"")
        return Response(body=body)

    async with serving(handler) as site:
        with pytest.raises(ConnectionResetError):
            await site.says(b"GET / HTTP/1.0\r\n\r\n", ends=False)


# ---- both at a time


async def echo(request: Request) -> Response:
    return Response(body=request.body)


async def test_a_body_can_be_sent_back_while_it_comes() -> None:
    async with serving(echo) as site:
        reader, writer = await site.open()
        writer.write(CHUNKED)
        await reader.readuntil(b"\r\n\r\n")
        for _ in range(3):
            writer.write(b"1\r\nx\r\n")
            assert await reader.readexactly(6) == b"1\r\nx\r\n"
        writer.write(b"0\r\n\r\n" + GET)
        assert await reader.readexactly(5) == b"0\r\n\r\n"
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_the_answer_to_a_client_that_has_ended_is_whole() -> None:
    async def handler(request: Request) -> Response:
        await asyncio.sleep(0.01)
        return await described(request)

    async with serving(handler) as site:
        assert b"'abc'" in await site.says(POST + b"Content-Length: 3\r\n\r\nabc")


async def test_a_request_that_was_sent_ahead_and_breaks_off_is_seen() -> None:
    async with serving(described) as site:
        answer = await site.says(GET + GET + CHUNKED + b"3\r\nab")
        assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200", b"200", b"400"]


@pytest.mark.parametrize(("sent", "expected"), [(b"Content-Length: 9\r\n\r\nabc", 400), (b"Content-Le", 0)])
async def test_a_request_that_breaks_off_is_seen(sent: bytes, expected: int) -> None:
    async with serving(described) as site:
        assert status(await site.says(POST + sent)) == expected


@pytest.mark.parametrize("reads", [True, False])
async def test_content_is_asked_for_when_the_handler_reads_it(reads: bool) -> None:
    async with serving(described if reads else hello) as site:
        reader, writer = await site.open()
        writer.write(POST + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        if reads:
            assert head == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"abc")
            assert b"'abc'" in await reader.readuntil(b"]")
        else:
            assert b"connection: close" in head
            assert await reader.read() == b"hello"
        writer.close()


async def test_content_is_asked_for_before_an_answer_that_may_depend_on_it() -> None:
    async with serving(echo) as site:
        reader, writer = await site.open()
        writer.write(POST + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"abc")
        assert (await reader.readuntil(b"abc")).startswith(b"HTTP/1.1 200 OK\r\n")
        writer.close()


async def test_content_that_is_not_read_and_all_there_is_skipped() -> None:
    async with serving(hello) as site:
        answer = await site.says(POST + b"Content-Length: 3\r\n\r\nabc" + GET)
        assert answer == HELLO * 2


async def test_content_that_is_not_read_and_goes_on_ends_the_connection_but_not_the_answer() -> None:
    async with serving(hello) as site:
        reader, writer = await site.open()
        writer.write(POST + b"Content-Length: 10000000\r\n\r\n")
        assert (await reader.read()).endswith(b"hello")
        writer.write(bytes(100_000))  # is thrown away
        await writer.drain()
        writer.close()


async def test_content_that_no_handler_ever_looks_at_is_the_same() -> None:
    async def handler(_request: Request) -> Response:
        return text(b"hello")

    async with serving(handler) as site:
        answer = await site.says(POST + b"Content-Length: 10000000\r\n\r\n", ends=False)
        assert answer.endswith(b"hello")


async def test_a_client_that_leaves_cancels_the_handler_and_ends_bodies() -> None:
    waits = asyncio.Event()
    cancelled: list[str] = []

    async def handler(request: Request) -> Response:
        waits.set()
        try:
            await request.body.read()
        except BaseException as error:
            cancelled.append(type(error).__name__)
            raise
        raise AssertionError

    async with serving(handler) as site:
        _, writer = await site.open()
        writer.write(CHUNKED)
        await waits.wait()
        writer.transport.abort()
        while not site.log:  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert cancelled == ["CancelledError"]
        [entry] = site.log
        assert (entry.status, entry.error and entry.error.code) == (None, ErrorCode.CONNECTION_TERMINATED)


async def test_a_client_that_leaves_ends_the_answer_s_body() -> None:
    bodies: list[Slow] = []

    async def handler(_request: Request) -> Response:
        bodies.append(Slow())
        return Response(body=bodies[0])

    async with serving(handler) as site:
        reader, writer = await site.open()
        writer.write(GET)
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()
        assert await bodies[0].closed is ErrorCode.CONNECTION_TERMINATED


class Flood(Body):
    """Content without an end."""

    def __init__(self) -> None:
        self.sent = 0

    async def read(self, n: int = 0) -> bytes:
        self.sent += 1 << 16
        return bytes(1 << 16)

    async def trailers(self) -> list[Header]:
        raise AssertionError

    def close(self, error: HttpError | None = None) -> None:
        """Nothing waits."""


async def _until_still(count: Callable[[], int]) -> int:
    """What is counted when it does not grow any more."""
    found = -1
    while found < count():
        found = count()
        for _ in range(100):
            await asyncio.sleep(0)
    return found


async def test_a_client_that_does_not_read_holds_the_handler_back() -> None:
    flood = Flood()

    async def handler(_request: Request) -> Response:
        return Response(body=flood)

    async with serving(handler) as site:
        reader, writer = await site.open()
        writer.write(GET)
        transport = writer.transport
        assert isinstance(transport, asyncio.ReadTransport)
        transport.pause_reading()
        assert await _until_still(lambda: flood.sent) < 4 << 20
        transport.resume_reading()
        await reader.readexactly(8 << 20)
        transport.abort()


async def test_small_pieces_that_are_all_there_are_held_back_too() -> None:
    class Drops(Flood):
        async def read(self, n: int = 0) -> bytes:
            self.sent += 1 << 10
            return bytes(1 << 10)

    drops = Drops()

    async def handler(_request: Request) -> Response:
        return Response(body=drops)

    async with serving(handler, ServerLimits(write_timeout_s=1e6)) as site:
        _, writer = await site.open()
        assert isinstance(writer.transport, asyncio.ReadTransport)
        writer.transport.pause_reading()
        writer.write(GET)
        assert 0 < await _until_still(lambda: drops.sent) < 4 << 20
        writer.transport.abort()


async def test_a_handler_that_does_not_read_holds_the_client_back() -> None:
    async def handler(request: Request) -> Response:
        await request.body.read(1)
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    async with serving(handler) as site:
        _, writer = await site.open()
        writer.write(POST + b"Content-Length: 100000000\r\n\r\n")
        sent = 0

        async def send() -> None:
            nonlocal sent
            while True:
                writer.write(bytes(1 << 16))
                await writer.drain()
                sent += 1 << 16

        sending = asyncio.ensure_future(send())
        assert await _until_still(lambda: sent) < 4 << 20
        sending.cancel()
        writer.transport.abort()


async def test_requests_sent_ahead_without_end_are_held_back() -> None:
    async def handler(_request: Request) -> Response:
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    async with serving(handler) as site:
        _, writer = await site.open()
        sent = 0

        async def send() -> None:
            nonlocal sent
            while True:
                writer.write(GET * 1000)
                await writer.drain()
                sent += 1

        sending = asyncio.ensure_future(send())
        assert await _until_still(lambda: sent) < 200
        sending.cancel()
        writer.transport.abort()


async def test_connections_beyond_the_limit_wait_for_their_turn() -> None:
    async with serving(hello, ServerLimits(connections=2)) as site:
        clients = [await site.open() for _ in range(3)]
        for _, writer in clients:
            writer.write(GET)
        for reader, _ in clients[:2]:
            await reader.readuntil(b"hello")
        reader, writer = clients[2]
        waiting = asyncio.ensure_future(reader.readuntil(b"hello"))
        for _ in range(100):
            await asyncio.sleep(0)
        assert not waiting.done()
        clients[0][1].close()
        await waiting
        for _, writer in clients:
            writer.close()


async def test_an_answer_is_noted_with_its_status_size_and_error() -> None:
    async with serving(hello) as site:
        await site.says(b"GET /a?b HTTP/1.1\r\nHost: web\r\n\r\n")
        [entry] = site.log
        assert (entry.method, entry.target, entry.status, entry.content_bytes, entry.error) == (
            "GET",
            "/a?b",
            200,
            5,
            None,
        )
        assert entry.peer == str(site.net.host("peer").addresses[0])


async def test_a_client_may_break_off_at_every_byte() -> None:
    whole = CHUNKED + b"3\r\nabc\r\n0\r\na: b\r\n\r\n"
    async with serving(described) as site:
        for size in range(len(whole) + 1):
            for ends in (asyncio.StreamWriter.write_eof, _abort, asyncio.StreamWriter.close):
                reader, writer = await site.open()
                writer.write(whole[:size])
                ends(writer)
                with contextlib.suppress(ConnectionError):
                    await reader.read()
                writer.close()
        assert status(await site.says(GET)) == 200


def _abort(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def test_a_client_of_ours_forwards_from_one_server_to_another() -> None:
    async with serving(echo) as site:
        client = Client(functools.partial(connect, site.net.host("proxy")))
        proxy = site.net.host("proxy")

        async def forward(request: Request) -> Response:
            return await client(dataclasses.replace(request, authority="web"))

        async with HttpServer(proxy, [Address(proxy.addresses[0], 80)], forward):
            outer = Client(functools.partial(connect, site.net.host("peer")))
            sent = Slow(trailers=TRAILERS)
            response = await outer(
                Request(method="PUT", scheme="http", authority="proxy", headers=[("TE", b"trailers")], body=sent)
            )
            for piece in (b"ab", b"c" * 100_000):
                sent.pieces.put_nowait(piece)
                assert (await response.body.read())[:1] == piece[:1]
            sent.pieces.put_nowait(b"")
            await content(response.body)
            assert await response.body.trailers() == TRAILERS
            response.body.close()
            assert await sent.closed is None


async def test_what_is_no_request_is_noted_too() -> None:
    async with serving(hello) as site:
        await site.says(b"hello\r\n\r\n")
        assert [(entry.method, entry.target, entry.status) for entry in site.log] == [("-", "-", 400)]


# ---- time, all of it virtual


def test_clients_that_are_slow_or_idle_are_cut_off_in_time() -> None:
    limits = ServerLimits(head_timeout_s=10, idle_timeout_s=20, body_timeout_s=30, write_timeout_s=40)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for sends, statuses, seconds in (
            (b"", [], 10),
            (b"GET / HT", [b"408"], 10),
            (GET, [b"200"], 20),
            (GET + b"GET", [b"200", b"408"], 10),
            (POST + b"Content-Length: 3\r\n\r\na", [b"408"], 30),
        ):
            async with serving(described, limits) as site:
                reader, writer = await site.open()
                begun = loop.time()
                writer.write(sends)
                assert re.findall(rb"HTTP/1.1 (\d+)", await reader.read()) == statuses
                assert loop.time() - begun == pytest.approx(seconds)
                writer.close()

    run_virtual(main())


def test_a_head_that_drips_in_has_its_time_in_all() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with serving(hello, ServerLimits(head_timeout_s=10)) as site:
            reader, writer = await site.open()
            for byte in GET:
                writer.write(bytes([byte]))
                await asyncio.sleep(1)
                if loop.time() >= 10.5:
                    break
            assert status(await reader.read()) == 408
            writer.close()

    run_virtual(main())


def test_a_client_that_takes_nothing_is_cut_off() -> None:
    async def main() -> None:
        async def handler(_request: Request) -> Response:
            return Response(body=Flood())

        async with serving(handler, ServerLimits(write_timeout_s=40)) as site:
            _, writer = await site.open()
            assert isinstance(writer.transport, asyncio.ReadTransport)
            writer.transport.pause_reading()
            writer.write(GET)
            while not site.log:  # noqa: ASYNC110
                await asyncio.sleep(1)
            assert asyncio.get_running_loop().time() == pytest.approx(40, abs=1.5)
            assert site.log[0].error is not None
            assert site.log[0].error.code is ErrorCode.CONNECTION_WRITE_TIMEOUT
            writer.close()

    run_virtual(main())


def _drained(
    clients: Callable[[Site], Awaitable[list[bytes]]], handler: Handler = hello, limit_s: float = 30
) -> tuple[list[bytes], float]:
    """What clients got from a server that was drained after a second, and how long that took."""

    async def main() -> tuple[list[bytes], float]:
        loop = asyncio.get_running_loop()
        async with serving(handler) as site:
            answers = asyncio.ensure_future(clients(site))
            await asyncio.sleep(1)
            await site.server.drain(limit_s)
            took = round(loop.time() - 1, 6)
            return await answers, took

    return run_virtual(main())


def test_draining_closes_idle_connections_at_once() -> None:
    async def clients(site: Site) -> list[bytes]:
        return [await site.says(GET, ends=False)]

    assert _drained(clients) == ([HELLO], 0)


def test_draining_answers_what_has_begun_to_come_and_closes() -> None:
    async def handler(request: Request) -> Response:
        await asyncio.sleep(5)
        return await hello(request)

    async def half(site: Site) -> bytes:
        reader, writer = await site.open()
        writer.write(GET[:10])
        await asyncio.sleep(3)
        writer.write(GET[10:])
        answer = await reader.read()
        writer.close()
        return answer

    async def first_request_is_late(site: Site) -> bytes:
        reader, writer = await site.open()
        await asyncio.sleep(1.5)
        writer.write(GET)
        answer = await reader.read()
        writer.close()
        return answer

    async def clients(site: Site) -> list[bytes]:
        return list(await asyncio.gather(site.says(GET, ends=False), half(site), first_request_is_late(site)))

    answers, took = _drained(clients, handler)
    assert all(b"connection: close" in answer and answer.endswith(b"hello") for answer in answers)
    assert took == 7


def test_draining_does_not_wait_for_a_connection_without_a_request_nor_beyond_its_limit() -> None:
    async def never(_request: Request) -> Response:
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    async def unused(site: Site) -> list[bytes]:
        return [await site.says(b"", ends=False)]

    async def stuck(site: Site) -> list[bytes]:
        try:
            return [await site.says(GET, ends=False)]
        except ConnectionResetError:
            return [b"reset"]

    assert _drained(unused) == ([b""], 1)
    assert _drained(stuck, never) == ([b"reset"], 30)
    assert _drained(stuck, never, limit_s=0.5) == ([b"reset"], 0.5)
