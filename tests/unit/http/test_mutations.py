"""Messages with random changes: a server answers each or closes, and a client gets a response or an error."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Any

import pytest

from tests.unit.http.http2.peers import conversation
from tests.unit.http.peers import get, origin, saying, whole
from tests.unit.http.test_server import SMALL, described, serving
from wasihost._http.errors import HttpError
from wasihost._http.http2.machine import PREFACE
from wasihost._http.limits import MessageLimits
from wasihost._http.messages import Header
from wasihost._testing.loop import run_virtual

REQUESTS = (
    b"GET / HTTP/1.1\r\nHost: web\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 3\r\n\r\nabc",
    b"POST / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\na: b\r\n\r\n",
    b"PUT http://a@b:1/x?y HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\nTE: x\r\n\r\n",
    b"HEAD / HTTP/1.0\r\n\r\n",
)
RESPONSES = (
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nDate: x\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\na: b\r\n\r\n",
    b"HTTP/1.0 404 Not Found\r\nConnection: close\r\n\r\nnothing",
)
PIECES = (b"\r\n", b"\n", b"Transfer-Encoding: chunked\r\n", b"Content-Length: 4\r\n", b"0\r\n\r\n", b"Host: y\r\n")
LETTERS = b"\r\n :;,\0\x0b0123456789abcdefxGHT\xff\t"


GRPC: Header = ("content-type", b"application/grpc")  # which goes over HTTP/2


def mutated(random: Random, messages: tuple[bytes, ...]) -> bytes:
    """A few of the messages, one after another, with a few changes."""
    data = bytearray(b"".join(random.choices(messages, k=random.randrange(1, 4))))
    for _ in range(random.randrange(1, 6)):
        place = random.randrange(len(data) + 1)
        match random.randrange(4):
            case 0:
                data[place:place] = bytes([random.choice(LETTERS)])
            case 1:
                del data[place : place + 1]
            case 2:
                data[place:place] = random.choice(PIECES)
            case _:
                other = random.randrange(len(data) + 1)
                data[place:place] = data[min(place, other) : max(place, other)]
    return bytes(data)


def _run(check: Callable[[], Awaitable[None]]) -> None:
    """In virtual time; nothing may go wrong unnoticed."""
    wrong: list[dict[str, Any]] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: wrong.append(context))
        async with asyncio.timeout(1e6):
            await check()

    run_virtual(main())
    assert wrong == []


def _serve(seed: int, rounds: int, preface: bytes = b"", messages: tuple[bytes, ...] = REQUESTS) -> None:
    random = Random(seed)

    async def check() -> None:
        async with serving(described, SMALL) as site:
            for _ in range(rounds):
                reader, writer = await site.open()
                data = preface + mutated(random, messages)
                while data:
                    size = random.choice([1, 7, len(data)])
                    writer.write(data[:size])
                    data = data[size:]
                    if random.random() < 0.3:
                        await asyncio.sleep(0)
                writer.write_eof()
                with contextlib.suppress(ConnectionError):
                    answers = await reader.read()
                    assert set(re.findall(rb"HTTP/1.1 (\d+)", answers)) <= {
                        *(b"100", b"200", b"400", b"413", b"414", b"417", b"431", b"500", b"501", b"505")
                    }
                writer.close()

    _run(check)


def _serve_http2(seed: int, rounds: int) -> None:
    _serve(seed, rounds, PREFACE, (conversation(is_client=True),))


def _send(seed: int, rounds: int, messages: tuple[bytes, ...] = RESPONSES, headers: Sequence[Header] = ()) -> None:
    random = Random(seed)

    async def check() -> None:
        async with origin(b"", MessageLimits(head_bytes=200, headers=5, body_bytes=20)) as web:
            for _ in range(rounds):
                web.script = saying(mutated(random, messages))
                with contextlib.suppress(HttpError):
                    response = await web.client(get(headers=list(headers)))
                    try:
                        await whole(response)
                    finally:
                        response.body.close()

    _run(check)


def _send_http2(seed: int, rounds: int) -> None:
    _send(seed, rounds, (conversation(is_client=False),), [GRPC])


each = pytest.mark.parametrize("run", [_serve, _serve_http2, _send, _send_http2])


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@each
def test_messages_with_random_changes(run: Callable[[int, int], None]) -> None:
    run(1, 300)


@pytest.mark.nightly
@each
def test_many_messages_with_random_changes(run: Callable[[int, int], None]) -> None:
    run(2, 10_000)
