"""wasi:http 0.2: what differs from 0.3, which `test_http` has. Streams, what can be had once, and what is a trap."""

from __future__ import annotations

from typing import Any

import pytest

from tests.guests.http import SOME, Origin, Parts, ask, content, serving, text_of, whole
from wasihost import GuestTrap
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.messages import Header, Request, RequestOptions, Response

NAME = "rust-p2-http"
TRAILERS: list[Header] = [("x-sum", b"1"), ("x-sum", b"2")]
SIZE = ErrorCode.HTTP_RESPONSE_BODY_SIZE


async def test_body_and_stream_can_be_had_once() -> None:
    async with serving(NAME) as handler:
        assert await text_of(handler, "once", Parts(SOME)) == "ok"


async def test_a_body_is_spliced() -> None:
    async with serving(NAME) as handler:
        assert await text_of(handler, "splice", Parts(SOME, b"x" * 200_000)) == (SOME + b"x" * 200_000).decode()


async def test_what_is_written_by_permission_counts_for_content_length() -> None:
    async with serving(NAME) as handler:
        assert await whole(await ask(handler, "permitted")) == (b"some", [])


async def test_a_body_that_is_left_unfinished_breaks_off_unless_it_has_no_content() -> None:
    async with serving(NAME) as handler:
        response = await ask(handler, "leave")
        assert (response.status, await whole(response)) == (500, (b"", []))
        with pytest.raises(HttpError, match="did not finish"):
            await whole(await ask(handler, "leave-some"))


async def test_the_trailers_come_after_a_stream_that_was_dropped_early() -> None:
    body = Parts(SOME, b"x" * 200_000, trailers=TRAILERS)
    async with serving(NAME) as handler:
        assert await text_of(handler, "skip", body) == "so Some(2)"
    assert body.closed == [None]


async def test_a_stream_that_breaks_off_has_the_error_code() -> None:
    async with serving(NAME) as handler:
        response = await ask(handler, "copy", Parts(SOME, HttpError(ErrorCode.CONNECTION_TERMINATED)))
        said: list[bytes] = []

        async def read_on() -> None:
            while part := await response.body.read():
                said.append(part)

        with pytest.raises(HttpError):  # the guest does not finish its body
            await read_on()
        response.body.close()
    assert b"".join(said) == SOME + b"broke off: ErrorCode::ConnectionTerminated"


ANSWERS: list[tuple[dict[str, Any], tuple[bytes, list[Header]] | HttpError, str]] = [
    ({}, (b"", []), ""),
    ({"bytes": 5, "length": 5}, (b"aaaaa", []), "Ok(())"),
    ({"bytes": 6, "parts": 3}, (b"aabbcc", []), "Ok(())"),
    ({"bytes": 200_000, "trailers": "fields"}, (b"a" * 200_000, TRAILERS), "Ok(())"),
    ({"trailers": "fields"}, (b"", TRAILERS), "Ok(())"),
    (
        {"bytes": 5, "length": 4},
        HttpError(SIZE, 5),
        "Some(ErrorCode::HttpResponseBodySize(Some(5)))\nErr(ErrorCode::HttpResponseBodySize(Some(5)))",
    ),
    ({"bytes": 4, "length": 5}, HttpError(SIZE, 4), "Err(ErrorCode::HttpResponseBodySize(Some(4)))"),
    ({"length": 5}, HttpError(SIZE, 0), ""),
    ({"bytes": 4, "trailers": "drop"}, HttpError(ErrorCode.HTTP_PROTOCOL_ERROR), ""),
    ({"status": 204, "length": 5}, (b"", []), ""),
    (
        {"status": 103},
        HttpError(ErrorCode.INTERNAL_ERROR, "103 is not the status of a final response"),
        "",
    ),
]


async def test_an_answer_comes_as_described_or_breaks_off() -> None:
    async with serving(NAME) as handler:
        for described, comes, heard in ANSWERS:
            if isinstance(comes, HttpError):
                with pytest.raises(HttpError) as caught:
                    await whole(await ask(handler, "answer", **described))
                assert (caught.value.code, caught.value.payload) == (comes.code, comes.payload), described
            else:
                assert await whole(await ask(handler, "answer", **described)) == comes, described
            assert (await text_of(handler, "outcome")).removesuffix("\n") == heard, described


