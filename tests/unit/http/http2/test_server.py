"""The server against clients of HTTP/2 that send just what a test has them send, on a virtual network."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest
from h2 import events
from h2.settings import SettingCodes

from tests.unit.http.http2.peers import GET, POST, Headers, Peer
from tests.unit.http.peers import content
from tests.unit.http.test_server import Site, hello, serving
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.limits import ServerLimits
from wasihost._http.messages import Body, BytesBody, Handler, Header, Request, Response

TRAILERS: list[Header] = [("X-Sum", b"1"), ("x-sum", b"2")]
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, REFUSED_STREAM, CANCEL, ENHANCE_YOUR_CALM = 0, 1, 2, 7, 8, 11


@contextlib.asynccontextmanager
async def talking(handler: Handler, limits: ServerLimits | None = None) -> AsyncIterator[tuple[Site, Peer]]:
    async with serving(handler, limits) as site:
        peer = Peer(*await site.open())
        try:
            yield site, peer
        finally:
            peer.close()


async def echo(request: Request) -> Response:
    return Response(body=request.body)


async def described(request: Request) -> Response:
    request.body.close()
    parts = (request.method, request.scheme, request.authority, request.path, request.headers)
    return Response(headers=[("X-Kept", b"Yes")], body=BytesBody(repr(parts).encode()))


async def test_a_request_is_answered_on_a_stream_of_its_own() -> None:
    async with talking(described) as (site, peer):
        head, text, _ = await peer.answer(peer.ask([*GET, ("accept", "x")]))
    assert (head[":status"], head["x-kept"], head["content-length"]) == ("200", "Yes", str(len(text)))
    assert text == b"('GET', 'http', 'web', '/', [('accept', b'x')])"
    assert [(entry.method, entry.target, entry.status) for entry in site.log] == [("GET", "/", 200)]


async def test_content_and_trailers_go_both_ways() -> None:
    async with talking(echo) as (_, peer):
        stream = peer.ask(POST, b"some", ends=False)
        await peer.until(events.DataReceived)
        peer.h2.send_headers(stream, [("x-sum", "1"), ("x-sum", "2")], end_stream=True)
        peer.flush()
        assert (await peer.answer(stream))[1:] == (b"some", [("x-sum", "1"), ("x-sum", "2")])


async def test_much_content_goes_through_both_windows() -> None:
    async with talking(echo) as (_, peer):
        stream = peer.ask(POST, ends=False)
        await peer.send_much(stream, 3_000_000)
        assert len((await peer.answer(stream))[1]) == 3_000_000


async def test_a_client_whose_content_is_not_read_is_held_back_by_the_window_of_its_stream_alone() -> None:
    read = asyncio.Event()

    async def slow(request: Request) -> Response:
        if request.path == "/slow":
            await read.wait()
        return Response(body=BytesBody(b"%d" % len(await content(request.body))))

    async with talking(slow) as (_, peer):
        stream = peer.ask([*POST[:3], (":path", "/slow")], ends=False)
        await peer.until(events.RemoteSettingsChanged)
        sent = 0
        while room := min(peer.h2.local_flow_control_window(stream), 16_384):
            peer.h2.send_data(stream, b"x" * room)
            peer.flush()
            sent += room
            await peer.answer(peer.ask())  # others are answered meanwhile
        assert 1 << 18 <= sent <= (1 << 18) + (1 << 17)
        read.set()
        peer.h2.end_stream(stream)
        peer.flush()
        assert (await peer.answer(stream))[1] == b"%d" % sent


async def test_many_requests_share_a_connection() -> None:
    waiting: list[asyncio.Future[None]] = []

    async def together(request: Request) -> Response:
        request.body.close()
        waiting.append(asyncio.get_running_loop().create_future())
        if len(waiting) == 50:
            for each in waiting:
                each.set_result(None)
        await waiting[-1]
        return Response(body=BytesBody((request.path or "").encode()))

    async with talking(together) as (site, peer):
        streams = [peer.ask([*GET[:3], (":path", f"/{number}")]) for number in range(50)]
        for number, stream in enumerate(streams):
            assert (await peer.answer(stream))[1] == f"/{number}".encode()
        assert len(site.net.connections) == 1


# ---- what is not a request

MALFORMED: dict[str, Headers] = {
    "no method": GET[1:],
    "no authority": [*GET[:2], GET[3]],
    "no path": GET[:3],
    "an empty path": [*GET[:3], (":path", "")],
    "two paths": [*GET, (":path", "/b")],
    "an unknown pseudo-header": [*GET, (":x", "y")],
    "a pseudo-header of responses": [*GET, (":status", "200")],
    "a pseudo-header behind a header": [*GET[:3], ("a", "b"), GET[3]],
    "upper case": [*GET, ("Accept", "x")],
    "connection": [*GET, ("connection", "close")],
    "transfer-encoding": [*GET, ("transfer-encoding", "chunked")],
    "te that is not trailers": [*GET, ("te", "gzip")],
    "two hosts": [*GET, ("host", "other")],
    "a line in a value": [*GET, ("a", "b\r\nc")],
    "a length that is none": [*POST, ("content-length", "x")],
    "a length below zero": [*POST, ("content-length", "-1")],
}


@pytest.mark.parametrize("headers", MALFORMED.values(), ids=MALFORMED)
async def test_what_is_malformed_ends_the_connection_and_reaches_no_handler(headers: Headers) -> None:
    async with talking(hello) as (site, peer):
        peer.ask(headers)
        assert (await peer.until(events.ConnectionTerminated)).error_code == PROTOCOL_ERROR
    assert site.log == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([*GET[:2], (":authority", "a b"), GET[3]], "400"),
        ([*POST, ("content-length", "1")], "400"),
        ([(":method", "G T"), *GET[1:]], "400"),
        ([*GET[:3], (":path", "a")], "400"),
        ([GET[0], (":scheme", "ftp"), *GET[2:]], "400"),
        ([*GET, ("expect", "x")], "417"),
        ([*GET, *((f"x-{number}", "") for number in range(101))], "431"),
        ([*GET[:3], (":path", "/" + "a" * 1000)], "414"),
    ],
    ids=["authority", "length", "method", "path", "scheme", "expect", "headers", "target"],
)
async def test_a_request_that_cannot_be_answered_gets_a_status_and_others_go_on(headers: Headers, status: str) -> None:
    async with talking(hello, ServerLimits(target_bytes=1000)) as (_, peer):
        assert (await peer.answer(peer.ask(headers)))[0][":status"] == status
        assert (await peer.answer(peer.ask()))[1] == b"hello"


async def test_content_beyond_the_limit_is_413() -> None:
    async def reading(request: Request) -> Response:
        return Response(body=BytesBody(await content(request.body)))

    async with talking(reading, ServerLimits(body_bytes=1000)) as (_, peer):
        announced = peer.ask([*POST, ("content-length", "1001")], ends=False)
        assert (await peer.answer(announced))[0][":status"] == "413"
        assert (await peer.answer(peer.ask(POST, b"x" * 1001)))[0][":status"] == "413"


async def test_headers_beyond_the_limit_end_the_connection() -> None:
    async with talking(hello, ServerLimits(head_bytes=1000)) as (site, peer):
        peer.ask([*GET, ("a", "x" * 1000)])
        await peer.until(events.ConnectionTerminated)
    assert site.log == []


async def test_a_flood_of_continuations_ends_the_connection() -> None:
    async with talking(hello) as (site, peer):
        await peer.until(events.RemoteSettingsChanged)
        peer.writer.write(b"\x00\x00\x01\x01\x00\x00\x00\x00\x01\x82")  # HEADERS without END_HEADERS
        for _ in range(1000):
            peer.writer.write(b"\x00\x00\x01\x09\x00\x00\x00\x00\x01\x86")
        await peer.until(events.ConnectionTerminated)
    assert site.log == []


async def test_more_streams_than_allowed_end_the_connection() -> None:
    async def never(request: Request) -> Response:
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    async with talking(never) as (_, peer):
        for _ in range(100):
            peer.ask()
        await peer.until(events.RemoteSettingsChanged)
        peer.h2.remote_settings[SettingCodes.MAX_CONCURRENT_STREAMS] = 1000
        peer.h2.remote_settings.acknowledge()
        peer.ask()
        await peer.until(events.ConnectionTerminated)


async def test_rapid_resets_end_the_connection() -> None:
    async def never(request: Request) -> Response:
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    async with talking(never) as (site, peer):
        for _ in range(101):
            peer.h2.reset_stream(peer.ask(), CANCEL)
        peer.flush()
        assert (await peer.until(events.ConnectionTerminated)).error_code == ENHANCE_YOUR_CALM
    assert len(site.log) == 101


async def test_resets_among_answers_are_no_attack() -> None:
    async with talking(hello) as (_, peer):
        for _ in range(150):
            peer.h2.reset_stream(peer.ask(ends=False), CANCEL)
            assert (await peer.answer(peer.ask()))[1] == b"hello"


# ---- ends


async def test_a_client_that_gives_a_request_up_cancels_its_handler_and_no_other() -> None:
    cancelled = asyncio.Event()

    async def waiting(request: Request) -> Response:
        if request.path == "/":
            return await hello(request)
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            cancelled.set()
        raise AssertionError

    async with talking(waiting) as (_, peer):
        stream = peer.ask([*GET[:3], (":path", "/wait")])
        assert (await peer.answer(peer.ask()))[1] == b"hello"
        peer.h2.reset_stream(stream, CANCEL)
        peer.flush()
        await cancelled.wait()
        assert (await peer.answer(peer.ask()))[1] == b"hello"


class Broken(Body):
    """Content that breaks off."""

    def __init__(self) -> None:
        self._parts = [b"some"]

    async def read(self, n: int = 1 << 16) -> bytes:
        if self._parts:
            return self._parts.pop()
        raise HttpError(ErrorCode.INTERNAL_ERROR)

    async def trailers(self) -> list[Header]:
        raise AssertionError

    def close(self, error: HttpError | None = None) -> None:
        pass


async def test_an_answer_that_breaks_off_resets_its_stream_alone() -> None:
    async def breaking(request: Request) -> Response:
        request.body.close()
        return Response(body=Broken()) if request.path == "/" else await hello(request)

    async with talking(breaking) as (_, peer):
        stream = peer.ask()
        reset = await peer.until(events.StreamReset)
        assert (reset.stream_id, reset.error_code, peer.so_far(stream)[1]) == (stream, INTERNAL_ERROR, b"some")
        assert (await peer.answer(peer.ask([*GET[:3], (":path", "/b")])))[1] == b"hello"


async def test_long_headers_of_an_answer_take_no_long_time() -> None:
    async def answer(request: Request) -> Response:
        request.body.close()
        return Response(headers=[("a", b"x" * 60_000)])

    async with talking(answer) as (_, peer):
        begun_s = time.process_time()
        assert len((await peer.answer(peer.ask()))[0]["a"]) == 60_000
        assert time.process_time() - begun_s < 0.3


async def test_a_handler_that_raises_is_a_500() -> None:
    async def raising(request: Request) -> Response:
        raise HttpError(ErrorCode.INTERNAL_ERROR)

    async with talking(raising) as (_, peer):
        assert (await peer.answer(peer.ask()))[:2] == (peer.so_far(1)[0], b"500 Internal Server Error\n")
        assert peer.so_far(1)[0][":status"] == "500"


async def test_an_answer_before_the_end_of_the_request_tells_the_client_to_stop() -> None:
    async with talking(hello) as (_, peer):
        stream = peer.ask(POST, b"some", ends=False)
        assert (await peer.answer(stream))[1] == b"hello"
        assert (await peer.until(events.StreamReset)).error_code == NO_ERROR


async def test_the_answer_to_head_has_no_content() -> None:
    async with talking(hello) as (_, peer):
        head, data, _ = await peer.answer(peer.ask([(":method", "HEAD"), *GET[1:]]))
        assert (head[":status"], data) == ("200", b"")


async def test_a_client_hears_continue_before_its_content_is_read() -> None:
    async with talking(echo) as (_, peer):
        stream = peer.ask([*POST, ("expect", "100-continue")], ends=False)
        await peer.until(events.InformationalResponseReceived)
        peer.h2.send_data(stream, b"some", end_stream=True)
        peer.flush()
        assert (await peer.answer(stream))[1] == b"some"


async def test_a_drain_answers_what_is_under_way_and_takes_nothing_more() -> None:
    go_on = asyncio.Event()

    async def waiting(request: Request) -> Response:
        await go_on.wait()
        return await hello(request)

    async with talking(waiting) as (site, peer):
        stream = peer.ask()
        await peer.until(events.RemoteSettingsChanged)
        draining = asyncio.create_task(site.server.drain())
        data = await peer.reader.readuntil(b"\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00")
        peer.h2.receive_data(data[:-17])  # h2 would take the GOAWAY for the end
        late = peer.ask()
        go_on.set()
        reset = await peer.until(events.StreamReset)
        assert (reset.stream_id, reset.error_code) == (late, REFUSED_STREAM)
        assert (await peer.answer(stream))[1] == b"hello"
        await draining


async def test_idle_connections_end_with_goaway() -> None:
    async with talking(hello, ServerLimits(idle_timeout_s=0.01)) as (_, peer):
        await peer.answer(peer.ask())
        assert (await peer.until(events.ConnectionTerminated)).error_code == NO_ERROR


async def test_a_client_that_opens_no_window_is_given_up() -> None:
    async with talking(hello, ServerLimits(write_timeout_s=0.01)) as (site, peer):
        peer.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 0})
        stream = peer.ask()
        assert (await peer.until(events.StreamReset)).stream_id == stream
    assert site.log[0].error is not None
    assert site.log[0].error.code is ErrorCode.CONNECTION_WRITE_TIMEOUT


async def test_a_preface_in_pieces_is_understood() -> None:
    async with serving(hello) as site:
        reader, writer = await site.open()
        for byte in b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r":
            writer.write(bytes([byte]))
            await asyncio.sleep(0)
        peer = Peer(reader, writer)
        peer.h2.clear_outbound_data_buffer()
        writer.write(b"\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
        assert await reader.readexactly(9)
        peer.close()
