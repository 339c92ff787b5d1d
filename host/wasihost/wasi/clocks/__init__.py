"""wasi:clocks 0.3, so far the monotonic clock."""

from __future__ import annotations

from wasihost.wasi.clocks.monotonic_clock import MonotonicClock

__all__ = ["MonotonicClock", "providers"]


def providers() -> dict[str, object]:
    """A provider for each interface, by its name without the version."""
    return {"wasi:clocks/monotonic-clock": MonotonicClock()}
