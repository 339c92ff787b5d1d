"""The client against servers of HTTP/2 that send just what a test has them send, on a virtual network."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

import pytest
from h2 import events
from h2.settings import SettingCodes

from tests.unit.http import peers
from tests.unit.http.http2.peers import Peer
from tests.unit.http.peers import code, content, get, whole
from tests.unit.http.test_client import Slow
from wasihost._base.eager import begin
from wasihost._http.errors import ErrorCode
from wasihost._http.http2.frames import goaway
from wasihost._http.http2.machine import PREFACE
from wasihost._http.limits import MessageLimits
from wasihost._http.messages import BytesBody, Header, Request, RequestOptions

Script: TypeAlias = Callable[[Peer], Awaitable[None]]
GRPC: Header = ("Content-Type", b"application/grpc")  # which goes over HTTP/2 without TLS too
OK = [(":status", "200"), ("x-origin", "yes")]


@contextlib.asynccontextmanager
async def origin(
    script: Script, limits: MessageLimits | None = None, *, keeps_alive: bool = True
) -> AsyncIterator[peers.Origin]:
    """A server that does as the script on each connection, and a client of it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer, is_client=False)
        peer.h2.receive_data(PREFACE[:18])  # which looks like a head of HTTP/1.1, and was read as one
        with contextlib.suppress(AssertionError):  # the client has left
            await script(peer)

    async with peers.origin(serve, limits, keeps_alive=keeps_alive) as found:
        yield found


def grpc(**fields: Any) -> Request:
    return get(**{"method": "POST", "headers": [GRPC, ("TE", b"trailers")]} | fields)


async def asked(peer: Peer, number: int = 1) -> events.RequestReceived:
    """The request with that place on the connection."""
    return await peer.until(events.RequestReceived, lambda event: event.stream_id == 2 * number - 1)


def texts(headers: Any) -> list[tuple[str, str]]:
    return [(str(name), str(value)) for name, value in headers]


def answer(peer: Peer, stream: int | None, data: bytes = b"ok", headers: Any = OK, *, ends: bool = True) -> None:
    peer.h2.send_headers(stream or 0, headers)
    peer.h2.send_data(stream or 0, data, end_stream=ends)
    peer.flush()


async def each(peer: Peer) -> None:
    """Answers all requests, one after the other."""
    number = 0
    while True:
        number += 1
        request = await asked(peer, number)
        await peer.until(events.StreamEnded, lambda event, stream=request.stream_id: event.stream_id == stream)  # type: ignore[misc]
        answer(peer, request.stream_id)


async def test_a_request_goes_with_its_headers_content_and_trailers() -> None:
    seen: list[Peer] = []

    async def script(peer: Peer) -> None:
        seen.append(peer)
        await each(peer)

    async with origin(script) as web:
        body = BytesBody(b"some", [("X-Sum", b"1")])
        response = await web.client(grpc(path="/a?b", body=body))
        assert (await whole(response), response.headers) == ((200, b"ok"), [("x-origin", b"yes")])
        (peer,) = seen
        assert texts((await asked(peer)).headers) == [
            (":method", "POST"),
            (":scheme", "http"),
            (":authority", "web"),
            (":path", "/a?b"),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
        ]
        assert texts((await peer.until(events.TrailersReceived)).headers) == [("x-sum", "1")]
        assert (await peer.until(events.DataReceived)).data == b"some"


async def test_a_request_that_is_begun_at_once_comes_behind_the_preface() -> None:
    async with origin(each) as web:
        assert await whole(await begin(web.client(grpc()))) == (200, b"ok")


async def test_trailers_of_a_response_come() -> None:
    async def script(peer: Peer) -> None:
        stream = (await asked(peer)).stream_id
        answer(peer, stream, ends=False)
        peer.h2.send_headers(stream or 0, [("grpc-status", "0"), ("x", "1"), ("x", "2")], end_stream=True)
        peer.flush()
        await peer.until(events.ConnectionTerminated)

    async with origin(script) as web:
        response = await web.client(grpc())
        assert await content(response.body) == b"ok"
        assert await response.body.trailers() == [("grpc-status", b"0"), ("x", b"1"), ("x", b"2")]


async def test_requests_share_a_connection_at_the_same_time_and_later() -> None:
    async with origin(each) as web:
        await whole(await web.client(grpc()))
        responses = await asyncio.gather(*(web.client(grpc()) for _ in range(20)))
        assert [await whole(response) for response in responses] == [(200, b"ok")] * 20
        assert len(web.net.connections) == 1


async def test_a_client_that_keeps_nothing_alive_has_a_connection_for_each() -> None:
    async with origin(each, keeps_alive=False) as web:
        for _ in range(2):
            await whole(await web.client(grpc()))
        assert len(web.net.connections) == 2


async def test_no_more_streams_are_opened_than_the_server_allows() -> None:
    async def script(peer: Peer) -> None:
        peer.h2.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: 1})
        peer.flush()
        await each(peer)

    async with origin(script) as web:
        await whole(await web.client(grpc()))
        first, second = await asyncio.gather(web.client(grpc()), web.client(grpc()))
        assert (await whole(first), await whole(second)) == ((200, b"ok"), (200, b"ok"))
        assert len(web.net.connections) == 2


