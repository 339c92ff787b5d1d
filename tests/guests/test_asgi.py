"""Components as ASGI applications, and ASGI applications as the origins of guests."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import pytest

from tests.guests.harness import load
from tests.guests.serve import served
from tests.unit.http.peers import whole
from wasihost import ConfigError, Host
from wasihost._network.virtual import VirtualNetwork
from wasihost.http import AsgiHandler, BytesBody, HttpError, Request, Response, asgi

Message = MutableMapping[str, Any]


def _asking(case: str, content: bytes = b"", **headers: str) -> Request:
    described = [("case", case.encode()), *((name, value.encode()) for name, value in headers.items())]
    return Request(
        method="POST", scheme="https", authority="app.test", path="/a?b", headers=described, body=BytesBody(content)
    )


async def test_a_component_is_an_application() -> None:
    app = asgi(Host(network=VirtualNetwork().guest), load("rust-http"))
    async with AsgiHandler(app) as handler:
        status, content = await whole(await handler(_asking("describe")))
        assert status == 200
        assert content.startswith(b'Method::Post Some(Scheme::Https) Some("app.test") Some("/a?b")')
        assert await whole(await handler(_asking("copy", b"x" * 100_000))) == (200, b"x" * 100_000)


async def test_a_guest_that_dies_is_500_before_its_head_and_breaks_the_answer_off_after() -> None:
    app = asgi(Host(network=VirtualNetwork().guest), load("rust-http"))
    async with AsgiHandler(app) as handler:
        assert (await handler(_asking("trap"))).status == 500
        with pytest.raises(HttpError):
            await whole(await handler(_asking("trap-after")))


async def test_a_component_that_cannot_be_loaded_fails_the_start() -> None:
    with pytest.raises(RuntimeError, match="startup failed: the component serves no HTTP"):
        async with AsgiHandler(asgi(Host(network=VirtualNetwork().guest), load("rust-echo-server"))):
            pass


async def _app(scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Any]) -> None:
    content = b""
    while (message := await receive())["more_body"]:
        content += message["body"]
    await send({"type": "http.response.start", "status": 201, "headers": [(b"x-path", scope["path"].encode())]})
    await send({"type": "http.response.body", "body": content + b" from " + scope["server"][0].encode()})


async def test_an_application_answers_a_guest_with_no_socket() -> None:
    async with served(settings={"http": {"api.internal": _app}}) as guest:
        status, told = await guest.answer("send", authority="api.internal", path="/x", bytes=2)
    assert told.splitlines()[:3] == [b"201", b"x-path: /x", b"20 bytes"]
    assert status == 200


@pytest.mark.parametrize("given", [lambda: None, lambda a, b: None, "app"])
def test_what_answers_nothing_is_an_error(given: Any) -> None:
    with pytest.raises(ConfigError, match=re.escape("expected a handler (request), or an ASGI application")):
        Host(http={"api.internal": given})


async def test_a_handler_needs_no_server() -> None:
    async def origin(request: Request) -> Response:
        request.body.close()
        return Response(status=204)

    host = Host(network=VirtualNetwork().guest, http={"api.internal": origin})
    async with host.answering(load("rust-http")) as handler:
        _, told = await whole(await handler(_asking("send", authority="api.internal")))
    assert told.startswith(b"204\n")
