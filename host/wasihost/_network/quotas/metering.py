"""The use of quotas: sockets, connections and bytes, counted and metered."""

from __future__ import annotations

import logging
import sys
from collections import Counter

from wasihost._base.clock import NS_PER_S, Clock
from wasihost._network.held import Gate, blocked
from wasihost._network.quotas.quotas import Quotas

_log = logging.getLogger("wasihost.quotas")

# How much must have come in before a connection that waits for its bandwidth tries again.
_USEFUL_NS = 10_000_000


class Bucket:
    """Tokens that come at a rate; it holds those of a second, and may owe some."""

    __slots__ = ("_clock", "_filled_ns", "_level", "_rate", "_size")

    def __init__(self, rate: float, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        self._size = max(1, rate) * NS_PER_S  # in billionths of a token, which are exact
        self._level = self._size
        self._filled_ns = 0  # it is full: when that was makes no difference

    def tokens(self) -> int:
        """How many there are."""
        now_ns = self._clock.monotonic_ns()
        # The clock of another event loop may be far behind.
        self._level = min(self._size, self._level + self._rate * max(0, now_ns - self._filled_ns))
        self._filled_ns = now_ns
        return max(0, int(self._level // NS_PER_S))

    def take(self, count: int) -> None:
        """Takes some, even if there are fewer."""
        self._level -= count * NS_PER_S

    def useful_in_ns(self) -> int:
        """How long it is until there are enough to go on with."""
        wanted = min(self._size, max(NS_PER_S, self._rate * _USEFUL_NS))
        return max(1, -int((self._level - wanted) // self._rate))


class Meter:
    """Bytes that may still move in one direction, of a connection or of all sockets together."""

    __slots__ = ("left", "name")

    def __init__(self, quotas: Quotas, name: str) -> None:
        limit: int | None = getattr(quotas, name)
        self.name = name
        self.left = sys.maxsize if limit is None else limit


class Direction:
    """All the bytes of a network that go one way: `in` or `out`."""

    __slots__ = ("_bucket", "_quotas", "name", "total")

    def __init__(self, name: str, quotas: Quotas, clock: Clock) -> None:
        rate: int | None = getattr(quotas, f"bytes_per_second_{name}")
        self.name = name
        self._quotas = quotas
        self._bucket = None if rate is None else Bucket(rate, clock)
        self.total = Meter(quotas, f"bytes_{name}")

    @property
    def left(self) -> int:
        """How many bytes may still move."""
        return self.total.left

    def meter(self) -> Meter:
        """For a new connection."""
        return Meter(self._quotas, f"connection_bytes_{self.name}")

    def tokens(self, gate: Gate) -> int:
        """How many bytes may move now, at least one. BlockingIOError: none, and the gate is closed until then."""
        if self._bucket is None:
            return sys.maxsize
        tokens = self._bucket.tokens()
        if not tokens:
            gate.close_for(self._bucket.useful_in_ns())
            raise blocked()
        return tokens

    def moved(self, count: int) -> None:
        """So many bytes moved."""
        self.total.left -= count
        if self._bucket is not None:
            self._bucket.take(count)


class Reached:
    """Which limits of some quotas were reached, counted and logged."""

    def __init__(self, quotas: Quotas) -> None:
        self.quotas = quotas
        self.reached: Counter[str] = Counter()

    def report(self, limit: str, what: str) -> None:
        """Counts and logs that `what` went beyond a limit."""
        level = logging.DEBUG if self.reached[limit] else logging.WARNING
        self.reached[limit] += 1
        _log.log(level, "limit %s=%s reached: %s", limit, getattr(self.quotas, limit), what, extra={"limit": limit})


class Budget(Reached):
    """The use of a network by all that share some quotas."""

    def __init__(self, quotas: Quotas, clock: Clock) -> None:
        super().__init__(quotas)
        self.clock = clock
        # Open ones.
        self.sockets = 0
        self.connections = 0
        self.requests = 0
        self.all_requests = 0
        self.content_received = Meter(quotas, "http_bytes_in")
        self.content_sent = Meter(quotas, "http_bytes_out")
        self.received = Direction("in", quotas, clock)
        self.sent = Direction("out", quotas, clock)
        rate = quotas.connections_per_second
        self._new_connections = None if rate is None else Bucket(rate, clock)

    def has_no_socket(self, what: str) -> bool:
        """Whether `what` is one socket too many."""
        return self._is_reached("sockets", self.sockets, what)

    def has_no_connection(self, what: str) -> bool:
        """Whether `what` is one connection too many, or comes too early; if not, it counts for the rate."""
        if self._is_reached("connections", self.connections, what):
            return True
        if self._new_connections is not None:
            if not self._new_connections.tokens():
                self.report("connections_per_second", what)
                return True
            self._new_connections.take(1)
        return False

    def has_no_request(self, what: str) -> bool:
        """Whether `what` is one request of HTTP too many, of all or at a time."""
        is_last = self._is_reached("http_requests", self.all_requests, what)
        return is_last or self._is_reached("http_requests_at_once", self.requests, what)

    def _is_reached(self, name: str, used: int, what: str) -> bool:
        limit: int | None = getattr(self.quotas, name)
        if limit is None or used < limit:
            return False
        self.report(name, what)
        return True
