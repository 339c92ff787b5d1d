"""How long a guest that is busy keeps the event loop.

On an event loop with a time of its own (`clock.OwnTime`) it is a number of polls, so that the speed of this
machine decides nothing: others come between the same two polls in every run. Then a pass takes as long as it does
elsewhere, in that loop's time, which would else stop as long as a guest is busy; a guest may be busy waiting for
it. Epochs, which come in real time, end a poll only if it takes longer than anything should wait.
"""

from __future__ import annotations

import time

import wasmtime

from wasihost._base.clock import NS_PER_S, PASS_NS, OwnTime
from wasihost._component.running.loop.epochs import EPOCH_SECONDS

PASS_SECONDS = PASS_NS / NS_PER_S
"""After so long others in the event loop get a pass."""


class TimeSlice:
    """How long polls go on before others in the event loop get a pass, in the time of this machine."""

    _end = 0.0

    def begin(self) -> None:
        """The first of a series of polls begins."""
        self._end = time.monotonic() + PASS_SECONDS

    def is_over(self) -> bool:
        """Whether others shall have a pass now, or else the next poll begins."""
        return time.monotonic() >= self._end

    @property
    def pause_s(self) -> float:
        """How long others have it: a pass of the event loop for 0."""
        return 0


class CountedTimeSlice(TimeSlice):
    """The same, in polls."""

    def __init__(self, own: OwnTime, store: wasmtime.Store) -> None:
        self._own = own
        self._store = store
        self._left = 0
        self._ticks = max(1, round(own.patience_s / EPOCH_SECONDS))

    def begin(self) -> None:
        self._left = self._own.polls
        self._end = time.monotonic() + self._own.patience_s
        self._store.set_epoch_deadline(self._ticks)

    def is_over(self) -> bool:
        self._left -= 1
        self._store.set_epoch_deadline(self._ticks)
        return self._left <= 0 or time.monotonic() >= self._end

    @property
    def pause_s(self) -> float:
        return PASS_SECONDS if self._left <= 0 else self._own.patience_s
