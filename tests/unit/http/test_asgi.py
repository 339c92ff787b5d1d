"""Applications in Python as handlers, handlers as applications, and one as the other."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.unit.http.peers import code, content, get, whole
from tests.unit.http.test_client import Slow
from wasihost._http.asgi import Application, AsgiHandler
from wasihost._http.asgi.types import Message, Receive, Scope, Send
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.messages import BytesBody, Handler, Header, Request, Response

# ---- an application as a handler


def saying(*messages: Message) -> AsgiHandler:
    """An application that sends these."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    return AsgiHandler(app)


def start(*headers: tuple[bytes, bytes], status: int = 200, **fields: Any) -> Message:
    return {"type": "http.response.start", "status": status, "headers": headers, **fields}


def body(data: bytes, *, more_body: bool = False) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more_body}


async def test_an_application_gets_the_request_as_its_scope() -> None:
    scopes: list[Scope] = []

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        scopes.append(scope)
        await send(start(status=204))
        await send(body(b""))

    request = get(method="POST", authority="web:81", path="/a%20b?c=d", headers=[("X-Y", b"1"), ("x-y", b"2")])
    assert await whole(await AsgiHandler(app)(request)) == (204, b"")
    assert scopes == [
        {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.5"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": "/a b",
            "raw_path": b"/a%20b",
            "query_string": b"c=d",
            "root_path": "",
            "headers": [(b"host", b"web:81"), (b"x-y", b"1"), (b"x-y", b"2")],
            "client": None,
            "server": ("web", 81),
            "extensions": {"http.response.trailers": {}},
        }
    ]


