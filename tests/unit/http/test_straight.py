"""Long content that a reader with much room gets straight from the socket, on both sides."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.http.peers import code, get, origin
from tests.unit.http.test_server import POST, serving, status, text
from wasihost._base.waiting import Called
from wasihost._http.errors import ErrorCode
from wasihost._http.limits import MessageLimits, ServerLimits
from wasihost._http.messages import Body, ReadyBody, Request, Response
from wasihost._testing.loop import run_virtual

CONTENT = bytes(range(256)) * 4096  # a mebibyte
HEAD = POST + b"Content-Length: %d\r\n\r\n" % len(CONTENT)


async def received(body: Body, room: int = 1 << 16) -> bytes:
    """All of the content, by a reader with so much room."""
    assert isinstance(body, ReadyBody)
    view = memoryview(bytearray(room))
    found = b""
    while True:
        try:
            size = body.read_into(view)
        except BlockingIOError:
            readable = Called()
            body.wait_readable(readable)
            await readable
        else:
            if not size:
                return found
            found += view[:size]


@pytest.mark.parametrize("room", [100_000, 1000])
async def test_long_content_arrives_whole_and_the_next_request_behind_it(room: int) -> None:
    async def digest(request: Request) -> Response:
        found = await received(request.body, room)
        request.body.close()
        return text(b"whole" if found == CONTENT else b"%d" % len(found))

    async with serving(digest) as site:
        answers = await site.says((HEAD + CONTENT) * 2)
        assert answers.count(b"whole") == 2


async def test_content_that_breaks_off_is_connection_terminated() -> None:
    async def note(request: Request) -> Response:
        with code(ErrorCode.CONNECTION_TERMINATED):
            await received(request.body)
        request.body.close()
        return Response(status=204)

    async with serving(note) as site:
        assert status(await site.says(HEAD + CONTENT[:-1])) == 204


def test_content_that_does_not_come_in_time_is_connection_read_timeout() -> None:
    async def run() -> None:
        async def note(request: Request) -> Response:
            with code(ErrorCode.CONNECTION_READ_TIMEOUT):
                await received(request.body)
            request.body.close()
            return Response(status=204)

        async with serving(note, ServerLimits(body_timeout_s=2)) as site:
            assert status(await site.says(HEAD + CONTENT[:-1], ends=False)) == 204

    run_virtual(run())


@pytest.mark.parametrize("framing", [b"content-length: %d\r\n" % len(CONTENT), b"connection: close\r\n"])
async def test_a_long_response_arrives_whole(framing: bytes) -> None:
    async with origin(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n" + CONTENT) as web:
        response = await web.client(get())
        assert await received(response.body) == CONTENT
        response.body.close()


async def test_a_long_response_that_breaks_off_is_incomplete() -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(CONTENT)
    async with origin(head + CONTENT[:-1]) as web:
        response = await web.client(get())
        with code(ErrorCode.HTTP_RESPONSE_INCOMPLETE):
            await received(response.body)
        response.body.close()


async def test_a_long_response_that_is_reset_is_incomplete() -> None:
    async def reset(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(CONTENT) + CONTENT[:-1])
        await writer.drain()
        writer.transport.abort()

    async with origin(reset) as web:
        response = await web.client(get())
        with code(ErrorCode.HTTP_RESPONSE_INCOMPLETE):
            await received(response.body)
        response.body.close()


async def test_a_response_beyond_its_limit_ends_there() -> None:
    async with origin(b"HTTP/1.1 200 OK\r\n\r\n" + CONTENT, MessageLimits(body_bytes=500_000)) as web:
        response = await web.client(get())
        with code(ErrorCode.HTTP_RESPONSE_BODY_SIZE, 500_000):
            await received(response.body)
        response.body.close()
