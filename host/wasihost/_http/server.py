"""A server of HTTP/1.1 and HTTP/2: calls a `Handler` for each request that comes in on a network.

| event | the client gets |
|---|---|
| it sends no request, or none that all servers read alike | 400, 408, 414, 417, 431, 501 or 505; the connection ends |
| content beyond `body_bytes`, or that does not come | 413 or 408, unless the answer has begun |
| the handler raises, or its answer cannot be sent | 500, with no more in it than that |
| the same after the head has gone out, or the body breaks off | the connection ends, without the end of the message |
| its own FIN after the request | the answer |
| it leaves | nothing: the handler is cancelled |

That is HTTP/1.1; see `http2.server` for the other.

A handler gets scheme, authority and path as in `asked`, and all headers as they came.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from wasihost._base.clock import Clock, settled
from wasihost._http.answering import Answered, Served, Serving
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.limits import ServerLimits
from wasihost._http.messages import Handler
from wasihost._http.serving import ServerConnection
from wasihost._http.timing import within
from wasihost._http.tls import TlsListener
from wasihost._network import peers
from wasihost._network.base import Address, Network, Socket

_DRAIN_S = 30.0
_GRACE_S = 1.0
"""For how long a server that is drained waits for the first request on a connection."""


class HttpServer:
    """Listens on a network from when it is made; `async with` closes it at the end. Errors: OSError.

    With several addresses, the free port that the first one gets for 0 is that of all. `tls` makes it speak https.
    `answered` is called after each answer, for an access log.
    """

    def __init__(
        self,
        network: Network,
        addresses: Sequence[Address],
        handler: Handler,
        *,
        tls: ssl.SSLContext | None = None,
        limits: ServerLimits | None = None,
        clock: Clock | None = None,
        answered: Callable[[Answered], None] | None = None,
    ) -> None:
        self._connections: set[Served] = set()
        listeners = peers.listen(network, addresses)
        self._serving = Serving(
            handler,
            scheme="http" if tls is None else "https",
            authority=str(listeners[0].local_address()),
            clock=settled(clock),
            limits=limits or ServerLimits(),
            answered=answered,
        )
        sockets: list[Socket] = listeners if tls is None else [TlsListener(each, tls) for each in listeners]
        self._server = peers.Server(
            sockets, lambda: ServerConnection(self._serving, self._connections), most=self._serving.limits.connections
        )

    @property
    def address(self) -> Address:
        """Where it listens, or the first of several."""
        return self._server.address

    @property
    def url(self) -> str:
        """The URL of that address, with a slash at its end."""
        return f"{self._serving.scheme}://{self.address}/"

    async def drain(self, limit_s: float = _DRAIN_S) -> None:
        """Takes no more connections, and closes when all have their answers, or else after `limit_s` seconds."""
        serving = self._serving
        serving.is_draining = True
        self._server.close()
        self._close_idle(also_unused=False)
        if not await self._ends_within(min(_GRACE_S, limit_s)):
            self._close_idle(also_unused=True)
            await self._ends_within(limit_s - _GRACE_S)
        await self.close()

    async def close(self) -> None:
        """Takes no more connections and ends those there are; returns when no handler runs any more."""
        self._server.close()
        for connection in list(self._connections):
            connection.fail(HttpError(ErrorCode.CONNECTION_TERMINATED))
        await self._server.wait_closed()
        if answers := [exchange.answer for exchange in self._serving.exchanges if exchange.answer is not None]:
            await asyncio.wait(answers)

    def _close_idle(self, *, also_unused: bool) -> None:
        for connection in list(self._connections):
            connection.close_if_idle(also_unused=also_unused)

    async def _ends_within(self, seconds: float) -> bool:
        """Whether all connections end within so long."""
        try:
            async with within(self._serving.clock, max(seconds, 0), ErrorCode.CONNECTION_TIMEOUT):
                await self._server.wait_closed()
        except HttpError:
            return False
        return True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()
