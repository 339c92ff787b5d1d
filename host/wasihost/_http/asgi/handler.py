"""An application in Python as a `Handler`, without a socket."""

from __future__ import annotations

import asyncio
import logging
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import unquote

from wasihost._base.clock import running_clock
from wasihost._http.asgi.types import TRAILERS, VERSION, App, Message, headers_of, lowered
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.incoming import IncomingBody
from wasihost._http.messages import Header, Request, Response, failure, values
from wasihost._http.outgoing import declared_length

LOGGER: Final = logging.getLogger("wasihost.http")

_PORTS = {"http": 80, "https": 443}


class AsgiHandler:
    """Answers each request with an application, without a socket; `async with` runs its lifespan around that.

    Content is streamed in both directions. An application that raises is a 500 before its head and breaks the response
    off after it, as with any ASGI server; one whose response is given up receives `http.disconnect`, and OSError from
    `send`. It is not cancelled, but for at the end of `async with`.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._running: set[asyncio.Task[None]] = set()
        self._lifespan: _Lifespan | None = None

    async def __call__(self, request: Request) -> Response:
        """The response, when the application has begun it."""
        call = _Call(request, None if self._lifespan is None else self._lifespan.state)
        task = asyncio.get_running_loop().create_task(call.run(self._app))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            return await call.response
        except BaseException:
            call.give_up()
            raise

    async def __aenter__(self) -> Self:
        self._lifespan = _Lifespan(self._app)
        await self._lifespan.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)
        if self._lifespan is not None:
            await self._lifespan.stop()


class _Gate:
    """Holds an application back while its content is not read."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.opened.set()

    def pause_reading(self) -> None:
        self.opened.clear()

    def resume_reading(self) -> None:
        self.opened.set()


class _Call:
    """One request to an application."""

    def __init__(self, request: Request, state: dict[str, Any] | None) -> None:
        self.response: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._request = request
        self._state = state
        self._has_given_all = False
        self._gate = _Gate()
        self._body: IncomingBody | None = None
        self._gone = asyncio.Event()
        self._sent_bytes = 0
        self._trailers: list[Header] | None = None  # if they are to come

    async def run(self, app: App) -> None:
        """Runs the application; when this returns there is a response, and its body has ended in some way."""
        request = self._request
        try:
            await app(_scope(request, self._state), self._receive, self._send)
        except Exception:
            if not self._gone.is_set():
                LOGGER.exception("%s %s: the application failed", request.method, request.path)
        finally:
            request.body.close()
            if self._body is not None:
                self._body.fail(HttpError(ErrorCode.HTTP_RESPONSE_INCOMPLETE))
            elif not self.response.done():
                self.response.set_result(failure(500))

    def give_up(self) -> None:
        """The response is not wanted any more."""
        self._gone.set()
        self._gate.resume_reading()

    async def _receive(self) -> Message:
        if not self._has_given_all:
            try:
                data = await self._request.body.read()
            except HttpError:
                self.give_up()
                return {"type": "http.disconnect"}
            self._has_given_all = not data
            return {"type": "http.request", "body": data, "more_body": bool(data)}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if self._gone.is_set():
            raise OSError("the response was given up")
        kind = message["type"]
        if kind == "http.response.start" and self._body is None:
            self._start(message)
        elif kind == "http.response.body" and self._body is not None and not self._body.has_ended:
            await self._content(self._body, message)
        elif kind == TRAILERS and self._body is not None and self._trailers is not None:
            self._trailers += headers_of(message.get("headers", ()))
            if not message.get("more_trailers", False):
                self._body.end(self._trailers)
        else:
            raise RuntimeError(f"{kind!r} is not expected now")

    def _start(self, message: Message) -> None:
        headers = headers_of(message.get("headers", ()))
        if message.get("trailers", False):
            self._trailers = []
        self._body = IncomingBody(
            self._gate,
            running_clock(),
            0 if self._request.method == "HEAD" else declared_length(headers),
            timeout_s=None,
            closed=lambda _error: self.give_up(),
        )
        if not self.response.done():
            self.response.set_result(Response(status=message["status"], headers=headers, body=self._body))

    async def _content(self, body: IncomingBody, message: Message) -> None:
        data = bytes(message.get("body", b""))
        if data and self._request.method != "HEAD":
            self._sent_bytes += len(data)
            body.feed(data)
        if message.get("more_body", False):
            await self._gate.opened.wait()
        elif body.length not in (None, self._sent_bytes):
            body.fail(HttpError(ErrorCode.HTTP_RESPONSE_BODY_SIZE, self._sent_bytes))
        elif self._trailers is None:
            body.end([])


def _scope(request: Request, state: dict[str, Any] | None) -> dict[str, Any]:
    path, _, query = (request.path or "/").partition("?")
    headers = lowered(request.headers)
    if declared_length(request.headers) is None and request.body.length != 0:
        length = request.body.length
        headers.append((b"transfer-encoding", b"chunked") if length is None else (b"content-length", b"%d" % length))
    if request.authority is not None and not values(request.headers, "host"):
        headers.insert(0, (b"host", request.authority.encode()))
    scheme = request.scheme or "https"
    host, _, port = (request.authority or "").rpartition(":")
    has_port = bool(host) and port.isdigit()
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": VERSION,
        "http_version": "1.1",
        "method": request.method.upper(),
        "scheme": scheme,
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": headers,
        "client": None,
        "server": (host, int(port)) if has_port else (request.authority, _PORTS.get(scheme)),
        "extensions": {TRAILERS: {}},
    }
    return scope if state is None else scope | {"state": dict(state)}


class _Lifespan:
    """The lifespan of an application, if it has one."""

    def __init__(self, app: App) -> None:
        self.state: dict[str, Any] = {}
        self._app = app
        self._asked: asyncio.Queue[Message] = asyncio.Queue()
        self._answers: asyncio.Queue[Message | None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._has_begun = False

    async def start(self) -> None:
        """Errors: RuntimeError, if the application cannot start."""
        self._task = asyncio.get_running_loop().create_task(self._run())
        self._has_begun = await self._ask("startup")

    async def stop(self) -> None:
        """Errors: RuntimeError, if it cannot stop."""
        if self._has_begun:
            await self._ask("shutdown")
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        try:
            scope = {"type": "lifespan", "asgi": VERSION, "state": self.state}
            await self._app(scope, self._asked.get, self._answers.put)
        except Exception:
            # It may not know the protocol, which is no error (specification, "Lifespan Protocol").
            LOGGER.debug("the application has no lifespan", exc_info=True)
        finally:
            self._answers.put_nowait(None)

    async def _ask(self, what: str) -> bool:
        """Whether the application has done it; False: it has no lifespan, or its lifespan has ended."""
        self._asked.put_nowait({"type": f"lifespan.{what}"})
        answer = await self._answers.get()
        if answer is not None and answer["type"] == f"lifespan.{what}.failed":
            raise RuntimeError(f"the application's {what} failed: {answer.get('message', '')}")
        return answer is not None
