"""Accepting for a listener: connections that the network accepted and the policy allows.

Theory of operation. One connection per call. A policy that answers at once costs nothing; when it takes time, the
connection is parked and asked about in a task, and the next one is accepted after that answer. A refused connection is
reset and the guest never hears of it. A connection that failed before it was accepted is given as an error. Where that
is for lack of something, the connection stays in the queue and would fail again at once, so the acceptor rests before
the next try: a guest that does not care would go round and round.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from typing import Generic, TypeVar

from wasihost._network.base import Address, Socket
from wasihost._policy import SocketAddressUse, Verdict
from wasihost._policy.asking import Question
from wasihost._policy.policy import REFUSED
from wasihost._wasi.sockets.access import Access
from wasihost._wasi.sockets.asked import Asked
from wasihost._wasi.sockets.own import OWN
from wasihost._wasi.sockets.shared import SharedSocket

# After so many refusals in one go the event loop has its turn, so that a flood of strangers cannot stop the host.
_REFUSALS_IN_A_ROW = 16
_LISTENS_NO_MORE = (errno.EBADF, errno.EINVAL)  # accept(2)
_LACKING = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
REST_S = 0.1

T = TypeVar("T")


class Acceptor(Generic[T]):
    """Accepts for one listener; `wrap` makes the result from a connection, or from the error instead of one."""

    __slots__ = (
        "_access",
        "_asked",
        "_callback",
        "_context",
        "_local",
        "_parked",
        "_rest",
        "_shared",
        "_wrap",
    )

    def __init__(
        self, shared: SharedSocket, access: Access, local: Address, wrap: Callable[[Socket | OSError], T]
    ) -> None:
        self._shared = shared
        self._access = access
        self._local = local
        self._context = access.context.at(local)
        self._wrap = wrap
        self._parked: Socket | None = None
        self._asked: Asked | None = None
        self._rest: asyncio.TimerHandle | None = None
        self._callback: Callable[[], None] | None = None

    def accept(self) -> T | None:
        """The next one; None: the socket of the network listens no more.

        BlockingIOError: no connection yet, or the policy has not answered yet.
        """
        if self._rest is not None:
            raise BlockingIOError
        for _ in range(_REFUSALS_IN_A_ROW):
            connection = self._next()
            if isinstance(connection, OSError):
                if connection.errno in _LISTENS_NO_MORE:
                    return None
                if connection.errno in _LACKING:
                    self._rest = asyncio.get_running_loop().call_later(REST_S, self._rested)
            if connection is not None:
                return self._wrap(connection)
        raise BlockingIOError

    def wait_readable(self, callback: Callable[[], None]) -> None:
        """Calls back when there is a connection, or the answer about the parked one, or the rest has ended.

        `accept` may be tried meanwhile, and finds out that there is something else to wait for.
        """
        self._callback = callback
        if self._asked is not None:
            if self._asked.is_answered:
                asyncio.get_running_loop().call_soon(self._call_back)
        elif self._rest is None:
            self._shared.socket.wait_readable(self._call_back)

    def close(self) -> None:
        """Stops accepting; the port is free when the listener is closed too."""
        self._callback = None
        self._access.own.close(self._local)
        if self._asked is not None:
            self._asked.cancel()
        if self._rest is not None:
            self._rest.cancel()
        if self._parked is not None:
            self._parked.abort()
        self._shared.socket.cancel_readable()
        self._shared.release()

    def _next(self) -> Socket | OSError | None:
        """The next connection, or the error of accepting it; None: the policy refused it."""
        if self._parked is not None:
            return self._take_parked()
        try:
            connection, peer = self._shared.socket.accept()
        except BlockingIOError:
            raise
        except OSError as error:
            return error
        self._parked = connection
        return self._judge(self._asked_about(peer))

    def _asked_about(self, peer: Address) -> Verdict | Question[Verdict]:
        access = self._access
        local = self._local
        if local not in access.own:
            return access.ask(peer, SocketAddressUse.TCP_ACCEPT, self._context)
        verdict = OWN if access.own.accept(local, peer) else REFUSED
        return access.decide(peer, SocketAddressUse.TCP_ACCEPT, verdict, self._context)

    def _take_parked(self) -> Socket | None:
        asked = self._asked
        if asked is None or not asked.is_answered:
            raise BlockingIOError
        self._asked = None
        return self._judge(asked.settle())

    def _judge(self, verdict: Verdict | Question[Verdict]) -> Socket | None:
        """The parked connection if it is allowed. BlockingIOError: the policy has not answered yet."""
        if isinstance(verdict, Verdict):
            return self._unpark(verdict.allowed)
        self._asked = Asked(verdict, self._call_back)
        raise BlockingIOError

    def _unpark(self, allowed: bool) -> Socket | None:
        connection = self._parked
        self._parked = None
        if allowed or connection is None:
            return connection
        connection.abort()
        return None

    def _rested(self) -> None:
        self._rest = None
        self._call_back()

    def _call_back(self) -> None:
        callback = self._callback
        self._callback = None
        if callback is not None:
            callback()
