"""The network that keeps to quotas, see `wasihost._network.quotas.quotas`.

Theory of operation. A socket counts from its making until it is closed, aborted or fails, and one that was asked to
connect or was accepted counts as a connection, too. A connection has one timer, for the attempt and then for idleness:
bytes that move put off the deadline only, and the timer is set anew when it comes too early. Bandwidth is waited for at
a closed gate, see `wasihost._network.held`.
"""

from __future__ import annotations

import errno
from collections import Counter

from wasihost._base.clock import NS_PER_S, Clock, RunningClock, Timer
from wasihost._network.base import Address, DatagramSocket, Family, Network, Socket, os_error
from wasihost._network.held import HeldDatagramSocket, HeldSocket, blocked
from wasihost._network.quotas.metering import Budget, Direction, Meter
from wasihost._network.quotas.quotas import Quotas
from wasihost._network.wrapping import NetworkAround


class QuotaNetwork(NetworkAround):
    """A network of limited use, by all together that have this object."""

    def __init__(self, inner: Network, quotas: Quotas, clock: Clock | None = None) -> None:
        super().__init__(inner)
        if not isinstance(quotas, Quotas):
            raise TypeError(f"quotas: expected Quotas, got {quotas!r}")
        self._budget = Budget(quotas, clock or RunningClock())

    @property
    def quotas(self) -> Quotas:
        """The limits."""
        return self._budget.quotas

    @property
    def reached(self) -> Counter[str]:
        """How often something was refused, cut off or given up, by the name of the limit."""
        return self._budget.reached

    def tcp_socket(self, family: Family) -> Socket:
        self._require_a_socket()
        return _QuotaSocket(self.inner.tcp_socket(family), self._budget)

    def udp_socket(self, family: Family) -> DatagramSocket:
        self._require_a_socket()
        return _QuotaDatagramSocket(self.inner.udp_socket(family), self._budget)

    def _require_a_socket(self) -> None:
        if self._budget.has_no_socket("create"):
            raise os_error(errno.ENOBUFS)


class _QuotaSocket(HeldSocket):
    __slots__ = (
        "_budget",
        "_connection",
        "_deadline_ns",
        "_open",
        "_received",
        "_sent",
        "_timeout",
        "_timeout_ns",
        "_timer",
    )

    def __init__(self, inner: Socket, budget: Budget) -> None:
        super().__init__(inner, budget.clock)
        self._budget = budget
        self._open = True
        self._connection = ""  # its name, once it is one
        self._received = budget.received.meter()
        self._sent = budget.sent.meter()
        self._timeout = ""
        self._timeout_ns = 0
        self._deadline_ns = 0
        self._timer: Timer | None = None
        budget.sockets += 1

    # ---- life

    def connect(self, address: Address) -> None:
        if self._budget.has_no_connection(f"connect to {address}"):
            raise os_error(errno.ECONNREFUSED)
        self._becomes_connection(f"connection to {address}")
        self._start("connect_timeout_s")
        super().connect(address)

    def finish_connect(self) -> None:
        super().finish_connect()
        self._start("idle_timeout_s")

    def accept(self) -> tuple[Socket, Address]:
        accepted, peer = super().accept()
        what = f"connection from {peer}"
        if self._budget.has_no_socket(what) or self._budget.has_no_connection(what):
            accepted.abort()
            raise blocked()  # it waits again and is called back for the next one, after others had their turn
        made = _QuotaSocket(accepted, self._budget)
        made._becomes_connection(what)
        made._start("idle_timeout_s")
        return made, peer

    def close(self) -> None:
        self._release()
        super().close()

    def abort(self) -> None:
        self._release()
        super().abort()

    def fail(self, error: OSError) -> None:
        self._release()
        super().fail(error)

    def _becomes_connection(self, what: str) -> None:
        if not self._connection:
            self._budget.connections += 1
        self._connection = what

    def _release(self) -> None:
        self._stop()
        if self._open:
            self._open = False
            self._budget.sockets -= 1
            self._budget.connections -= bool(self._connection)

    # ---- bytes

    def recv_into(self, view: memoryview) -> int:
        self.reading.check()
        left = min(self._received.left, self._budget.received.left)
        if not left:
            if not super().recv_into(memoryview(bytearray(1))):
                return 0  # just as many as it may receive
            raise self._cut_off(self._received, self._budget.received.total)
        count = super().recv_into(view[: min(left, self._budget.received.tokens(self.reading))])
        self._received.left -= count
        self._budget.received.moved(count)
        self._has_moved()
        return count

    def send(self, view: memoryview) -> int:
        self.writing.check()
        left = min(self._sent.left, self._budget.sent.left)
        if not left:
            raise self._cut_off(self._sent, self._budget.sent.total)
        count = super().send(view[: min(left, self._budget.sent.tokens(self.writing))])
        self._sent.left -= count
        self._budget.sent.moved(count)
        self._has_moved()
        return count

    def _cut_off(self, own: Meter, total: Meter) -> OSError:
        self._budget.report((total if own.left else own).name, self._connection)
        error = os_error(errno.ECONNRESET)
        self.fail(error)
        return error

    # ---- time-outs: one timer, which is set anew only when it comes

    def _start(self, timeout: str) -> None:
        self._stop()
        seconds: float | None = getattr(self._budget.quotas, timeout)
        self._timeout = timeout
        self._timeout_ns = 0
        if seconds is not None:
            self._timeout_ns = max(1, round(seconds * NS_PER_S))
            self._has_moved()
            self._timer = self.clock.call_later(self._timeout_ns, self._look)

    def _stop(self) -> None:
        timer = self._timer
        self._timer = None
        if timer is not None:
            timer.cancel()

    def _has_moved(self) -> None:
        if self._timeout_ns:
            self._deadline_ns = self.clock.monotonic_ns() + self._timeout_ns

    def _look(self) -> None:
        left_ns = self._deadline_ns - self.clock.monotonic_ns()
        if left_ns > 0:
            self._timer = self.clock.call_later(left_ns, self._look)
        else:
            self._budget.report(self._timeout, self._connection)
            self.fail(os_error(errno.ETIMEDOUT))


class _QuotaDatagramSocket(HeldDatagramSocket):
    __slots__ = ("_budget", "_open")

    def __init__(self, inner: DatagramSocket, budget: Budget) -> None:
        super().__init__(inner, budget.clock)
        self._budget = budget
        self._open = True
        budget.sockets += 1

    def close(self) -> None:
        self._budget.sockets -= self._open
        self._open = False
        super().close()

    def recv_from(self) -> tuple[bytes, Address]:
        self.reading.check()
        direction = self._budget.received
        direction.tokens(self.reading)
        data, sender = super().recv_from()
        self._require(direction, data, f"datagram of {len(data)} bytes from {sender}")
        direction.moved(len(data))
        return data, sender

    def send_to(self, data: bytes, address: Address | None) -> None:
        self.writing.check()
        direction = self._budget.sent
        self._require(direction, data, f"datagram of {len(data)} bytes")
        direction.tokens(self.writing)
        super().send_to(data, address)
        direction.moved(len(data))

    def _require(self, direction: Direction, data: bytes, what: str) -> None:
        if len(data) > direction.total.left:
            self._budget.report(direction.total.name, what)
            raise os_error(errno.ENOBUFS)