async def test_a_client_that_goes_away_is_heard_of() -> None:
    async with serving(NAME) as handler:
        response = await ask(handler, "answer", bytes=2_000_000)
        await response.body.read()
        response.body.close(HttpError(ErrorCode.CONNECTION_TERMINATED))
        outcome = await text_of(handler, "outcome")
    assert outcome.splitlines() == ["Some(ErrorCode::ConnectionTerminated)", "Err(ErrorCode::ConnectionTerminated)"]


async def test_a_guest_that_sets_no_response_is_an_internal_error() -> None:
    async with serving(NAME) as handler:
        with pytest.raises(HttpError) as caught:
            await ask(handler, "silent")
        assert caught.value.code is ErrorCode.INTERNAL_ERROR
        assert await text_of(handler, "hello") == "hello"


@pytest.mark.parametrize("case", ["trap-alive", "trap-size"])
async def test_what_the_wit_says_is_a_trap_is_one(case: str) -> None:
    async with serving(NAME) as handler:
        with pytest.raises(HttpError) as caught:
            await whole(await ask(handler, case))
    assert isinstance(caught.value.__cause__, GuestTrap)


async def test_an_instance_that_has_ended_answers_with_an_internal_error() -> None:
    async with serving(NAME) as handler:
        for _ in range(2):
            with pytest.raises(HttpError) as caught:
                await ask(handler, "trap")
            assert isinstance(caught.value.__cause__, GuestTrap)


# ---- sending


async def test_a_request_goes_as_it_was_made_and_the_answer_comes_back() -> None:
    origin = Origin(TRAILERS)
    described: dict[str, Any] = {
        "method": "PUT",
        "scheme": "HTTP",
        "authority": "api.test:81",
        "path": "?x",
        "timeout": 1_500_000_000,
    }
    async with serving(NAME, origin) as handler:
        lines = await text_of(handler, "send", bytes=100_000, trailers="fields", **described)
    request = origin.request
    assert (request.method, request.scheme, request.authority, request.path) == ("PUT", "http", "api.test:81", "/?x")
    assert (request.headers, origin.trailers) == ([("X-Kept", b"Yes")], TRAILERS)
    assert request.options == RequestOptions(1.5, 1.5, 1.5)
    assert lines.splitlines() == ["201", "X-Origin: Yes", "100000 bytes", "x-sum: 1", "x-sum: 2", "Ok(())"]


async def test_a_request_that_cannot_be_sent_fails_at_once() -> None:
    async with serving(NAME, Origin()) as handler:
        assert await text_of(handler, "send") == "at once ErrorCode::HttpRequestUriInvalid\n"
        assert await text_of(handler, "send", authority="a", scheme="ws") == "at once ErrorCode::HttpProtocolError\n"
        wrong = await text_of(handler, "send", authority="a", length=5)
        assert wrong == "at once ErrorCode::HttpRequestBodySize(Some(0))\n"


async def test_a_request_that_breaks_off_fails_later() -> None:
    async with serving(NAME, Origin()) as handler:
        short = await text_of(handler, "send", authority="a", bytes=4, length=5)
        dropped = await text_of(handler, "send", authority="a", bytes=4, trailers="drop")
    size = "ErrorCode::HttpRequestBodySize(Some(4))"
    assert short.splitlines() == [size, f"Err({size})"]
    assert dropped.splitlines() == ["ErrorCode::HttpProtocolError"]


async def test_a_response_that_breaks_off_has_its_code_in_stream_and_trailers() -> None:
    async def origin(request: Request) -> Response:
        request.body.close()
        return Response(body=Parts(SOME, HttpError(ErrorCode.HTTP_RESPONSE_INCOMPLETE)))

    async with serving(NAME, origin) as handler:
        lines = (await text_of(handler, "send", authority="a")).splitlines()
    code = "ErrorCode::HttpResponseIncomplete"
    assert lines == ["200", f"broke off: {code}", "9 bytes", code]


async def test_a_guest_sends_a_request_on_with_body_and_trailers() -> None:
    origin = Origin(TRAILERS)
    async with serving(NAME, origin) as handler:
        response = await ask(handler, "forward", Parts(SOME, trailers=TRAILERS), to="api.test")
        assert response.status == 201
        assert await content(response) == SOME
        assert await response.body.trailers() == TRAILERS
        response.body.close()
    assert (origin.request.authority, origin.request.path, origin.trailers) == ("api.test", "/path?query", TRAILERS)
