"""wasi:clocks/system-clock."""

from __future__ import annotations

from typing import NamedTuple

from wasihost._base.clock import NS_PER_S, Clock


class Instant(NamedTuple):
    """`record instant`: since 1970-01-01T00:00:00Z. `nanoseconds` are less than a second and always count forward."""

    seconds: int
    nanoseconds: int


class SystemClock:
    """Provider of wasi:clocks/system-clock."""

    wit_types = {"instant": Instant}

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> Instant:
        """WIT: `now: func() -> instant`."""
        return Instant(*divmod(self._clock.system_ns(), NS_PER_S))

    def get_resolution(self) -> int:
        """WIT: `get-resolution: func() -> duration`; nanoseconds."""
        return self._clock.system_resolution_ns()
