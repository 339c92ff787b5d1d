"""Sockets on which faults strike.

Theory of operation. The fault of a call is decided once, when it is made, and not again when it has to be repeated
because it would have blocked; for connections and datagrams that come in, when they are there. On a connection a call
moves no byte beyond the next one at which something may strike, so that it does not matter how many calls there are.
A connection or a datagram that is held back waits in a queue of the socket and goes with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from wasihost._network.base import Address, DatagramSocket, Endpoint, Socket, os_error
from wasihost._network.faults.fault import Call
from wasihost._network.faults.injection import Injector, Struck
from wasihost._network.held import Gate, HeldDatagramSocket, HeldEndpoint, HeldSocket, blocked

E = TypeVar("E", bound=Endpoint)
Came = TypeVar("Came")


def _names(address: Address | None) -> Sequence[str]:
    """How a plan may call an address."""
    return () if address is None else (str(address), str(address.ip))


class _FaultyEndpoint(HeldEndpoint[E], Generic[E, Came]):
    """`queue` has the connections or datagrams that came in and are not yet given away."""

    __slots__ = ("_made", "injector", "number", "queue")

    def __init__(self, inner: E, injector: Injector, number: int) -> None:
        super().__init__(inner, injector.clock)
        self.injector = injector
        self.number = number
        self.queue: deque[Came] = deque()
        self._made: Counter[Call] = Counter()

    def strike(self, call: Call, names: Sequence[str]) -> Struck:
        """The fault for this call."""
        self._made[call] += 1
        return self.injector.strike(call, self.number, self._made[call], names)

    def fails(self, call: Call, names: Sequence[str]) -> None:
        """Raises the fault for a call that either fails or does not."""
        error = self.strike(call, names).error
        if error is not None:
            raise error

    def wait_readable(self, callback: Callable[[], None]) -> None:
        if self.queue:
            self.reading.wait(callback, _soon)
        else:
            super().wait_readable(callback)


def _soon(callback: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_soon(callback)


class _Stream:
    """One direction of a connection: how many bytes went through, and the fault for the next ones."""

    __slots__ = ("_struck", "_until", "call", "gate", "offset")

    def __init__(self, call: Call, gate: Gate) -> None:
        self.call = call
        self.gate = gate
        self.offset = 0
        self._struck: Struck | None = None
        self._until: int | None = None

    def struck(self, socket: FaultySocket) -> Struck:
        """The fault now. BlockingIOError: it has to wait."""
        self.gate.check()
        if self._struck is None:
            self._struck, self._until = socket.injector.strike_stream(
                self.call, socket.number, self.offset, socket.peer
            )
        self._struck.stall(self.gate)
        return self._struck

    def room(self, struck: Struck, wanted: int) -> int:
        """How many bytes may move at once."""
        room = wanted if self._until is None else min(wanted, self._until - self.offset)
        return room if struck.most is None else min(room, struck.most)

    def moved(self, count: int) -> int:
        """So many did."""
        if count:
            self.offset += count
            self._struck = None
        return count


class FaultySocket(_FaultyEndpoint[Socket, tuple[Socket, Address]], HeldSocket):
    """A TCP socket on which things go wrong."""

    __slots__ = ("_connecting", "_local", "_received", "_sent", "peer")

    def __init__(self, inner: Socket, injector: Injector, number: int, peer: Address | None = None) -> None:
        super().__init__(inner, injector, number)
        self._local: Sequence[str] = ()
        self.peer = _names(peer)
        self._connecting: Struck | None = None
        self._received = _Stream("receive", self.reading)
        self._sent = _Stream("send", self.writing)

    def bind(self, address: Address) -> None:
        self._local = _names(address)
        self.fails("bind", self._local)
        super().bind(address)

    def connect(self, address: Address) -> None:
        self.peer = _names(address)
        self._connecting = self.strike("connect", self.peer)
        if self._connecting.error is None:
            super().connect(address)

    def finish_connect(self) -> None:
        self.writing.check()
        if self._connecting is not None:
            self._connecting.stall(self.writing)
            if self._connecting.error is not None:
                raise self._connecting.error
        super().finish_connect()

    def listen(self, backlog: int) -> None:
        self.fails("listen", self._local)
        super().listen(backlog)

    def accept(self) -> tuple[Socket, Address]:
        self.reading.check()
        if not self.queue:
            self._accept()
        return self.queue.popleft()

    def _accept(self) -> None:
        accepted, peer = super().accept()
        struck = self.strike("accept", _names(peer))
        if "drop" in struck.words:
            accepted.abort()
            error = os_error(errno.EINVAL)
            self.fail(error)
            raise error
        if struck.error is not None:
            accepted.abort()
            raise struck.error
        self.queue.append((FaultySocket(accepted, self.injector, self.injector.next_number(), peer), peer))
        struck.stall(self.reading)

    def recv_into(self, view: memoryview) -> int:
        return self._received.moved(super().recv_into(view[: self._room(self._received, len(view))]))

    def send(self, view: memoryview) -> int:
        return self._sent.moved(super().send(view[: self._room(self._sent, len(view))]))

    def _room(self, stream: _Stream, wanted: int) -> int:
        struck = stream.struck(self)
        if struck.error is not None:
            self.fail(struck.error)
            raise struck.error
        return stream.room(struck, wanted)

    def close(self) -> None:
        self._forget_queue()
        super().close()

    def abort(self) -> None:
        self._forget_queue()
        super().abort()

    def _forget_queue(self) -> None:
        while self.queue:
            self.queue.popleft()[0].abort()


class FaultyDatagramSocket(_FaultyEndpoint[DatagramSocket, tuple[bytes, Address]], HeldDatagramSocket):
    """A UDP socket on which things go wrong."""

    __slots__ = ("_late_in", "_late_out", "_peer", "_sending")

    def __init__(self, inner: DatagramSocket, injector: Injector, number: int) -> None:
        super().__init__(inner, injector, number)
        self._peer: Address | None = None
        self._sending: Struck | None = None  # the fault for a datagram that there was no room or no time for
        # Those that come after the next one.
        self._late_in: tuple[bytes, Address] | None = None
        self._late_out: tuple[bytes, Address | None] | None = None

    def bind(self, address: Address) -> None:
        self.fails("udp-bind", _names(address))
        super().bind(address)

    def connect(self, address: Address) -> None:
        super().connect(address)
        self._peer = address

    def disconnect(self) -> None:
        super().disconnect()
        self._peer = None

    def recv_from(self) -> tuple[bytes, Address]:
        self.reading.check()
        if not self.queue:
            self._receive()
        return self.queue.popleft()

    def _receive(self) -> None:
        datagram = super().recv_from()
        struck = self.strike("udp-receive", _names(datagram[1]))
        if struck.error is not None:
            raise struck.error
        if "drop" in struck.words:
            raise blocked()
        late = self._late_in
        self._late_in = None
        if "swap" in struck.words and late is None:
            self._late_in = datagram
            raise blocked()
        self.queue.extend([datagram] * (1 + ("duplicate" in struck.words)))
        if late is not None:
            self.queue.append(late)
        struck.stall(self.reading)

    def send_to(self, data: bytes, address: Address | None) -> None:
        self.writing.check()
        if self._sending is None:
            self._sending = self.strike("udp-send", _names(address or self._peer))
        struck = self._sending
        struck.stall(self.writing)
        try:
            self._send(struck, data, address)
        except BlockingIOError:
            raise
        except OSError:
            self._sending = None
            raise
        self._sending = None

    def _send(self, struck: Struck, data: bytes, address: Address | None) -> None:
        if struck.error is not None:
            raise struck.error
        swapped = "swap" in struck.words
        if not swapped and "drop" not in struck.words:
            super().send_to(data, address)
        late = self._late_out
        self._late_out = (data, address) if swapped else None
        again = (data, address) if "duplicate" in struck.words else None
        for more in (again, late):
            if more is not None:
                with contextlib.suppress(OSError):  # no room: then it is lost, as datagrams may be
                    super().send_to(*more)