async def test_content_streams_both_ways_at_once() -> None:
    async def echo(_scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        while (message := await receive())["more_body"]:
            await send(body(message["body"].upper(), more_body=True))
        await send(body(b"."))

    sent = Slow()
    response = await AsgiHandler(echo)(get(body=sent))
    for piece in (b"ab", b"c"):
        sent.pieces.put_nowait(piece)
        assert await response.body.read() == piece.upper()
    sent.pieces.put_nowait(b"")
    assert await content(response.body) == b"."
    response.body.close()
    assert await sent.closed is None


async def test_trailers_of_an_application_come_after_its_content() -> None:
    app = saying(
        start(trailers=True),
        body(b"a"),
        {"type": "http.response.trailers", "headers": [(b"a", b"1")], "more_trailers": True},
        {"type": "http.response.trailers", "headers": [(b"a", b"2")]},
    )
    response = await app(get())
    assert await content(response.body) == b"a"
    assert await response.body.trailers() == [("a", b"1"), ("a", b"2")]
    response.body.close()


async def test_a_length_is_known_and_held_to() -> None:
    length = (b"content-length", b"3")
    response = await saying(start(length), body(b"abc"))(get())
    assert (response.body.length, await whole(response)) == (3, (200, b"abc"))
    response = await saying(start(length), body(b"ab"))(get())
    with code(ErrorCode.HTTP_RESPONSE_BODY_SIZE, 2):
        await content(response.body)
    response.body.close()


async def test_an_answer_to_head_has_no_content() -> None:
    response = await saying(start((b"content-length", b"3")), body(b"abc"))(get(method="HEAD"))
    assert (response.body.length, await whole(response)) == (0, (200, b""))


@pytest.mark.parametrize("messages", [(), (body(b"a"),), ({"type": "http.x"},)], ids=repr)
async def test_an_application_that_does_not_begin_a_response_is_a_500(
    messages: tuple[Message, ...], caplog: pytest.LogCaptureFixture
) -> None:
    assert await whole(await saying(*messages)(get())) == (500, b"500 Internal Server Error\n")
    assert caplog.messages == (["GET /: the application failed"] if messages else [])


async def test_an_application_that_ends_within_its_response_breaks_it_off() -> None:
    response = await saying(start(), body(b"a", more_body=True))(get())
    assert await response.body.read() == b"a"
    with code(ErrorCode.HTTP_RESPONSE_INCOMPLETE):
        await response.body.read()
    response.body.close()


async def test_an_application_waits_for_its_reader_and_hears_when_it_has_left() -> None:
    sent = 0
    ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def flood(_scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal sent
        assert await receive() == {"type": "http.request", "body": b"", "more_body": False}
        await send(start())
        try:
            while True:
                await send(body(bytes(1 << 16), more_body=True))
                sent += 1
        except OSError as error:
            ended.set_result(f"{error}: {(await receive())['type']}")

    response = await AsgiHandler(flood)(get())
    for _ in range(100):
        await asyncio.sleep(0)
    assert sent < 5
    await response.body.read()
    response.body.close()
    assert await ended == "the response was given up: http.disconnect"


async def test_a_request_that_breaks_off_is_a_disconnect() -> None:
    got: list[str] = []

    class Cut(Slow):
        async def read(self, n: int = 0) -> bytes:
            raise HttpError(ErrorCode.CONNECTION_TERMINATED)

    async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
        got.append((await receive())["type"])

    response = await AsgiHandler(app)(get(body=Cut()))
    assert (response.status, got) == (500, ["http.disconnect"])


# ---- lifespans


async def test_a_lifespan_runs_around_the_requests_and_shares_its_state() -> None:
    events: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            events.append(scope["state"]["name"])
            await send(start())
            await send(body(b""))
            return
        for _ in range(2):
            message = await receive()
            events.append(message["type"])
            scope["state"]["name"] = "shared"
            await send({"type": f"{message['type']}.complete"})

    async with AsgiHandler(app) as handler:
        await whole(await handler(get()))
    assert events == ["lifespan.startup", "shared", "lifespan.shutdown"]


async def test_an_application_without_lifespan_does_not_need_one() -> None:
    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await send(start())
        await send(body(b"ok"))

    async with AsgiHandler(app) as handler:
        assert await whole(await handler(get())) == (200, b"ok")


async def test_an_application_that_cannot_start_says_why() -> None:
    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    with pytest.raises(RuntimeError, match="startup failed: no database"):
        async with AsgiHandler(app):
            pass


# ---- a handler as an application


def application(handler: Handler) -> Application:
    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[Handler]:
        yield handler

    return Application(opened)


class Server:
    """What an ASGI server is to an application: it gives these messages, and, when it leaves, a disconnect."""

    def __init__(self, *messages: Message, **scope: Any) -> None:
        self.scope: Scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": "/",
            "query_string": b"",
            "headers": [(b"host", b"web")],
            **scope,
        }
        self.sent: list[Message] = []
        self.leaves = asyncio.Event()
        self._messages = list(messages or [{"type": "http.request", "body": b"", "more_body": False}])

    async def receive(self) -> Message:
        if self._messages:
            return self._messages.pop(0)
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    async def run(self, app: Application) -> None:
        try:
            await app(self.scope, self.receive, self.send)
        finally:
            await app.close()


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ({}, ("GET", "http", "web", "/")),
        ({"scheme": "https", "method": "PUT", "query_string": b"a=%20"}, ("PUT", "https", "web", "/?a=%20")),
        ({"path": "/a b"}, ("GET", "http", "web", "/a%20b")),
        ({"path": "/a/b", "raw_path": b"/a%2Fb"}, ("GET", "http", "web", "/a%2Fb")),
        ({"path": "/api/x", "root_path": "/api"}, ("GET", "http", "web", "/x")),
        ({"path": "/api", "raw_path": b"/api", "root_path": "/api"}, ("GET", "http", "web", "/")),
        ({"path": "/apix", "root_path": "/api"}, ("GET", "http", "web", "/apix")),
        ({"headers": [], "server": ("10.0.0.1", 80)}, ("GET", "http", "10.0.0.1:80", "/")),
        ({"headers": [], "server": ("/run/socket", None)}, ("GET", "http", "/run/socket", "/")),
    ],
)
async def test_a_handler_gets_the_scope_as_its_request(scope: dict[str, Any], expected: tuple[str, ...]) -> None:
    async def handler(request: Request) -> Response:
        assert (request.method, request.scheme, request.authority, request.path) == expected
        return Response()

    server = Server(**scope)
    await server.run(application(handler))
    assert server.sent[0]["status"] == 200


async def test_an_answer_is_sent_with_its_length_and_without_headers_of_connections() -> None:
    async def handler(_request: Request) -> Response:
        return Response(status=201, headers=[("X-A", b"1"), ("Connection", b"close")], body=BytesBody(b"abc"))

    server = Server()
    await server.run(application(handler))
    assert server.sent == [
        start_of((b"x-a", b"1"), (b"content-length", b"3"), status=201),
        body(b"abc", more_body=True),
        body(b""),
    ]


def start_of(*headers: tuple[bytes, bytes], status: int = 200, **fields: Any) -> Message:
    return {"type": "http.response.start", "status": status, "headers": list(headers), **fields}


