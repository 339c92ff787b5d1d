"""Links between hosts: how long something takes from one to the other, and whether it gets there at all.

Theory of operation. A link has a `Way` for each direction. Whatever travels, bytes, the beginning or end of a
connection or a datagram, is a number of bytes and a callback for its arrival, and nothing overtakes on a way. Where
there is neither latency nor a limit, arrival is at once, within the call: no timer and no pass of the event loop.
Otherwise the way is a queue with one timer, for the next arrival. Bytes leave one after another at the bandwidth of the
way, which all connections share, and arrive a latency later. While the link is down, bytes that were under way still
arrive, and bytes sent then leave when it is up again, as TCP's retransmissions would.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from wasihost._base.clock import NS_PER_S, Clock, Timer

SEGMENT = 16384
"""Bytes that arrive together where there is a bandwidth: a few packets, so that a transfer is seen to progress."""


class _Passenger:
    """Something on its way; `arrival_ns` is None until it has left."""

    __slots__ = ("arrival_ns", "arrive", "size")

    def __init__(self, size: int, arrive: Callable[[], None]) -> None:
        self.size = size
        self.arrive = arrive
        self.arrival_ns: int | None = None


class Way:
    """One direction of a link."""

    __slots__ = ("_bytes_per_second", "_clock", "_free_ns", "_is_up", "_latency_ns", "_queue", "_timer")

    def __init__(self, clock: Clock, latency_ns: int = 0, bytes_per_second: int | None = None) -> None:
        self._clock = clock
        self._latency_ns = latency_ns
        self._bytes_per_second = bytes_per_second
        self._is_up = True
        self._queue: deque[_Passenger] = deque()
        self._free_ns = 0  # when the last byte of those before has left
        self._timer: Timer | None = None

    @property
    def is_up(self) -> bool:
        """Whether anything can leave."""
        return self._is_up

    @property
    def is_limited(self) -> bool:
        """Whether the number of bytes counts."""
        return self._bytes_per_second is not None

    @property
    def queued(self) -> int:
        """The bytes that have not arrived yet."""
        return sum(passenger.size for passenger in self._queue)

    def change(self, latency_ns: int, bytes_per_second: int | None) -> None:
        """For everything sent from now on."""
        self._latency_ns = latency_ns
        self._bytes_per_second = bytes_per_second

    def carry(self, size: int, arrive: Callable[[], None]) -> None:
        """Calls `arrive` when so many bytes have reached the other side, after all that was sent before."""
        if not self._queue and self._is_up and not self._latency_ns and self._bytes_per_second is None:
            arrive()
            return
        passenger = _Passenger(size, arrive)
        self._queue.append(passenger)
        if self._is_up:
            self._leave(passenger)

    def cut(self) -> None:
        """Nothing leaves from now on."""
        self._is_up = False

    def mend(self) -> None:
        """Everything that waited leaves now."""
        self._is_up = True
        for passenger in self._queue:
            if passenger.arrival_ns is None:
                self._leave(passenger)

    def _leave(self, passenger: _Passenger) -> None:
        departure_ns = max(self._clock.monotonic_ns(), self._free_ns)
        if self._bytes_per_second is not None:
            departure_ns += passenger.size * NS_PER_S // self._bytes_per_second
        self._free_ns = departure_ns
        passenger.arrival_ns = departure_ns + self._latency_ns
        if self._timer is None:
            self._expect()

    def _expect(self) -> None:
        arrival_ns = self._queue[0].arrival_ns if self._queue else None
        if arrival_ns is not None:
            self._timer = self._clock.call_later(max(1, arrival_ns - self._clock.monotonic_ns()), self._arrive)

    def _arrive(self) -> None:
        """The timer's, which may come early."""
        self._timer = None
        now_ns = self._clock.monotonic_ns()
        while self._queue:
            arrival_ns = self._queue[0].arrival_ns
            if arrival_ns is None or arrival_ns > now_ns:
                break
            self._queue.popleft().arrive()
        if self._timer is None:
            self._expect()
