"""The client against servers that say just what a test has them say, on a virtual network."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import socket
import struct
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.unit.http.peers import Origin, Script, code, content, get, origin, saying, whole
from wasihost._http.client import Client
from wasihost._http.connecting import connect
from wasihost._http.errors import DnsErrorPayload, ErrorCode, HttpError, Payload
from wasihost._http.limits import MessageLimits
from wasihost._http.messages import Body, BytesBody, Header, Request, RequestOptions
from wasihost._network.base import Socket, os_error
from wasihost._network.os import OsNetwork
from wasihost._testing.loop import run_virtual

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Slow(Body):
    """A body whose pieces come when a test puts them into `pieces`; b"" ends it."""

    def __init__(self, length: int | None = None, trailers: list[Header] | HttpError | None = None) -> None:
        self.length = length
        self.pieces = asyncio.Queue[bytes]()
        self.closed = asyncio.get_running_loop().create_future()
        self._trailers = trailers or []

    async def read(self, n: int = 0) -> bytes:
        return await self.pieces.get()

    async def trailers(self) -> list[Header]:
        if isinstance(self._trailers, HttpError):
            raise self._trailers
        return self._trailers

    def close(self, error: HttpError | None = None) -> None:
        if not self.closed.done():
            self.closed.set_result(error and error.code)


class Broken(Body):
    """A body of Python whose code is wrong."""

    async def read(self, n: int = 0) -> bytes:
        raise ZeroDivisionError

    async def trailers(self) -> list[Header]:
        return []

    def close(self, error: HttpError | None = None) -> None:
        """Nothing waits."""


# ---- what is sent


HEADS: list[tuple[Request, bytes]] = [
    (get(), b"GET / HTTP/1.1\r\nhost: web\r\n\r\n"),
    (get(path=None), b"GET / HTTP/1.1\r\nhost: web\r\n\r\n"),
    (get(path="?q", scheme="HTTP"), b"GET /?q HTTP/1.1\r\nhost: web\r\n\r\n"),
    (get(path="*", method="OPTIONS"), b"OPTIONS * HTTP/1.1\r\nhost: web\r\ncontent-length: 0\r\n\r\n"),
    (get(authority="web:80"), b"GET / HTTP/1.1\r\nhost: web:80\r\n\r\n"),
    (
        get(headers=[("X-B", b" 1 "), ("x-A", b"2"), ("X-B", b"\xff"), ("Host", b"no"), ("Connection", b"close")]),
        b"GET / HTTP/1.1\r\nhost: web\r\nX-B: 1\r\nx-A: 2\r\nX-B: \xff\r\n\r\n",
    ),
    (
        get(method="POST", body=BytesBody(b"abc")),
        b"POST / HTTP/1.1\r\nhost: web\r\ncontent-length: 3\r\n\r\n",
    ),
    (
        get(method="POST", headers=[("Content-Length", b"3")], body=BytesBody(b"abc")),
        b"POST / HTTP/1.1\r\nhost: web\r\nContent-Length: 3\r\n\r\n",
    ),
    (get(body=BytesBody(b"a")), b"GET / HTTP/1.1\r\nhost: web\r\ncontent-length: 1\r\n\r\n"),
]


async def test_a_request_is_sent_as_given_with_host_and_framing_and_nothing_else() -> None:
    async with origin(OK) as web:
        for request, expected in HEADS:
            assert await whole(await web.client(request)) == (200, b"ok")
            assert web.requests.pop() == expected


async def test_content_of_no_known_length_is_chunked_and_has_its_trailers() -> None:
    received = b""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal received
        received = await reader.readuntil(b"0\r\nA: 1\r\na: 2\r\n\r\n")
        writer.write(OK)

    async with origin(script) as web:
        body = Slow(trailers=[("A", b"1"), ("a", b"2")])
        for piece in (b"hello", b"x" * 20, b""):
            body.pieces.put_nowait(piece)
        await whole(await web.client(get(body=body)))
        assert b"transfer-encoding: chunked" in web.requests[0]
        assert received == b"5\r\nhello\r\n14\r\n" + b"x" * 20 + b"\r\n0\r\nA: 1\r\na: 2\r\n\r\n"
        assert await body.closed is None


REFUSED: list[tuple[dict[str, Any], ErrorCode, Payload]] = [
    ({"scheme": "ftp"}, ErrorCode.HTTP_PROTOCOL_ERROR, None),
    ({"method": "CONNECT"}, ErrorCode.HTTP_REQUEST_METHOD_INVALID, None),
    ({"method": "A B"}, ErrorCode.HTTP_REQUEST_METHOD_INVALID, None),
    ({"authority": None}, ErrorCode.HTTP_REQUEST_URI_INVALID, None),
    ({"authority": "u:p@web"}, ErrorCode.HTTP_REQUEST_URI_INVALID, None),
    ({"authority": "web:65536"}, ErrorCode.HTTP_REQUEST_URI_INVALID, None),
    ({"authority": "a b"}, ErrorCode.HTTP_REQUEST_URI_INVALID, None),
    ({"authority": "1.2.3"}, ErrorCode.HTTP_REQUEST_URI_INVALID, None),
    ({"path": "/a b"}, ErrorCode.HTTP_REQUEST_URI_INVALID, None),
    ({"path": "/\r\nx: y"}, ErrorCode.HTTP_REQUEST_URI_INVALID, None),
    ({"path": "/#f"}, ErrorCode.HTTP_REQUEST_URI_INVALID, None),
    (
        {"headers": [("a b", b"")]},
        ErrorCode.INTERNAL_ERROR,
        "header 'a b': b'' cannot be sent",
    ),
    (
        {"headers": [("a", b"1\r\nb: 2")]},
        ErrorCode.INTERNAL_ERROR,
        r"header 'a': b'1\r\nb: 2' cannot be sent",
    ),
    (
        {"headers": [("content-length", b"1"), ("content-length", b"2")]},
        ErrorCode.INTERNAL_ERROR,
        "content-length is not one number",
    ),
    ({"headers": [("content-length", b"+1")]}, ErrorCode.INTERNAL_ERROR, "content-length is not one number"),
    ({"headers": [("content-length", b"5")]}, ErrorCode.HTTP_REQUEST_BODY_SIZE, 0),
]


async def test_what_cannot_be_sent_is_refused_before_there_is_a_connection() -> None:
    async with origin(OK) as web:
        for fields, expected, payload in REFUSED:
            with code(expected, payload):
                await web.client(get(**fields))
        assert web.net.connections == []


@pytest.mark.parametrize(("piece", "size"), [(b"1234", 4), (b"12", 2)])
async def test_content_of_another_length_than_declared_fails_for_both_sides(piece: bytes, size: int) -> None:
    async with origin(_silent) as web:
        body = Slow()
        body.pieces.put_nowait(piece)
        body.pieces.put_nowait(b"")
        with code(ErrorCode.HTTP_REQUEST_BODY_SIZE, size):
            await web.client(get(headers=[("content-length", b"3")], body=body))
        assert await body.closed is ErrorCode.HTTP_REQUEST_BODY_SIZE


async def test_the_error_of_a_request_s_trailers_is_that_of_the_request() -> None:
    async with origin(_silent) as web:
        body = Slow(trailers=HttpError(ErrorCode.LOOP_DETECTED))
        body.pieces.put_nowait(b"")
        with code(ErrorCode.LOOP_DETECTED):
            await web.client(get(body=body))


async def test_what_a_body_in_python_raises_is_raised() -> None:
    async with origin(_silent) as web:
        with pytest.raises(ZeroDivisionError):
            await web.client(get(body=Broken()))


# ---- what comes back


RESPONSES: list[tuple[bytes, tuple[int, bytes]]] = [
    (OK, (200, b"ok")),
    (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK, (200, b"ok")),
    (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", (200, b"until the end")),
    (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", (200, b"until the end")),
    (b"HTTP/1.1 204 No\r\n\r\n", (204, b"")),
    (b"HTTP/1.1 304 No\r\ncontent-length: 9\r\n\r\n", (304, b"")),
    (b"HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n", (302, b"")),
    (b"HTTP/1.1 600\r\ncontent-length: 1\r\n\r\nx", (600, b"x")),
    (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;x=y\r\nab\r\n1\r\nc\r\n0\r\n\r\n", (200, b"abc")),
]


async def test_responses_come_whatever_their_framing() -> None:
    async with origin(b"") as web:
        for text, expected in RESPONSES:
            web.script = saying(text)
            assert await whole(await web.client(get())) == expected


async def test_an_answer_to_head_has_no_content() -> None:
    async with origin(b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n") as web:
        response = await web.client(get(method="HEAD"))
        assert (response.body.length, await whole(response)) == (0, (200, b""))


async def test_headers_and_trailers_keep_casing_and_order_and_repeats() -> None:
    async with origin(b"HTTP/1.1 200 OK\r\nB: 1\r\na: 2\r\nb: 3\r\n\r\n") as web:
        response = await web.client(get())
        assert response.headers == [("B", b"1"), ("a", b"2"), ("b", b"3")]
        web.script = saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nS: 1\r\ns: 2\r\n\r\n")
        response.body.close()
        response = await web.client(get())
        assert (response.body.length, await content(response.body)) == (None, b"")
        assert await response.body.trailers() == [("S", b"1"), ("s", b"2")]
        response.body.close()


async def test_a_length_that_chunks_override_is_not_passed_on() -> None:
    text = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
    async with origin(text) as web:
        response = await web.client(get())
        assert [name for name, _ in response.headers] == ["transfer-encoding"]
        assert await whole(response) == (200, b"x")


LIMITS = MessageLimits(head_bytes=200, headers=3, body_bytes=10)
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
NO_RESPONSE: list[tuple[bytes, ErrorCode, Payload]] = [
    (b"", ErrorCode.CONNECTION_TERMINATED, None),
    (b"HTTP/1.1 200", ErrorCode.HTTP_RESPONSE_INCOMPLETE, None),
    (b"HTTP/1.1 100 Continue\r\n\r\n", ErrorCode.HTTP_RESPONSE_INCOMPLETE, None),
    (b"SSH-2.0-OpenSSH\r\n\r\n", ErrorCode.HTTP_PROTOCOL_ERROR, None),
    (b"\x00\x00\x12\x04\x00\x00", ErrorCode.HTTP_PROTOCOL_ERROR, None),
    (b"HTTP/1.1 101 No\r\n\r\n", ErrorCode.HTTP_PROTOCOL_ERROR, None),
    (b"HTTP/1.1 200 OK\r\na b: c\r\n\r\n", ErrorCode.HTTP_PROTOCOL_ERROR, None),
    (
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        ErrorCode.HTTP_PROTOCOL_ERROR,
        None,
    ),
    (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        ErrorCode.HTTP_RESPONSE_TRANSFER_CODING,
        "gzip, chunked",
    ),
    (b"HTTP/1.1 200 OK\r\na: " + b"x" * 200, ErrorCode.HTTP_RESPONSE_HEADER_SECTION_SIZE, 200),
    (
        b"HTTP/1.1 200 OK\r\na: " + b"x" * 200 + b"\r\n\r\n",
        ErrorCode.HTTP_RESPONSE_HEADER_SECTION_SIZE,
        200,
    ),
    (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 4 + b"\r\n", ErrorCode.HTTP_RESPONSE_HEADER_SECTION_SIZE, 200),
    (b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n", ErrorCode.HTTP_RESPONSE_BODY_SIZE, 10),
]
NO_BODY: list[tuple[bytes, ErrorCode, Payload]] = [
    (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n1", ErrorCode.HTTP_RESPONSE_INCOMPLETE, None),
    (CHUNKED + b"5\r\n12", ErrorCode.HTTP_RESPONSE_INCOMPLETE, None),
    (CHUNKED + b"1\r\n1\r\n", ErrorCode.HTTP_RESPONSE_INCOMPLETE, None),
    (CHUNKED + b"0\r\na: b\r\n", ErrorCode.HTTP_RESPONSE_INCOMPLETE, None),
    (CHUNKED + b"1\r\n12\r\n", ErrorCode.HTTP_PROTOCOL_ERROR, None),
    (CHUNKED + b"x\r\n", ErrorCode.HTTP_PROTOCOL_ERROR, None),
    (CHUNKED + b"0\r\na: " + b"b" * 200, ErrorCode.HTTP_RESPONSE_TRAILER_SECTION_SIZE, 200),
    (CHUNKED + b"0\r\n" + b"a: b\r\n" * 4 + b"\r\n", ErrorCode.HTTP_RESPONSE_TRAILER_SECTION_SIZE, 200),
    (CHUNKED + b"b\r\n12345678901\r\n0\r\n\r\n", ErrorCode.HTTP_RESPONSE_BODY_SIZE, 10),
]


async def test_a_response_that_cannot_be_read_fails_with_its_code() -> None:
    async with origin(b"", LIMITS) as web:
        for text, expected, payload in NO_RESPONSE:
            web.script = saying(text)
            with code(expected, payload):
                await web.client(get())


async def test_a_body_that_breaks_off_fails_with_its_code() -> None:
    async with origin(b"", LIMITS) as web:
        for text, expected, payload in NO_BODY:
            web.script = _head_first(text)
            response = await web.client(get())
            with code(expected, payload):
                await content(response.body)
            with code(expected, payload):
                await response.body.trailers()
            response.body.close()


def _head_first(text: bytes) -> Script:
    async def script(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, _, rest = text.partition(b"\r\n\r\n")
        writer.write(head + b"\r\n\r\n")
        await asyncio.sleep(0.001)
        writer.write(rest)

    return script


async def test_a_reset_is_no_end_of_a_body_without_length() -> None:
    async def script(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nabc")
        await asyncio.sleep(0.001)
        writer.transport.abort()

    async with origin(script) as web:
        response = await web.client(get())
        with code(ErrorCode.HTTP_RESPONSE_INCOMPLETE):
            await content(response.body)
        response.body.close()


# ---- both at a time


async def _silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read(-1)


async def test_request_and_response_travel_at_the_same_time() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n")
        for _ in range(3):
            writer.write(await reader.readexactly(1))

    async with origin(echo) as web:
        body = Slow(length=3)
        response = await web.client(get(body=body))
        for piece in (b"a", b"b", b"c"):
            body.pieces.put_nowait(piece)
            assert await response.body.read() == piece
        body.pieces.put_nowait(b"")
        assert await body.closed is None
        response.body.close()


async def test_an_answer_that_is_early_is_given_and_the_request_goes_on() -> None:
    received = b""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal received
        writer.write(b"HTTP/1.1 413 Much\r\ncontent-length: 0\r\n\r\n")
        received = await reader.readexactly(2)

    async with origin(script) as web:
        body = Slow(length=2)
        assert await whole(await web.client(get(body=body))) == (413, b"")
        body.pieces.put_nowait(b"ab")
        body.pieces.put_nowait(b"")
        assert await body.closed is None
    assert received == b"ab"


async def test_an_answer_is_given_even_if_the_server_then_resets_the_connection() -> None:
    class Refused(Slow):
        is_refused = False

        async def read(self, n: int = 0) -> bytes:
            if self.is_refused:
                await asyncio.get_running_loop().create_future()
            self.is_refused = True
            connection, _ = listener.accept()
            connection.sendall(b"HTTP/1.1 413 Much\r\ncontent-length: 3\r\n\r\nabc")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
            return bytes(1 << 16)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = Client(functools.partial(connect, OsNetwork()))
        body = Refused()
        response = await client(get(authority=f"127.0.0.1:{listener.getsockname()[1]}", body=body))
        assert await whole(response) == (413, b"abc")
        assert await body.closed is ErrorCode.CONNECTION_TERMINATED


async def test_a_server_that_leaves_ends_the_request_s_body() -> None:
    async with origin(b"HTTP/1.1 413 Much\r\ncontent-length: 0\r\n\r\n") as web:
        body = Slow()
        await whole(await web.client(get(body=body)))
        assert await body.closed is ErrorCode.CONNECTION_TERMINATED


async def test_a_response_given_up_resets_the_connection_and_ends_the_request() -> None:
    async def script(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nendless")
        await writer.wait_closed()

    async with origin(script) as web:
        body = Slow()
        response = await web.client(get(body=body))
        response.body.close()
        assert await body.closed is ErrorCode.CONNECTION_TERMINATED


@contextlib.asynccontextmanager
async def _waiting(web: Origin, body: Slow) -> AsyncIterator[asyncio.Task[Any]]:
    task = asyncio.ensure_future(web.client(get(body=body)))
    while not web.requests:  # noqa: ASYNC110
        await asyncio.sleep(0)
    yield task


async def test_cancelling_a_request_ends_its_body_and_its_connection() -> None:
    async with origin(_silent) as web:
        body = Slow()
        async with _waiting(web, body) as task:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert await body.closed is ErrorCode.CONNECTION_TERMINATED


async def test_closing_the_client_ends_what_is_under_way() -> None:
    async with origin(_silent) as web:
        body = Slow()
        async with _waiting(web, body) as task:
            web.client.close()
            with code(ErrorCode.CONNECTION_TERMINATED):
                await task
        assert await body.closed is ErrorCode.CONNECTION_TERMINATED


async def test_a_client_that_is_closed_sends_nothing_any_more() -> None:
    async with origin(OK) as web:
        web.client.close()
        body = Slow()
        with code(ErrorCode.CONNECTION_TERMINATED):
            await web.client(get(body=body))
        assert await body.closed is ErrorCode.CONNECTION_TERMINATED
        assert web.requests == []


async def test_a_response_that_is_not_read_holds_its_server_back() -> None:
    sent = 0

    async def flood(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(bytes(1 << 16))
            await writer.drain()
            sent += 1 << 16

    async with origin(flood) as web:
        response = await web.client(get())
        held = 0
        while held < sent:
            held = sent
            for _ in range(100):
                await asyncio.sleep(0)
        for _ in range(100):
            await response.body.read()
        assert sent > held
        response.body.close()


# ---- time


def test_each_time_out_is_measured_by_the_clock_of_the_network() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()

        async def begin_to_answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(20)
            writer.write(b"HTTP/1.1 200 OK\r\n\r\nabc")
            await asyncio.sleep(90)

        async with origin(begin_to_answer) as web:
            with code(ErrorCode.CONNECTION_READ_TIMEOUT):
                await web.client(get(options=RequestOptions(first_byte_timeout_s=10)))
            assert loop.time() == pytest.approx(10)
            response = await web.client(get(options=RequestOptions(between_bytes_timeout_s=30)))
            assert await response.body.read() == b"abc"
            with code(ErrorCode.CONNECTION_READ_TIMEOUT):
                await response.body.read()
            assert loop.time() == pytest.approx(60)
            response.body.close()

    run_virtual(main())


def test_connecting_takes_no_longer_than_its_time_out() -> None:
    async def main() -> None:
        async def never(_request: Request) -> Socket:
            await asyncio.get_running_loop().create_future()
            raise AssertionError

        with code(ErrorCode.CONNECTION_TIMEOUT):
            await Client(never)(get(options=RequestOptions(connect_timeout_s=5)))
        assert asyncio.get_running_loop().time() == pytest.approx(5)
        with code(ErrorCode.CONNECTION_TIMEOUT):
            await Client(never)(get())
        assert asyncio.get_running_loop().time() == pytest.approx(605)

    run_virtual(main())


def test_a_server_that_takes_nothing_times_out() -> None:
    async def main() -> None:
        async def never(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            assert isinstance(writer.transport, asyncio.ReadTransport)
            writer.transport.pause_reading()
            await asyncio.sleep(100)

        async with origin(never, MessageLimits(write_timeout_s=40)) as web:
            with code(ErrorCode.CONNECTION_WRITE_TIMEOUT):
                await web.client(get(body=BytesBody(bytes(1 << 22))))
            assert asyncio.get_running_loop().time() == pytest.approx(40)

    run_virtual(main())


# ---- connecting


async def test_an_unknown_name_and_a_closed_port_have_their_codes() -> None:
    async with origin(OK) as web:
        with code(ErrorCode.DNS_ERROR, DnsErrorPayload("NXDOMAIN")):
            await web.client(get(authority="nowhere"))
        with code(ErrorCode.CONNECTION_REFUSED):
            await web.client(get(authority="web:81"))


async def test_addresses_are_tried_one_after_the_other() -> None:
    async with origin(OK) as web:
        web.net.host("closed", "10.9.9.9")
        web.net.name("both", ["10.9.9.9", *map(str, web.net.host("web").addresses)])
        assert await whole(await web.client(get(authority="both"))) == (200, b"ok")
        web.net.name("literal", "10.9.9.9")
        with code(ErrorCode.CONNECTION_REFUSED):
            await web.client(get(authority="literal"))


async def test_what_connecting_raises_has_its_code() -> None:
    async def refused(_request: Request) -> Socket:
        raise os_error(errno.EACCES)

    with code(ErrorCode.DESTINATION_IP_PROHIBITED):
        await Client(refused)(get())
