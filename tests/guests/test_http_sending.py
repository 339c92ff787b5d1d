"""Guests that send: what an origin gets, what the guest hears of it, and who decides where a request may go."""

from __future__ import annotations

from typing import Any

import pytest

from tests.guests.harness import load
from tests.guests.http import SOME, Origin, Parts, ask, content, serving, text_of, whole
from wasihost import Decision, Host, allow_all
from wasihost._host.serving import serve_handler
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.messages import EMPTY, Body, Handler, Header, Request, RequestOptions, Response
from wasihost._network.quotas import Quotas
from wasihost._network.virtual import VirtualNetwork
from wasihost.policy import Rules

TRAILERS: list[Header] = [("x-sum", b"1"), ("x-sum", b"2")]


async def test_a_request_goes_as_it_was_made() -> None:
    origin = Origin(TRAILERS)
    async with serving("rust-http", origin) as handler:
        lines = await text_of(
            handler,
            "send",
            method="PUT",
            scheme="HTTP",
            authority="api.test:81",
            path="?x",
            bytes=6,
            trailers="fields",
            timeout=1_500_000_000,
        )
    request = origin.request
    assert (request.method, request.scheme, request.authority, request.path) == ("PUT", "http", "api.test:81", "/?x")
    assert (request.headers, origin.trailers) == ([("X-Kept", b"Yes")], TRAILERS)
    assert request.options == RequestOptions(1.5, 1.5, 1.5)
    assert lines.splitlines() == ["201", "X-Origin: Yes", "6 bytes", "x-sum: 1", "x-sum: 2", "Ok(())"]


async def test_a_request_without_scheme_and_path_is_for_the_root_by_https() -> None:
    origin = Origin()
    async with serving("rust-http", origin) as handler:
        assert "Ok(())" in await text_of(handler, "send", authority="api.test")
    assert (origin.request.method, origin.request.scheme, origin.request.path) == ("GET", "https", "/")


@pytest.mark.parametrize(
    ("described", "code"),
    [
        ({}, "HttpRequestUriInvalid"),
        ({"authority": "user@a"}, "HttpRequestUriInvalid"),
        ({"authority": "a", "scheme": "ws"}, "HttpProtocolError"),
        ({"authority": "a", "length": 5}, "HttpRequestBodySize(Some(0))"),
        ({"authority": "a", "length": 5, "bytes": 4}, "HttpRequestBodySize(Some(4))"),
        ({"authority": "a", "length": 5, "bytes": 6}, "HttpRequestBodySize(Some(6))"),
        ({"authority": "a", "bytes": 6, "trailers": "error"}, "ConfigurationError"),
    ],
    ids=str,
)
async def test_a_request_that_cannot_be_sent_is_an_error_for_send_and_for_the_request(
    described: dict[str, Any], code: str
) -> None:
    async with serving("rust-http", Origin()) as handler:
        lines = (await text_of(handler, "send", **described)).splitlines()
    assert lines[:2] == [f"ErrorCode::{code}", f"Err(ErrorCode::{code})"]


async def test_every_error_code_of_an_origin_comes_to_the_guest() -> None:
    async def origin(request: Request) -> Response:
        error = HttpError(ErrorCode((request.path or "").removeprefix("/")))
        request.body.close(error)
        raise error

    async with serving("rust-http", origin) as handler:
        for code in ErrorCode:
            first, second = (await text_of(handler, "send", authority="a", path=code.value)).splitlines()
            name = first.removeprefix("ErrorCode::").partition("(")[0]
            assert name.lower() == code.value.replace("-", "").lower()
            assert second == f"Err({first})"


async def test_a_response_that_breaks_off_is_an_error_in_the_place_of_the_trailers() -> None:
    async def origin(request: Request) -> Response:
        request.body.close()
        return Response(body=Parts(SOME, HttpError(ErrorCode.HTTP_RESPONSE_INCOMPLETE)))

    async with serving("rust-http", origin) as handler:
        lines = await text_of(handler, "send", authority="a")
    assert lines.splitlines()[:3] == ["200", "9 bytes", "ErrorCode::HttpResponseIncomplete"]


async def test_an_early_answer_leaves_the_rest_of_the_request_to_the_guest() -> None:
    async def origin(request: Request) -> Response:
        await request.body.read()
        request.body.close()
        return Response(status=413)

    async with serving("rust-http", origin) as handler:
        lines = (await text_of(handler, "send", authority="a", bytes=3_000_000)).splitlines()
    assert lines[:3] == ["413", "0 bytes", "Ok(())"]


async def test_a_guest_sends_a_request_on_with_its_body_and_trailers_as_they_are() -> None:
    origin = Origin(TRAILERS)
    async with serving("rust-http", origin) as handler:
        response = await ask(handler, "forward", Parts(SOME, trailers=TRAILERS), to="api.test")
        assert (response.status, await whole(response)) == (201, (SOME, TRAILERS))
    assert (origin.request.authority, origin.request.path, origin.trailers) == ("api.test", "/path?query", TRAILERS)


