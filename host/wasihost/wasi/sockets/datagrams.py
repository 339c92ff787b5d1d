"""What `receive` of a `udp-socket` gives: datagrams from senders that the policy allows.

Theory of operation. A datagram that is there is given at once. Who has to wait gets a future and stands in a queue; the
network calls back, and datagrams are taken from it within that call, since the event loop would else report them once
more. A policy that takes time is asked about one datagram at a time, which is parked until the answer is there. A
datagram from a refused sender is dropped, and the guest never hears of it. One whose future was cancelled is the next
one's.

Where the policy has what is for one address go to another, `went_to` notes both, and a datagram from there is one from
the address that the guest knows; if the policy still says so.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TypeAlias

from wasihost.network.base import Address, DatagramSocket
from wasihost.policy import Answer, SocketAddressUse, Verdict
from wasihost.policy.asking import Question
from wasihost.streams import PromptFuture
from wasihost.wasi.sockets.access import Access
from wasihost.wasi.sockets.addresses import AnyIpSocketAddress, from_network
from wasihost.wasi.sockets.errors import wit_error

# After so many refusals in one go the event loop has its turn, so that a flood of strangers cannot stop the host.
_REFUSALS_IN_A_ROW = 16
_MOST_TARGETS = 1024  # a policy has few; one that makes them up cannot fill the memory

Received: TypeAlias = tuple[bytes, AnyIpSocketAddress]


class Inbox:
    """The datagrams of one socket."""

    __slots__ = (
        "_access",
        "_answer",
        "_is_called_back",
        "_parked",
        "_question",
        "_socket",
        "_waiting",
        "context",
        "known_as",
    )

    def __init__(self, socket: DatagramSocket, access: Access, local: Address) -> None:
        self._socket = socket
        self._access = access
        self.context = access.context.at(local)
        self.known_as: dict[Address, Address] = {}  # what the guest calls those who answer for others
        self._waiting: deque[PromptFuture[Received]] = deque()
        self._is_called_back = False
        self._parked: tuple[bytes, Address] | None = None
        self._question: Question[Verdict] | None = None
        self._answer: asyncio.Future[Answer] | None = None

    def receive(self) -> Received | PromptFuture[Received]:
        """The next datagram, or a future of it. Errors: WitError."""
        received = None if self._waiting else self._next()
        if received is not None:
            return received
        future: PromptFuture[Received] = PromptFuture()
        self._waiting.append(future)
        if len(self._waiting) == 1:
            self._wait()
        return future

    def bound(self, local: Address) -> None:
        """The socket has got this address."""
        self.context = self._access.context.at(local)

    def went_to(self, target: Address, address: Address) -> None:
        """What the guest sends to `address` goes to `target`; of several addresses the latest counts."""
        if target is not address:
            self.known_as.pop(target, None)
            self.known_as[target] = address
            if len(self.known_as) > _MOST_TARGETS:
                del self.known_as[next(iter(self.known_as))]
        else:
            self.known_as.pop(target, None)

    def close(self) -> None:
        """Nobody receives any more."""
        if self._answer is not None:
            self._answer.cancel()
        for future in self._waiting:
            future.cancel()

    def _wait(self) -> None:
        self._is_called_back = True
        if self._answer is None:
            self._socket.wait_readable(self._serve)
        else:
            self._answer.add_done_callback(lambda _: self._serve())

    def _serve(self) -> None:
        """Gives what is there to those who wait, in their order."""
        self._is_called_back = False
        # Who is given something goes on at once, and may be back to wait for the next.
        while self._waiting and not self._is_called_back:
            future = self._waiting[0]
            if future.done():
                self._waiting.popleft()
                continue
            try:
                received = self._next()
            except BaseException as error:
                self._waiting.popleft()
                future.set_exception(error)
            else:
                if received is None:
                    return self._wait()
                self._waiting.popleft()
                future.set_result(received)
        return None

    def _next(self) -> Received | None:
        """None: it has to be waited for."""
        if self._answer is not None:
            if not self._answer.done():
                return None
            received = self._unpark()
            if received is not None or self._answer is not None:
                return received
        for _ in range(_REFUSALS_IN_A_ROW):
            try:
                data, sender = self._socket.recv_from()
            except BlockingIOError:
                return None
            except OSError as error:
                raise wit_error(error) from error
            source = sender
            if self.known_as:
                sender = self.known_as.get(source, source)
            verdict = self._access.ask(sender, SocketAddressUse.UDP_RECEIVE, self.context, source)
            if isinstance(verdict, Question):
                self._park((data, sender), verdict)
                return None
            if verdict.allowed:
                return data, from_network(sender)
        return None

    def _park(self, datagram: tuple[bytes, Address], question: Question[Verdict]) -> None:
        self._parked, self._question = datagram, question
        self._answer = asyncio.ensure_future(question.answer)

    def _unpark(self) -> Received | None:
        """None: it is refused, or parked again for the policy's next answer."""
        assert self._parked is not None
        assert self._question is not None
        assert self._answer is not None
        (data, sender), question, answer = self._parked, self._question, self._answer
        self._parked = self._question = self._answer = None
        verdict = question.settle(answer.result())
        if isinstance(verdict, Question):
            self._park((data, sender), verdict)
            return None
        return (data, from_network(sender)) if verdict.allowed else None
