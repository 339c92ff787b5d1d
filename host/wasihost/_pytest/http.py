"""HTTP in tests: guests that serve, a client of them, and origins that answer the requests of guests.

Theory of operation. All of it is HTTP over the network of the test, so faults, latency, policy and the trace are those
of any other traffic. On a virtual network a served guest is a host of its own, and so are the client and each origin.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import json
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from ipaddress import IPv4Address
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, TypeAlias, TypeVar

from wasihost._base.frozen import Frozen
from wasihost._http.connecting import connect
from wasihost._http.messages import Body, BytesBody, Header, Request, Response, values
from wasihost._network.base import WILDCARD, Address, Network
from wasihost._network.virtual import VirtualNetwork
from wasihost._pytest.guest import Guest

if TYPE_CHECKING:  # these need the extra `http`, which other tests do not
    from wasihost._host.http_server import GuestServer
    from wasihost._host.source import ComponentSource
    from wasihost._http.client import Client
    from wasihost._network.faults import FaultPlan, RandomFaults
    from wasihost._pytest.bench import Bench

T = TypeVar("T")
Headers: TypeAlias = Mapping[str, str] | Iterable[Header]


_LOOPBACK: Final = Address(IPv4Address("127.0.0.1"), 0)


class Message(Frozen):
    """A message that has come as a whole."""

    headers: list[Header]
    content: bytes
    trailers: list[Header]

    @property
    def text(self) -> str:
        """The content, which is UTF-8."""
        return self.content.decode()

    def json(self) -> Any:
        """The content as JSON. Errors: ValueError."""
        return json.loads(self.content)

    def header(self, name: str) -> str | None:
        """The first value of the headers of that name, in any case; None if there is none."""
        return next((value.decode("latin-1") for value in values(self.headers, name.lower())), None)


class Answer(Message):
    """The answer of a served guest."""

    status: int


class Asked(Message):
    """A request to an origin."""

    method: str
    path: str


Answering: TypeAlias = "Callable[[Asked], bytes | tuple[int, bytes] | Response | Awaitable[Any]]"
"""The answer of an origin: the content, status and content, or a `wasihost.http.Response`; it may be async."""


class Origin:
    """A server in Python that guests send requests to; made by `wasi_http.origin`."""

    def __init__(self, answering: Answering) -> None:
        self._answering = answering
        self.requests: list[Asked] = []
        """The requests, in this order."""

    async def __call__(self, request: Request) -> Response:
        """The answer: a handler of a server."""
        content, trailers = await _whole(request.body)
        asked = Asked(request.headers, content, trailers, request.method, request.path or "/")
        self.requests.append(asked)
        found = self._answering(asked)
        return _response(await found if inspect.isawaitable(found) else found)


def _response(found: Any) -> Response:
    if isinstance(found, Response):
        return found
    status, content = (200, found) if isinstance(found, bytes) else found
    return Response(status=status, body=BytesBody(content))


async def _whole(body: Body) -> tuple[bytes, list[Header]]:
    """Content and trailers of a body, which is closed then."""
    content = b""
    try:
        while data := await body.read():
            content += data
        return content, await body.trailers()
    finally:
        body.close()


class EventLoop(Protocol):
    """Where a test runs: its `Bench`."""

    def run(self, main: Callable[[], Coroutine[Any, Any, T]]) -> T: ...
    def entered(self) -> None: ...


class ServedGuest:
    """A guest that serves HTTP, and a client of it; made by `wasi_http.serve`, for `with` and `async with`."""

    def __init__(
        self, loop: EventLoop, guest: Guest, client: Network, address: Address, name: str | None, options: Any
    ) -> None:
        self.guest = guest
        """The guest: its `stdout` and `stderr`."""
        self._loop = loop
        self._network = client
        self._address = address
        self._name = name
        self._options = options
        self._client: Client
        self._serving: contextlib.AbstractAsyncContextManager[GuestServer]
        self.authority = ""
        """Host and port of its URLs."""

    # ---- requests

    def get(self, path: str = "/", headers: Headers = ()) -> Answer:
        """The answer to a GET; for tests that are not async."""
        return self.ask("GET", path, headers=headers)

    def post(self, path: str = "/", content: bytes = b"", headers: Headers = ()) -> Answer:
        """The answer to a POST; for tests that are not async."""
        return self.ask("POST", path, content, headers)

    def ask(self, method: str, path: str = "/", content: bytes | Body = b"", headers: Headers = ()) -> Answer:
        """The answer to a request; for tests that are not async. Errors: HttpError, as of `wasihost.http`."""
        __tracebackhide__ = True
        return self._loop.run(lambda: self.ask_async(method, path, content, headers))

    async def ask_async(
        self, method: str, path: str = "/", content: bytes | Body = b"", headers: Headers = ()
    ) -> Answer:
        """As `ask`, in a test that is async."""
        response = await self.send(method, path, content, headers)
        found, trailers = await _whole(response.body)
        return Answer(response.headers, found, trailers, response.status)

    async def send(self, method: str, path: str = "/", content: bytes | Body = b"", headers: Headers = ()) -> Response:
        """The response as soon as its head has come; close its body. Errors: HttpError."""
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        return await self._client(
            Request(
                method=method,
                scheme="http",
                authority=self.authority,
                path=path,
                headers=[(name, value.encode() if isinstance(value, str) else value) for name, value in pairs],
                body=BytesBody(content) if isinstance(content, bytes) else content,
            )
        )

    # ---- as a context

    async def __aenter__(self) -> Self:
        from wasihost._http.client import Client

        self._loop.entered()
        self._client = Client(functools.partial(connect, self._network))
        self._serving = self.guest.serve(addr=str(self._address.ip), port=self._address.port, **self._options)
        server = await self._serving.__aenter__()
        self.authority = self._name or str(server.address)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._client.close()
        await self._serving.__aexit__(None, None, None)

    def __enter__(self) -> Self:
        return self._loop.run(self.__aenter__)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._loop.run(lambda: self.__aexit__(kind, error, traceback))


class Http:
    """Makes served guests and origins for a test: the fixture `wasi_http`."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def serve(
        self,
        component: ComponentSource,
        *,
        at: str = "app",
        faults: FaultPlan | RandomFaults | None = None,
        options: Mapping[str, Any] | None = None,
        **serving: Any,
    ) -> ServedGuest:
        """A guest that answers requests within a `with` or an `async with`.

        - `component`, `faults`: as of `wasi_guest`. `at`: the host of the virtual network that it is on.
        - `options`: those of `Host`; `serving`: those of `Host.serve`.
        """
        network = self._bench.network
        if isinstance(network, VirtualNetwork):
            guest = self._bench.guest(component, at, faults, dict(options or {}))
            place = Address(WILDCARD[4].ip, 80)
            return ServedGuest(self._bench, guest, network.host("browser"), place, at, serving)
        guest = self._bench.guest(component, None, faults, dict(options or {}))
        return ServedGuest(self._bench, guest, network, _LOOPBACK, None, serving)

    def origin(self, host: str, answering: Answering) -> Origin:
        """A server for the requests of guests on the virtual network, at `host`, which may have a port behind it.

        `answering` gets each request and gives the content, status and content, or a `wasihost.http.Response`.
        """
        from wasihost._http.server import HttpServer

        network = self._bench.network
        if not isinstance(network, VirtualNetwork):
            raise TypeError(f"origin({host!r}): a host has a name only on a virtual network")
        name, _, port = host.partition(":")
        place = network.host(name)
        origin = Origin(answering)
        HttpServer(place, [Address(ip, int(port or 80)) for ip in place.addresses], origin)
        return origin
