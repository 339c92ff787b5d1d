"""Connections of HTTP/2 that end at any byte: nothing is left of them, and the next one works."""

from __future__ import annotations

import asyncio

from tests.unit.http.http2.peers import Peer, conversation
from tests.unit.http.http2.test_client import grpc
from tests.unit.http.peers import origin, whole
from tests.unit.http.test_server import serving
from wasihost._http.errors import HttpError
from wasihost._http.http2.machine import PREFACE
from wasihost._http.messages import Request, Response


async def echo(request: Request) -> Response:
    return Response(body=request.body)


async def test_a_client_that_aborts_at_any_byte_leaves_nothing() -> None:
    said = PREFACE + conversation(is_client=True)
    async with serving(echo) as site:
        for end in range(len(said)):
            _, writer = await site.open()
            writer.write(said[:end])
            for _ in range(3):
                await asyncio.sleep(0)
            writer.transport.abort()
        peer = Peer(*await site.open())
        assert (await peer.answer(peer.ask()))[0][":status"] == "200"
        peer.close()
        await site.server.drain()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_server_that_ends_at_any_byte_is_an_error_unless_all_has_come() -> None:
    said = conversation(is_client=False)
    outcomes = set()
    async with origin(b"") as web:
        for end in range(len(said)):

            async def script(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, end: int = end) -> None:
                writer.write(said[:end])

            web.script = script
            try:
                outcomes.add(str((await whole(await web.client(grpc())))[0]))
            except HttpError as error:
                outcomes.add(error.code.value)
    assert outcomes == {"200", "connection-terminated", "HTTP-response-incomplete"}
