"""wasi:clocks 0.3, on a `Clock` that tests can replace."""

from __future__ import annotations

from wasihost._base.clock import Clock
from wasihost._wasi.p3.clocks.monotonic_clock import MonotonicClock
from wasihost._wasi.p3.clocks.system_clock import SystemClock
from wasihost._wasi.p3.clocks.types import Types


def providers(clock: Clock) -> dict[str, object]:
    """A provider for each interface."""
    return {
        "wasi:clocks/types@0.3.0": Types(),
        "wasi:clocks/monotonic-clock@0.3.0": MonotonicClock(clock),
        "wasi:clocks/system-clock@0.3.0": SystemClock(clock),
    }
