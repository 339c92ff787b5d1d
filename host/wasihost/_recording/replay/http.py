"""Plays the HTTP of a recording back, with no network and no origins.

`ReplayHttp` answers the requests of a guest with the recorded responses, and `replay_requests` sends a served guest the
recorded requests and compares its answers. Content is compared as a whole, however it is cut into blocks, and
connections, TLS and time are not.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping

from wasihost._base.errors import DivergenceError
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.messages import Body, BytesBody, Handler, Request, Response
from wasihost._recording import Recorder, Recording, events
from wasihost._recording.http import RecordingHandler
from wasihost._recording.replay.divergence import differing_bytes, line

_COMPARED = {
    "status": "the status is",
    "response_headers": "the headers are",
    "trailers": "the trailers are",
    "error": "the error is",
}
_GIVEN_UP = asyncio.CancelledError.__name__


class ReplayHttp(Mapping[str, Handler]):
    """The origins of a recording for `Host(http=...)`, for one run: the answers to the same method and URL.

    A guest that sends another request, or other content, has diverged. `guest`: which of several, by number; all of
    them by default.
    """

    def __init__(self, recording: Recording, *, guest: int | None = None) -> None:
        self._left: dict[tuple[str, str], deque[tuple[int, events.HttpExchange]]] = defaultdict(deque)
        self._hosts: dict[str, None] = {}
        for index, event in recording.of_guest(guest):
            if isinstance(event, events.HttpExchange) and event.way == "out":
                self._left[event.method, event.url].append((index, event))
                self._hosts[event.url.partition("://")[2].partition("/")[0]] = None

    def __getitem__(self, host: str) -> Handler:
        if host not in self._hosts:
            raise KeyError(host)
        return self._answer

    def __iter__(self) -> Iterator[str]:
        return iter(self._hosts)

    def __len__(self) -> int:
        return len(self._hosts)

    async def _answer(self, request: Request) -> Response:
        url = f"{request.scheme or 'https'}://{request.authority}{request.path or '/'}"
        left = self._left.get((request.method, url))
        if not left:
            request.body.close()
            raise DivergenceError(f"the guest sends {request.method} {url}, which was not recorded")
        index, event = left.popleft()
        content = await _whole(request.body)
        if event.status is None:  # the rest was not taken
            content = content[: len(event.content)]
        if content != event.content:
            words = differing_bytes(content, event.content)
            raise DivergenceError(f"{request.method} {url}: the content is {words}\n  {line(index)} of the recording")
        if event.status is None:
            raise _error(event)
        body: Body = BytesBody(event.response_content, event.trailers)
        if event.error is not None:
            body = _BrokenBody(event.response_content, _error(event))
        return Response(status=event.status, headers=list(event.response_headers), body=body)


class _BrokenBody(BytesBody):
    """Content that breaks off at its end."""

    def __init__(self, content: bytes, error: HttpError) -> None:
        super().__init__(content)
        self.length = None
        self._error = error

    async def read(self, n: int = 1 << 16) -> bytes:
        data = await super().read(n)
        if not data:
            raise self._error
        return data


def served_guests(recording: Recording) -> list[int]:
    """The guests of a recording that answered requests, by number."""
    exchanges = (event for event in recording.events if isinstance(event, events.HttpExchange))
    return sorted({event.guest for event in exchanges if event.way == "in"} - {0})


async def replay_requests(handler: Handler, recording: Recording, *, guest: int | None = None) -> int:
    """Sends the recorded requests to a handler, one after the other; how many they were.

    `guest`: those that this one answered, by number; all of them by default. Those whose client left, or that took too
    long, are passed over. Errors: DivergenceError.
    """
    chosen = [
        (index, event)
        for index, event in recording.of_guest(guest)
        if isinstance(event, events.HttpExchange) and event.way == "in" and event.error != _GIVEN_UP
    ]
    chosen.sort(key=lambda each: each[1].time_ns - each[1].duration_ns)
    for index, event in chosen:
        _compare(event, await _asked(handler, event), index)
    return len(chosen)


async def _asked(handler: Handler, event: events.HttpExchange) -> events.HttpExchange:
    """What becomes of the exchange now."""
    scheme, _, rest = event.url.partition("://")
    authority, slash, path = rest.partition("/")
    request = Request(
        method=event.method,
        scheme=scheme,
        authority=authority,
        path=slash + path,
        headers=list(event.headers),
        body=BytesBody(event.content, event.request_trailers),
    )
    noted = Recording()
    try:
        response = await RecordingHandler(handler, Recorder(noted), "in")(request)
        await _whole(response.body)
    except HttpError as error:
        if isinstance(error.__cause__, DivergenceError):
            raise error.__cause__ from None
    (found,) = noted.events
    assert isinstance(found, events.HttpExchange)
    return found


def _compare(event: events.HttpExchange, now: events.HttpExchange, index: int) -> None:
    """Errors: DivergenceError."""
    where = f"{event.method} {event.url}"
    for field, name in _COMPARED.items():
        found = getattr(now, field)
        recorded = getattr(event, field)
        if found != recorded:
            raise DivergenceError(f"{where}: {name} {found}, recorded {recorded} in {line(index)}")
    if now.response_content != event.response_content:
        words = differing_bytes(now.response_content, event.response_content)
        raise DivergenceError(f"{where}: the content is {words}\n  {line(index)} of the recording")


async def _whole(body: Body) -> bytes:
    """The content, as far as it comes; the trailers are read too."""
    content = b""
    try:
        while data := await body.read():
            content += data
        await body.trailers()
    except HttpError as error:
        body.close(error)
    body.close()
    return content


def _error(event: events.HttpExchange) -> HttpError:
    known = {code.value: code for code in ErrorCode}
    return HttpError(known.get(event.error or "", ErrorCode.INTERNAL_ERROR))