async def test_much_content_goes_through_both_windows() -> None:
    async def script(peer: Peer) -> None:
        stream = (await asked(peer)).stream_id or 0
        await peer.until(events.StreamEnded)
        peer.h2.send_headers(stream, OK)
        await peer.send_much(stream, sum(len(event.data or b"") for event in peer.seen_of(events.DataReceived)))
        await peer.until(events.ConnectionTerminated)

    async with origin(script) as web:
        response = await web.client(grpc(body=BytesBody(b"x" * 3_000_000)))
        assert len((await whole(response))[1]) == 3_000_000


async def test_an_answer_may_come_before_the_request_has_gone() -> None:
    async def script(peer: Peer) -> None:
        stream = (await asked(peer)).stream_id
        answer(peer, stream)
        peer.h2.reset_stream(stream or 0, 0)
        peer.flush()
        await asked(peer, 2)
        answer(peer, 3)
        await peer.until(events.ConnectionTerminated)

    async with origin(script) as web:
        assert await whole(await web.client(grpc(body=Slow()))) == (200, b"ok")
        assert await whole(await web.client(grpc())) == (200, b"ok")


# ---- failures


async def test_a_stream_that_is_reset_is_an_error_of_its_request_alone() -> None:
    async def script(peer: Peer) -> None:
        peer.h2.reset_stream((await asked(peer)).stream_id or 0, 2)
        second = (await asked(peer, 2)).stream_id
        answer(peer, second, ends=False)
        await asked(peer, 3)
        peer.h2.reset_stream(second or 0, 2)
        answer(peer, 5)
        await peer.until(events.ConnectionTerminated)

    async with origin(script) as web:
        with code(ErrorCode.CONNECTION_TERMINATED):
            await web.client(grpc())
        broken = await web.client(grpc())
        assert await whole(await web.client(grpc())) == (200, b"ok")
        with code(ErrorCode.HTTP_RESPONSE_INCOMPLETE):
            await content(broken.body)
        assert len(web.net.connections) == 1


async def test_a_connection_that_ends_breaks_its_responses_off() -> None:
    async def script(peer: Peer) -> None:
        answer(peer, (await asked(peer)).stream_id, ends=False)

    async with origin(script) as web:
        response = await web.client(grpc())
        with code(ErrorCode.HTTP_RESPONSE_INCOMPLETE):
            await content(response.body)


async def test_goaway_lets_responses_end_and_later_requests_go_elsewhere() -> None:
    async def script(peer: Peer) -> None:
        stream = (await asked(peer)).stream_id or 0
        answer(peer, stream, b"some", ends=False)
        peer.writer.write(goaway(stream))
        peer.h2.send_data(stream, b" more", end_stream=True)
        peer.flush()
        await peer.until(events.ConnectionTerminated)

    async with origin(script) as web:
        for _ in range(2):
            assert await whole(await web.client(grpc())) == (200, b"some more")
        assert len(web.net.connections) == 2


async def test_a_request_that_goaway_leaves_out_is_sent_again_if_it_may_be() -> None:
    async def script(peer: Peer) -> None:
        answer(peer, (await asked(peer)).stream_id)
        await asked(peer, 2)
        peer.writer.write(goaway(1))
        await peer.until(events.ConnectionTerminated)

    async with origin(script) as web:
        await whole(await web.client(grpc()))
        assert await whole(await web.client(grpc(method="GET"))) == (200, b"ok")
        assert len(web.net.connections) == 2


async def test_what_is_not_http2_is_a_protocol_error() -> None:
    async def script(peer: Peer) -> None:
        await asked(peer)
        peer.writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await peer.until(events.ConnectionTerminated)

    async with origin(script) as web:
        with code(ErrorCode.HTTP_PROTOCOL_ERROR):
            await web.client(grpc())


@pytest.mark.parametrize(
    "headers", [[(":status", "abc")], [(":status", "20")], [*OK, ("content-length", "-2")]], ids=str
)
async def test_a_head_that_is_none_is_a_protocol_error(headers: Any) -> None:
    async def script(peer: Peer) -> None:
        answer(peer, (await asked(peer)).stream_id, headers=headers)
        await peer.until(events.ConnectionTerminated)

    async with origin(script) as web:
        with code(ErrorCode.HTTP_PROTOCOL_ERROR):
            await web.client(grpc())


async def test_limits_are_those_of_other_responses() -> None:
    async def script(peer: Peer) -> None:
        answer(peer, (await asked(peer)).stream_id, headers=[*OK, *((f"x-{number}", "") for number in range(9))])
        answer(peer, (await asked(peer, 2)).stream_id, b"x" * 11)
        await peer.until(events.ConnectionTerminated)

    async with origin(script, MessageLimits(headers=9, body_bytes=10)) as web:
        with code(ErrorCode.HTTP_RESPONSE_HEADER_SECTION_SIZE, 1 << 16):
            await web.client(grpc())
        with code(ErrorCode.HTTP_RESPONSE_BODY_SIZE, 10):
            await content((await web.client(grpc())).body)


async def test_a_request_that_is_given_up_resets_its_stream_alone() -> None:
    async def script(peer: Peer) -> None:
        await peer.until(events.StreamReset)
        answer(peer, (await asked(peer, 2)).stream_id)
        await peer.until(events.ConnectionTerminated)

    async with origin(script) as web:
        with code(ErrorCode.CONNECTION_READ_TIMEOUT):
            await web.client(grpc(options=RequestOptions(first_byte_timeout_s=0.01)))
        assert await whole(await web.client(grpc())) == (200, b"ok")
        assert len(web.net.connections) == 1
