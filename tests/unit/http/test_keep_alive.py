"""Connections that a client uses again, on a virtual network."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Sequence

import pytest

from tests.unit.http.peers import Origin, Script, code, content, get, origin, whole
from wasihost._http.client import Client
from wasihost._http.connecting import connect
from wasihost._http.errors import ErrorCode
from wasihost._http.messages import BytesBody
from wasihost._testing.loop import run_virtual

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
BIG = b"HTTP/1.1 200 OK\r\ncontent-length: 200000\r\n\r\n" + bytes(200_000)


def staying(*answers: bytes) -> Script:
    """Answers the requests of a connection one after another; closes it at the request behind the last."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            writer.write(answer)
            await reader.readuntil(b"\r\n\r\n")

    return script


async def statuses(web: Origin, paths: Sequence[str] = ("/1", "/2")) -> list[int]:
    return [(await whole(await web.client(get(path=path))))[0] for path in paths]


async def test_requests_to_one_place_share_a_connection() -> None:
    async with origin(staying(OK, OK, OK)) as web:
        assert await statuses(web, ["/1", "/2", "/3"]) == [200, 200, 200]
        assert len(web.net.connections) == 1


async def test_a_client_can_be_made_to_use_each_connection_once() -> None:
    async with origin(staying(OK, OK)) as web:
        web.client = Client(functools.partial(connect, web.net.guest), keeps_alive=False)
        assert await statuses(web) == [200, 200]
        assert len(web.net.connections) == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
        OK + b"more",
    ],
)
async def test_a_connection_that_the_server_may_close_is_not_used_again(answer: bytes) -> None:
    async with origin(staying(answer, OK)) as web:
        assert await statuses(web) == [200, 200]
        assert len(web.net.connections) == 2


async def test_a_response_that_is_given_up_ends_its_connection() -> None:
    async with origin(staying(BIG[:1000], OK)) as web:
        (await web.client(get())).body.close()
        web.script = staying(OK)
        assert await statuses(web, ["/"]) == [200]
        assert len(web.net.connections) == 2


async def test_a_connection_is_free_when_all_has_come_though_it_is_not_read_yet() -> None:
    async with origin(staying(BIG, BIG)) as web:
        first = await web.client(get())
        while web.client._idle == {}:  # noqa: ASYNC110
            await asyncio.sleep(0)
        second = await web.client(get())
        assert [len(await content(each.body)) for each in (second, first)] == [200_000, 200_000]
        first.body.close()
        second.body.close()
        assert len(web.net.connections) == 1


async def test_a_request_that_may_be_repeated_is_if_its_connection_had_ended() -> None:
    async with origin(staying(OK)) as web:
        assert await statuses(web) == [200, 200]
        assert len(web.net.connections) == 2


async def test_a_request_is_not_repeated_if_some_of_a_response_has_come() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200")

    async with origin(script) as web:
        with code(ErrorCode.HTTP_RESPONSE_INCOMPLETE):
            await statuses(web)


async def test_what_must_not_be_repeated_has_a_connection_of_its_own() -> None:
    async with origin(staying(OK, OK)) as web:
        for request in (get(), get(method="POST"), get(method="PUT", body=BytesBody(b"a")), get()):
            await whole(await web.client(request))
        assert len(web.net.connections) == 3


async def test_a_server_that_closes_an_idle_connection_is_heard() -> None:
    async def script(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)

    async with origin(script) as web:
        await statuses(web, ["/"])
        while web.client._connections:  # noqa: ASYNC110
            await asyncio.sleep(0)


async def test_closing_a_client_closes_its_idle_connections() -> None:
    async with origin(staying(OK, OK)) as web:
        await statuses(web, ["/"])
        web.client.close()
        while web.client._connections:  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert web.client._idle == {}


def test_an_idle_connection_is_closed_after_some_seconds() -> None:
    async def main() -> None:
        async with origin(staying(OK, OK, OK)) as web:
            await statuses(web)
            await asyncio.sleep(3)
            await statuses(web, ["/"])
            assert len(web.net.connections) == 1
            await asyncio.sleep(5)
            await statuses(web, ["/"])
            assert len(web.net.connections) == 2

    run_virtual(main())


async def test_no_more_than_some_connections_are_kept() -> None:
    async with origin(staying(OK, OK)) as web:
        for response in await asyncio.gather(*(web.client(get()) for _ in range(20))):
            await whole(response)
        assert len(web.client._idle) == 16
