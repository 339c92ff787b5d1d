"""wasi:clocks 0.3, on a `Clock` that tests can replace."""

from __future__ import annotations

from wasihost.clock import Clock
from wasihost.wasi.clocks.monotonic_clock import MonotonicClock
from wasihost.wasi.clocks.system_clock import SystemClock
from wasihost.wasi.clocks.types import Types


def providers(clock: Clock) -> dict[str, object]:
    """A provider for each interface, by its name without the version."""
    return {
        "wasi:clocks/types": Types(),
        "wasi:clocks/monotonic-clock": MonotonicClock(clock),
        "wasi:clocks/system-clock": SystemClock(clock),
    }