@pytest.mark.parametrize("takes_trailers", [True, False])
async def test_trailers_are_sent_to_a_server_that_takes_them(takes_trailers: bool) -> None:
    async def handler(_request: Request) -> Response:
        found = Slow(trailers=[("A", b"1")])
        found.pieces.put_nowait(b"x")
        found.pieces.put_nowait(b"")
        return Response(body=found)

    server = Server(extensions={"http.response.trailers": {}} if takes_trailers else {})
    await server.run(application(handler))
    trailers = {"type": "http.response.trailers", "headers": [(b"a", b"1")], "more_trailers": False}
    if takes_trailers:
        assert server.sent == [start_of(trailers=True), body(b"x", more_body=True), body(b""), trailers]
    else:
        assert server.sent == [start_of(), body(b"x", more_body=True), body(b"")]


async def test_an_answer_that_breaks_off_raises_and_has_no_end() -> None:
    found = Slow(trailers=HttpError(ErrorCode.LOOP_DETECTED))
    found.pieces.put_nowait(b"x")
    found.pieces.put_nowait(b"")

    async def handler(_request: Request) -> Response:
        return Response(body=found)

    server = Server()
    with code(ErrorCode.LOOP_DETECTED):
        await server.run(application(handler))
    assert server.sent[-1] == body(b"x", more_body=True)
    assert await found.closed is ErrorCode.LOOP_DETECTED


async def test_a_client_that_leaves_cancels_the_handler() -> None:
    cancelled: list[str] = []
    server = Server()

    async def handler(_request: Request) -> Response:
        server.leaves.set()
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            cancelled.append("yes")
            raise
        raise AssertionError

    await server.run(application(handler))
    assert (cancelled, server.sent) == (["yes"], [])


async def test_a_client_that_leaves_within_its_request_breaks_it_off() -> None:
    async def handler(request: Request) -> Response:
        assert await request.body.read(1) == b"a"
        assert await request.body.read(9) == b"b"
        await request.body.read()
        raise AssertionError

    server = Server(
        {"type": "http.request", "body": b"ab", "more_body": True}, headers=[(b"transfer-encoding", b"chunked")]
    )
    server.leaves.set()
    with code(ErrorCode.CONNECTION_TERMINATED):
        await server.run(application(handler))


async def test_what_gives_the_handler_is_entered_once_and_left_with_the_lifespan() -> None:
    events: list[str] = []

    async def hello(_request: Request) -> Response:
        return Response(body=BytesBody(b"hello"))

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[Handler]:
        events.append("opened")
        yield hello
        events.append("closed")

    app = Application(opened)
    async with AsgiHandler(app) as handler:
        assert events == ["opened"]
        for _ in range(2):
            assert await whole(await handler(get())) == (200, b"hello")
    assert events == ["opened", "closed"]
    assert await whole(await AsgiHandler(app)(get())) == (200, b"hello")
    assert events == ["opened", "closed", "opened"]
    await app.close()


async def test_what_gives_the_handler_may_fail(caplog: pytest.LogCaptureFixture) -> None:
    def opened() -> contextlib.AbstractAsyncContextManager[Handler]:
        raise ValueError("no such guest")

    app = Application(opened)
    with pytest.raises(RuntimeError, match="startup failed: no such guest"):
        async with AsgiHandler(app):
            pass
    with pytest.raises(ValueError, match="no such guest"):
        await Server().run(app)
    assert caplog.messages == ["the startup failed"]


async def test_other_scopes_are_refused() -> None:
    async def hello(_request: Request) -> Response:
        return Response()

    with pytest.raises(ValueError, match="'websocket' is not served"):
        await Server(type="websocket").run(application(hello))


# ---- one as the other


TRAILERS: list[Header] = [("a", b"1"), ("a", b"2")]


@pytest.mark.parametrize("data", [b"", b"x" * 200_000], ids=len)
async def test_a_handler_behind_an_application_is_the_same_handler(data: bytes) -> None:
    async def echo(request: Request) -> Response:
        data = await content(request.body)
        return Response(status=202, headers=[("x-path", str(request.path).encode())], body=BytesBody(data, TRAILERS))

    app = application(echo)
    response = await AsgiHandler(app)(
        get(method="POST", path="/a?b", body=BytesBody(data), headers=[("te", b"trailers")])
    )
    assert (response.status, response.headers) == (202, [("x-path", b"/a?b")])
    assert await content(response.body) == data
    assert await response.body.trailers() == TRAILERS
    response.body.close()
    await app.close()
