"""Quotas of requests: what is beyond them fails, and is counted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import pytest

from tests.unit.http.peers import code, content, get
from wasihost._base.clock import NS_PER_S, VirtualClock
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.messages import Body, BytesBody, Header, Request, Response
from wasihost._http.quotas import QuotaHandler
from wasihost._network.quotas import Quotas
from wasihost._network.quotas.metering import Budget

Answer: TypeAlias = Callable[[Request], Awaitable[Response]]


class _Slow(Body):
    """A body that never comes."""

    error: HttpError | None = None

    async def read(self, n: int = 0) -> bytes:
        await asyncio.Event().wait()
        raise AssertionError

    async def trailers(self) -> list[Header]:
        return []

    def close(self, error: HttpError | None = None) -> None:
        self.error = error


async def _echo(request: Request) -> Response:
    found = await content(request.body)
    request.body.close()
    return Response(body=BytesBody(found))


class _Setup:
    def __init__(self, answer: Answer = _echo, **limits: float) -> None:
        self.clock = VirtualClock()
        self.budget = Budget(Quotas(**limits), self.clock)  # type: ignore[arg-type]
        self.send = QuotaHandler(answer, self.budget)

    async def moved(self, seconds: float) -> None:
        """Time goes by once everything waits."""
        for _ in range(5):
            await asyncio.sleep(0)
        self.clock.advance(round(seconds * NS_PER_S))


async def test_so_many_requests_are_sent_and_no_more() -> None:
    setup = _Setup(http_requests=2)
    for _ in range(2):
        (await setup.send(get())).body.close()
    body = _Slow()
    with code(ErrorCode.CONNECTION_LIMIT_REACHED):
        await setup.send(get(body=body))
    assert body.error is not None
    assert setup.budget.reached == {"http_requests": 1}


async def test_a_request_counts_until_its_response_is_closed() -> None:
    setup = _Setup(http_requests_at_once=1)
    response = await setup.send(get())
    with code(ErrorCode.CONNECTION_LIMIT_REACHED):
        await setup.send(get())
    response.body.close()
    response.body.close()
    (await setup.send(get())).body.close()


async def test_a_request_that_fails_counts_no_more() -> None:
    async def fail(_request: Request) -> Response:
        raise HttpError(ErrorCode.CONNECTION_REFUSED)

    setup = _Setup(fail, http_requests_at_once=1)
    for _ in range(2):
        with code(ErrorCode.CONNECTION_REFUSED):
            await setup.send(get())


async def test_content_is_counted_over_all_requests() -> None:
    setup = _Setup(http_bytes_out=5)
    assert await content((await setup.send(get(body=BytesBody(b"abc")))).body) == b"abc"
    with code(ErrorCode.HTTP_REQUEST_BODY_SIZE, 5):
        await setup.send(get(body=BytesBody(b"abc")))
    setup = _Setup(http_bytes_in=5)
    response = await setup.send(get(body=BytesBody(b"abcdef")))
    with code(ErrorCode.HTTP_RESPONSE_BODY_SIZE, 5):
        await response.body.read()


async def test_a_head_that_does_not_come_in_time_is_given_up() -> None:
    async def never(_request: Request) -> Response:
        await asyncio.Event().wait()
        raise AssertionError

    setup = _Setup(never, http_time_s=5)
    sending = asyncio.ensure_future(setup.send(get()))
    await setup.moved(4)
    assert not sending.done()
    await setup.moved(1)
    with code(ErrorCode.HTTP_RESPONSE_TIMEOUT):
        await sending
    assert setup.budget.reached == {"http_time_s": 1}
    assert setup.budget.requests == 0


async def test_content_that_does_not_come_in_time_is_given_up() -> None:
    async def begin(_request: Request) -> Response:
        return Response(body=_Slow())

    setup = _Setup(begin, http_time_s=5)
    response = await setup.send(get())
    setup.clock.advance(3 * NS_PER_S)
    reading = asyncio.ensure_future(response.body.read())
    await setup.moved(2)
    with code(ErrorCode.HTTP_RESPONSE_TIMEOUT):
        await reading


@pytest.mark.parametrize("name", ["http_requests", "http_bytes_in"])
def test_they_are_texts_of_the_command_line_too(name: str) -> None:
    assert Quotas.parse([f"{name.replace('_', '-')}=3"]) == Quotas(**{name: 3})
