"""HTTP of guests in recordings: noted, shown, and replayed with no network and no origins."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from tests.guests.harness import load
from tests.guests.serve import served
from tests.recordings import replaced
from tests.unit.http.peers import content, whole
from wasihost import DivergenceError, Host, allow_all
from wasihost._http.messages import Handler
from wasihost._network.virtual import VirtualNetwork
from wasihost.http import BytesBody, HttpError, Request, Response
from wasihost.recording import Recording, ReplayHttp, Trace, events, replay_requests, write_report


def request_for(case: str, body: bytes = b"", headers: Mapping[str, str] = MappingProxyType({})) -> Request:
    described = [("case", case.encode()), *((name, value.encode()) for name, value in headers.items())]
    return Request(method="POST", scheme="http", authority="app", path="/a?b", headers=described, body=BytesBody(body))


async def echoing_origin(request: Request) -> Response:
    _, asked = await whole(Response(body=request.body))
    return Response(status=201, headers=[("x-of", b"origin")], body=BytesBody(asked + b"!"))


async def _sent(host: Host, **headers: str) -> bytes:
    """What a guest says of its request to an origin."""
    described = {"scheme": "http", "authority": "api.test", "bytes": "3", **headers}
    async with host.answering(load("rust-http"), instances=1) as handler:
        asking = request_for("send", headers=described)
        return (await whole(await handler(asking)))[1]


def _exchanges(recording: Recording, way: str) -> list[events.HttpExchange]:
    found = (event for event in recording.events if isinstance(event, events.HttpExchange))
    return [event for event in found if event.way == way]


async def _recorded(tmp_path: Path) -> tuple[Recording, bytes]:
    """A guest that sent a request, and what it said; the recording was written and read again."""
    recording = Recording()
    network = VirtualNetwork()
    network.host("api.test", "10.0.0.2").serve(80, lambda _: b"HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\nok")
    told = await _sent(Host(policy=allow_all, network=network.guest, recording=recording))
    recording.save(tmp_path / "run.jsonl")
    return Recording.load(tmp_path / "run.jsonl"), told


async def test_requests_are_noted_on_both_sides(tmp_path: Path) -> None:
    recording, told = await _recorded(tmp_path)
    [sent] = _exchanges(recording, "out")
    assert (sent.method, sent.url, sent.status) == ("GET", "http://api.test/", 202)
    assert (len(sent.content), sent.response_content, sent.error) == (3, b"ok", None)
    [answered] = _exchanges(recording, "in")
    assert (answered.url, answered.status, answered.response_content) == ("http://app/a?b", 200, told)


async def test_a_guest_that_sends_is_replayed_with_no_network(tmp_path: Path) -> None:
    recording, told = await _recorded(tmp_path)
    host = Host(policy=allow_all, network=VirtualNetwork().guest, http=ReplayHttp(recording))
    assert await _sent(host) == told


async def test_a_guest_that_sends_something_else_has_diverged(tmp_path: Path) -> None:
    recording, _ = await _recorded(tmp_path)
    for headers in ({"path": "/other"}, {"method": "PUT"}):
        host = Host(network=VirtualNetwork().guest, http=ReplayHttp(recording))
        with pytest.raises(HttpError) as caught:
            await _sent(host, **headers)
        assert isinstance(caught.value.__cause__, DivergenceError)


async def _answered(handler: Handler) -> None:
    for asking in (request_for("hello"), request_for("copy", b"abc"), request_for("trap"), request_for("trap-after")):
        with contextlib.suppress(HttpError):
            response = await handler(asking)
            try:
                await content(response.body)
            finally:
                response.body.close()


async def test_a_served_guest_is_asked_the_same_again() -> None:
    recording = Recording()
    async with Host(network=VirtualNetwork().guest, recording=recording).answering(load("rust-http")) as handler:
        await _answered(handler)
    assert [(event.status, event.error) for event in _exchanges(recording, "in")] == [
        (200, None),
        (200, None),
        (None, "internal-error"),
        (200, "internal-error"),
    ]
    async with Host(network=VirtualNetwork().guest).answering(load("rust-http")) as handler:
        assert await replay_requests(handler, recording) == 4
        for fields, words in (
            ({"response_content": b"Hello"}, "0x68 at offset 0, recorded 0x48"),
            ({"status": 201}, "the status is 200, recorded 201"),
            ({"response_headers": (("a", b"b"),)}, r"the headers are \(\), recorded"),
            ({"trailers": (("a", b"b"),)}, r"the trailers are \(\), recorded"),
            ({"error": "internal-error"}, "the error is None, recorded internal-error"),
        ):
            other = Recording()
            other.events = [replaced(_exchanges(recording, "in")[0], **fields)]
            with pytest.raises(DivergenceError, match=f"POST http://app/a\\?b: .*{words}"):
                await replay_requests(handler, other)


async def test_each_request_has_the_number_of_the_guest_that_answered_it_and_its_trailers() -> None:
    recording = Recording()
    host = Host(network=VirtualNetwork().guest, recording=recording)
    async with host.answering(load("rust-http"), reuse=1, instances=1, max_waiting=0) as handler:
        asking = request_for("copy")
        asking.body = BytesBody(b"some", [("x-sum", b"1")])
        response = await handler(asking)
        assert (await whole(await handler(request_for("hello"))))[0] == 503
        assert await whole(response) == (200, b"some")
    answered = [(event.guest, event.status, event.request_trailers) for event in _exchanges(recording, "in")]
    assert answered == [(0, 503, ()), (1, 200, (("x-sum", b"1"),))]


async def test_the_trace_has_a_line_and_the_report_a_row_for_each_request(tmp_path: Path) -> None:
    recording = Recording()
    stream = io.StringIO()
    recording.subscribe(Trace(stream))
    async with served(settings={"recording": recording, "http": {"api.test": echoing_origin}}) as guest:
        await guest.answer("send", scheme="http", authority="api.test", path="/orders", bytes=3)
    assert "→ GET http://api.test/orders: 201, 4 B in" in stream.getvalue()
    assert "← POST http://10.0.0.9:80/path?query: 200," in stream.getvalue()
    write_report(recording, tmp_path / "run.html")
    assert "GET http://api.test/orders" in (tmp_path / "run.html").read_text()
