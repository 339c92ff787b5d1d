"""`wasi:clocks/wall-clock`."""

from __future__ import annotations

from typing import NamedTuple

from wasihost._base.clock import NS_PER_S, Clock


class Datetime(NamedTuple):
    """WIT: `record datetime`, since 1970-01-01T00:00:00Z; earlier times cannot be expressed."""

    seconds: int
    nanoseconds: int


class WallClock:
    """Provider of wasi:clocks/wall-clock."""

    wit_types = {"datetime": Datetime}

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> Datetime:
        """WIT: `now: func() -> datetime`."""
        return Datetime(*divmod(max(self._clock.system_ns(), 0), NS_PER_S))

    def resolution(self) -> Datetime:
        """WIT: `resolution: func() -> datetime`."""
        return Datetime(*divmod(self._clock.system_resolution_ns(), NS_PER_S))