@pytest.mark.parametrize(("body", "length"), [(EMPTY, 0), (Parts(SOME), None)], ids=["nothing", "content"])
async def test_a_get_that_is_sent_on_has_content_only_if_some_comes(body: Body, length: int | None) -> None:
    origin = Origin()
    async with serving("rust-http", origin) as handler:
        response = await ask(handler, "forward", body, by="GET", to="api.test")
        assert await content(response) == (SOME if length is None else b"")
        response.body.close()
    assert origin.request.body.length == length


# ---- over a network


async def _sent(handler: Handler, authority: str) -> str:
    return (await text_of(handler, "send", scheme="http", authority=authority, bytes=3)).splitlines()[0]


async def test_the_policy_of_the_guest_decides_about_names_and_addresses() -> None:
    network = VirtualNetwork()
    network.host("api.test", "10.0.0.2").serve(80, lambda _: b"HTTP/1.1 204 No Content\r\n\r\n")
    decisions: list[Decision] = []
    component = load("rust-http")

    async def first_line(policy: Rules, authority: str) -> str:
        host = Host(policy=policy, network=network, on_decision=decisions.append)
        async with host.open(component) as instance:
            return await _sent(serve_handler(component, instance), authority)

    assert await first_line(Rules(["tcp://api.test:80"]), "api.test") == "204"
    assert await first_line(Rules(["tcp://10.0.0.2:80"]), "10.0.0.2") == "204"
    assert await first_line(Rules(http=["GET http://api.test"]), "api.test") == "204"
    assert await first_line(Rules(["tcp://other.test:80"]), "api.test") == "ErrorCode::HttpRequestDenied"
    assert await first_line(Rules(["tcp://10.0.0.2:81"]), "10.0.0.2") == "ErrorCode::DestinationIpProhibited"
    assert [decision.flag for decision in decisions if not decision.allowed] == [
        "--allow-http 'GET http://api.test/'",
        "--allow-http 'GET http://10.0.0.2/'",
    ]


async def test_a_get_without_contents_has_no_body_on_the_wire() -> None:
    received: list[bytes] = []

    def answer(data: bytes) -> bytes:
        received.append(data)
        return b"HTTP/1.1 204 No Content\r\n\r\n"

    network = VirtualNetwork()
    network.host("api.test").serve(80, answer)
    async with Host(policy=allow_all, network=network).open(load("rust-http")) as instance:
        await text_of(serve_handler(load("rust-http"), instance), "send", scheme="http", authority="api.test")
    assert received == [b"GET / HTTP/1.1\r\nhost: api.test\r\nX-Kept: Yes\r\n\r\n"]


@pytest.mark.parametrize(("keep_alive", "connections"), [(True, 1), (False, 2)])
async def test_requests_of_a_guest_share_a_connection_unless_the_host_forbids_it(
    keep_alive: bool, connections: int
) -> None:
    network = VirtualNetwork()
    network.host("api.test").serve(80, lambda _: b"HTTP/1.1 204 No Content\r\n\r\n")
    host = Host(policy=allow_all, network=network, http_keep_alive=keep_alive)
    async with host.open(load("rust-http")) as instance:
        handler = serve_handler(load("rust-http"), instance)
        for _ in range(2):
            assert (await text_of(handler, "send", scheme="http", authority="api.test")).startswith("204\n")
    assert len(network.connections) == connections


async def test_an_origin_of_the_host_answers_with_no_network() -> None:
    host = Host(http={"api.internal": Origin()})
    async with host.open(load("rust-http")) as instance:
        handler = serve_handler(load("rust-http"), instance)
        assert await _sent(handler, "api.internal") == "201"
        assert await _sent(handler, "api.test") == "ErrorCode::HttpRequestDenied"


async def test_a_guest_has_quotas_of_requests() -> None:
    host = Host(http={"api.internal": Origin()}, quotas=Quotas(http_requests=1))
    async with host.open(load("rust-http")) as instance:
        handler = serve_handler(load("rust-http"), instance)
        assert await _sent(handler, "api.internal") == "201"
        assert await _sent(handler, "api.internal") == "ErrorCode::ConnectionLimitReached"


async def test_what_a_network_fails_with_has_its_code() -> None:
    network = VirtualNetwork()
    network.host("api.test", "10.0.0.2")
    async with Host(policy=allow_all, network=network).open(load("rust-http")) as instance:
        handler = serve_handler(load("rust-http"), instance)
        assert (
            await _sent(handler, "nowhere.test")
            == 'ErrorCode::DnsError(DnsErrorPayload { rcode: Some("NXDOMAIN"), info-code: None })'
        )
        assert await _sent(handler, "api.test") == "ErrorCode::ConnectionRefused"
