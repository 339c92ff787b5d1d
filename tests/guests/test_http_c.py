"""Services in C, which wait inside their export: they serve, send, and call every function of wasi:http."""

from __future__ import annotations

import pytest

from tests.guests.http import SOME, Origin, Parts, ask, serving, text_of
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.messages import Header, Request, Response

TRAILERS: list[Header] = [("X-Sum", b"1"), ("x-sum", b"2")]
both = pytest.mark.parametrize("name", ["c-http", "c-p2-http"])


@both
async def test_a_service_in_c_finds_every_function_and_error_of_types_as_it_should_be(name: str) -> None:
    async with serving(name) as handler:
        assert await text_of(handler, "methods") == "ok"


@both
async def test_a_service_in_c_sends_requests_with_content_and_trailers(name: str) -> None:
    origin = Origin(TRAILERS)
    async with serving(name, origin) as handler:
        lines = await text_of(handler, "send", Parts(SOME, trailers=TRAILERS), authority="api.test")
    assert (origin.request.method, origin.request.authority, origin.trailers) == ("POST", "api.test", TRAILERS)
    response = ["status 201", "x-origin 1", "bytes 9", "x-sum 1"]
    assert lines.splitlines() == [*response, *(["sent -1"] if name == "c-http" else [])]


@both
async def test_every_error_code_goes_through_a_service_in_c_in_both_directions(name: str) -> None:
    codes = list(ErrorCode)

    async def origin(request: Request) -> Response:
        error = HttpError(codes[int((request.authority or "").removeprefix("n"))])
        request.body.close(error)
        raise error

    async with serving(name, origin) as handler:
        for number, code in enumerate(codes):
            with pytest.raises(HttpError) as caught:
                await ask(handler, "error", code=number)
            assert caught.value.code is code
            lines = await text_of(handler, "send", authority=f"n{number}")
            assert lines.splitlines() == [f"error-code {number}", *([f"sent {number}"] if name == "c-http" else [])]
