"""`wasi:clocks` 0.2, on a `Clock` that tests can replace."""

from __future__ import annotations

from wasihost._base.clock import Clock


def providers(clock: Clock) -> dict[str, object]:
    """A provider for each interface."""
    # Importing wasihost shall not take the time of these.
    from wasihost._wasi.p2.clocks.monotonic_clock import MonotonicClock
    from wasihost._wasi.p2.clocks.wall_clock import WallClock

    return {
        "wasi:clocks/monotonic-clock@0.2.0": MonotonicClock(clock),
        "wasi:clocks/wall-clock@0.2.0": WallClock(clock),
    }
