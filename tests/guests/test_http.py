"""wasi:http as guests see it when they are asked: every method of types, bodies, trailers, and how messages fail."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.guests.harness import load, passes
from tests.guests.http import SOME, Parts, ask, content, serving, text_of, whole
from wasihost import GuestTrap, Host
from wasihost._component.running.store_machine import StoreMachine
from wasihost._http.errors import ErrorCode, FieldSizePayload, HttpError
from wasihost._http.messages import BytesBody, Handler, Header

both = pytest.mark.parametrize("name", ["rust-http", "rust-p2-http"])
TRAILERS: list[Header] = [("X-Sum", b"1"), ("x-sum", b"2")]


@both
@pytest.mark.parametrize("case", ["fields", "requests", "responses", "options"])
async def test_every_method_of_types_does_what_the_guest_expects(name: str, case: str) -> None:
    async with serving(name) as handler:
        assert await text_of(handler, case) == "ok"


@both
async def test_a_guest_sees_the_request_without_the_headers_of_the_connection(name: str) -> None:
    async with serving(name) as handler:
        lines = await text_of(handler, "describe", Accept="x")
    assert lines.splitlines() == [
        'Method::Post Some(Scheme::Http) Some("here:81") Some("/path?query")',
        "case: describe",
        "Accept: x",
    ]


@pytest.mark.parametrize(("case", "kept"), [("hello", 0), ("answer", 1)])
async def test_the_future_of_a_response_is_written_only_if_the_guest_keeps_it(
    case: str, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    take_values = StoreMachine.take_values

    def counted(machine: StoreMachine, end: int, values: list[Any]) -> None:
        written.append(end)
        take_values(machine, end, values)

    monkeypatch.setattr(StoreMachine, "take_values", counted)
    async with serving("rust-http") as handler:
        await whole(await ask(handler, case))
        await text_of(handler, "describe")  # for which the guest is polled again
    assert len(written) == kept


@pytest.mark.parametrize("name", ["rust-http", "rust-p2-http", "c-http", "c-p2-http"])
async def test_a_body_goes_through_a_guest_with_its_trailers(name: str) -> None:
    body = Parts(SOME, b"x" * 200_000, trailers=TRAILERS)
    async with serving(name) as handler:
        assert await whole(await ask(handler, "copy", body)) == (SOME + b"x" * 200_000, TRAILERS)
    assert body.closed == [None]


@both
async def test_trailers_of_names_that_are_forbidden_do_not_reach_a_guest(name: str) -> None:
    async with serving(name) as handler:
        body = Parts(SOME, trailers=[("Host", b"x"), *TRAILERS])
        assert await whole(await ask(handler, "copy", body)) == (SOME, TRAILERS)


async def test_a_body_and_its_trailers_are_handed_over_as_they_are() -> None:
    body = Parts(SOME, b"x" * 200_000, trailers=TRAILERS)
    async with serving("rust-http") as handler:
        assert await whole(await ask(handler, "echo", body)) == (SOME + b"x" * 200_000, TRAILERS)
    assert body.closed == [None]


async def test_a_body_that_breaks_off_does_so_when_it_is_handed_over() -> None:
    broken = HttpError(ErrorCode.CONNECTION_TERMINATED)
    body = Parts(SOME, broken)
    async with serving("rust-http") as handler:
        with pytest.raises(HttpError) as caught:
            await whole(await ask(handler, "echo", body))
    assert (caught.value.code, body.closed) == (broken.code, [broken])


async def test_which_headers_are_forbidden_is_a_setting() -> None:
    async with Host(forbidden_headers=["Secret"]).answering(load("rust-http")) as handler:
        lines = await text_of(handler, "describe", secret=1)
    assert lines.splitlines()[1:] == ["Host: here:81", "case: describe"]


async def test_a_guest_reads_the_request_after_its_response_has_begun() -> None:
    async with serving("rust-http") as handler:
        assert await text_of(handler, "late", BytesBody(SOME)) == "first, then some body"


@pytest.mark.parametrize("code", [ErrorCode.CONNECTION_TERMINATED, ErrorCode.HTTP_PROTOCOL_ERROR])
async def test_a_request_that_breaks_off_reaches_the_guest_as_the_error_of_its_trailers(code: ErrorCode) -> None:
    broken = HttpError(code)
    body = Parts(SOME, broken)
    async with serving("rust-http") as handler:
        response = await ask(handler, "copy", body)
        assert await content(response) == SOME
        with pytest.raises(HttpError) as caught:
            await response.body.trailers()
        response.body.close(caught.value)
    assert (caught.value.code, body.closed) == (code, [broken])


@both
async def test_an_unread_request_is_closed_when_the_guest_drops_it(name: str) -> None:
    body = Parts(SOME)
    async with serving(name) as handler:
        await text_of(handler, "hello", body)
        assert body.closed == [None]


# ---- answers, by the words of message.rs: what comes, and what the guest hears of it

SIZE = ErrorCode.HTTP_RESPONSE_BODY_SIZE
ANSWERS: list[tuple[dict[str, Any], tuple[bytes, list[Header]] | HttpError, str]] = [
    ({"bytes": 5, "length": 5}, (b"aaaaa", []), "Ok(())"),
    ({"bytes": 6, "parts": 3}, (b"aabbcc", []), "Ok(())"),
    ({"bytes": 3, "trailers": "fields"}, (b"aaa", [("x-sum", b"1"), ("x-sum", b"2")]), "Ok(())"),
    ({"trailers": "fields"}, (b"", [("x-sum", b"1"), ("x-sum", b"2")]), "Ok(())"),
    ({"bytes": 0, "length": 0}, (b"", []), "Ok(())"),
    ({"bytes": 5, "length": 4}, HttpError(SIZE, 5), "Err(ErrorCode::HttpResponseBodySize(Some(5)))"),
    ({"bytes": 4, "length": 5}, HttpError(SIZE, 4), "Err(ErrorCode::HttpResponseBodySize(Some(4)))"),
    ({"length": 5}, HttpError(SIZE, 0), "Err(ErrorCode::HttpResponseBodySize(Some(0)))"),
    (
        {"bytes": 3, "trailers": "error"},
        HttpError(ErrorCode.CONFIGURATION_ERROR),
        "Err(ErrorCode::ConfigurationError)",
    ),
    ({"status": 204, "length": 5}, (b"", []), "Ok(())"),
    (
        {"status": 103},
        HttpError(ErrorCode.INTERNAL_ERROR, "103 is not the status of a final response"),
        'Err(ErrorCode::InternalError(Some("103 is not the status of a final response")))',
    ),
]


@pytest.mark.parametrize(("described", "comes", "heard"), ANSWERS, ids=str)
async def test_an_answer_comes_as_described_or_breaks_off(
    described: dict[str, Any], comes: tuple[bytes, list[Header]] | HttpError, heard: str
) -> None:
    async with serving("rust-http") as handler:
        if isinstance(comes, HttpError):
            with pytest.raises(HttpError) as caught:
                await whole(await ask(handler, "answer", **described))
            assert (caught.value.code, caught.value.payload) == (comes.code, comes.payload)
        else:
            assert await whole(await ask(handler, "answer", **described)) == comes
        assert await _outcome(handler) == heard


@both
async def test_an_answer_to_head_may_name_a_length_that_it_does_not_have(name: str) -> None:
    async with serving(name) as handler:
        response = await ask(handler, "answer", by="HEAD", length=5)
        assert (response.headers, response.body.length) == ([("content-length", b"5"), ("X-Kept", b"Yes")], None)
        assert await whole(response) == (b"", [])


async def test_a_client_that_goes_away_is_heard_of() -> None:
    async with serving("rust-http") as handler:
        response = await ask(handler, "answer", bytes=2_000_000)
        await response.body.read()
        response.body.close(HttpError(ErrorCode.CONNECTION_TERMINATED))
        outcome = await _outcome(handler)
    assert "Err(ErrorCode::ConnectionTerminated)" in outcome
    assert "left " in outcome


async def _outcome(handler: Handler) -> str:
    """What became of the last answer, once the guest knows."""
    found = ""
    while not found:
        found = await text_of(handler, "outcome")
    return found.removesuffix("\n")


# ---- failures


@both
async def test_every_error_code_of_a_guest_is_that_of_the_failure(name: str) -> None:
    async with serving(name) as handler:
        for number, code in enumerate(ErrorCode):
            with pytest.raises(HttpError) as caught:
                await ask(handler, "error", code=number)
            assert caught.value.code is code
            if code is ErrorCode.HTTP_RESPONSE_HEADER_SIZE:
                assert caught.value.payload == FieldSizePayload("x", 5)


@both
async def test_a_guest_that_traps_before_the_head_is_an_internal_error(name: str) -> None:
    body = Parts(SOME)
    async with serving(name) as handler:
        with pytest.raises(HttpError) as caught:
            await ask(handler, "trap", body)
        assert caught.value.code is ErrorCode.INTERNAL_ERROR
        assert isinstance(caught.value.__cause__, GuestTrap)
    assert body.closed == [None]


@both
async def test_a_guest_that_traps_after_the_head_breaks_its_response_off(name: str) -> None:
    async with serving(name) as handler:
        response = await ask(handler, "trap-after")
        assert await response.body.read() == b"some"
        with pytest.raises(HttpError) as caught:
            await whole(response)
    assert (caught.value.code, type(caught.value.__cause__)) == (ErrorCode.INTERNAL_ERROR, GuestTrap)


@both
@pytest.mark.parametrize("count", range(4))
async def test_an_instance_that_is_closed_breaks_responses_off(name: str, count: int) -> None:
    async with serving(name) as handler:
        response = await ask(handler, "answer", bytes=2_000_000)
        await response.body.read()
        await passes(count)
    with pytest.raises(HttpError) as caught:
        await whole(response)
    assert caught.value.code is ErrorCode.INTERNAL_ERROR


async def test_a_request_that_is_given_up_leaves_the_others_alone() -> None:
    body = Parts(SOME)
    async with serving("rust-http") as handler:
        asking = asyncio.create_task(ask(handler, "hang", body))
        assert await text_of(handler, "hello") == "hello"
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert body.closed == [None]
        assert await text_of(handler, "hello") == "hello"
