"""The inbox of a UDP socket: datagrams from senders that the policy allows.

Theory of operation. A datagram that is there is given at once. A policy that takes time is asked about one datagram at
a time, which is parked until the answer is there. A datagram from a refused sender is dropped, and the guest never
hears of it.

If the policy redirects the datagrams for one address to another, `went_to` notes both, and a datagram from there is one
from the address that the guest knows; if the policy still says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeAlias

from wasihost._network.base import Address, DatagramSocket
from wasihost._policy import SocketAddressUse, Verdict
from wasihost._policy.asking import Question
from wasihost._wasi.failures import Failure
from wasihost._wasi.sockets.access import Access
from wasihost._wasi.sockets.asked import Asked

# After so many refusals in one go the event loop has its turn, so that a flood of strangers cannot stop the host.
_REFUSALS_IN_A_ROW = 16
_MOST_TARGETS = 1024  # a policy has few; one that makes them up cannot fill the memory

Datagram: TypeAlias = tuple[bytes, Address]
"""The content of a datagram, and its sender."""


class Inbox:
    """The datagrams of one socket."""

    __slots__ = (
        "_access",
        "_asked",
        "_callback",
        "_parked",
        "_socket",
        "context",
        "known_as",
    )

    def __init__(self, socket: DatagramSocket, access: Access, local: Address) -> None:
        self._socket = socket
        self._access = access
        self.context = access.context.at(local)
        self.known_as: dict[Address, Address] = {}  # the guest's addresses of peers that answer for others
        self._parked: Datagram | None = None
        self._asked: Asked | None = None
        self._callback: Callable[[], None] | None = None

    def bound(self, local: Address) -> None:
        """The socket has got this address."""
        self.context = self._access.context.at(local)

    def went_to(self, target: Address, address: Address) -> None:
        """Notes that datagrams to `address` go to `target`; of several addresses the latest counts."""
        if target is not address:
            self.known_as.pop(target, None)
            self.known_as[target] = address
            if len(self.known_as) > _MOST_TARGETS:
                del self.known_as[next(iter(self.known_as))]
        else:
            self.known_as.pop(target, None)

    def wait_readable(self, callback: Callable[[], None]) -> None:
        """Calls back when there may be a datagram, or the answer about the parked one.

        `receive` may be tried meanwhile, and parks one.
        """
        self._callback = callback
        if self._asked is None:
            self._socket.wait_readable(self._call_back)
        elif self._asked.is_answered:
            asyncio.get_running_loop().call_soon(self._call_back)

    def close(self) -> None:
        """Nothing is received any more."""
        self._callback = None
        if self._asked is not None:
            self._asked.cancel()

    def receive(self) -> Datagram | None:
        """The next datagram; None: it has to be waited for. Errors: Failure."""
        if self._asked is not None:
            if not self._asked.is_answered:
                return None
            received = self._unpark(self._asked)
            if received is not None or self._asked is not None:
                return received
        for _ in range(_REFUSALS_IN_A_ROW):
            try:
                data, sender = self._socket.recv_from()
            except BlockingIOError:
                return None
            except OSError as error:
                raise Failure(error) from error
            source = sender
            if self.known_as:
                sender = self.known_as.get(source, source)
            verdict = self._access.ask(sender, SocketAddressUse.UDP_RECEIVE, self.context, source)
            if isinstance(verdict, Question):
                self._park((data, sender), verdict)
                return None
            if verdict.allowed:
                return data, sender
        return None

    def _park(self, datagram: Datagram, question: Question[Verdict]) -> None:
        self._parked = datagram
        self._asked = Asked(question, self._call_back)

    def _call_back(self) -> None:
        callback = self._callback
        self._callback = None
        if callback is not None:
            callback()

    def _unpark(self, asked: Asked) -> Datagram | None:
        """None: it is refused, or parked again for the policy's next answer."""
        datagram = self._parked
        assert datagram is not None
        self._parked = None
        self._asked = None
        verdict = asked.settle()
        if isinstance(verdict, Question):
            self._park(datagram, verdict)
            return None
        return datagram if verdict.allowed else None
