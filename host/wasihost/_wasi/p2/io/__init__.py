"""`wasi:io` 0.2: the resources that the other packages of 0.2 give to guests."""

from __future__ import annotations

from typing import Final

IN_ORDER: Final = tuple(
    f"wasi:io/streams@0.2.0#[method]output-stream.{name}"
    for name in (
        "write",
        "blocking-write-and-flush",
        "write-zeroes",
        "blocking-write-zeroes-and-flush",
        "splice",
        "blocking-splice",
    )
)
"""Bytes that a guest wrote to a stream of 0.3 come out before those that it writes afterwards to one of 0.2."""

WINDOWED: Final = ("wasi:io/streams@0.2.0",)
"""Interfaces whose lists of bytes go through a window inside of the guest."""


def providers() -> dict[str, object]:
    """A provider for each interface."""
    # Importing wasihost shall not take the time of these.
    from wasihost._wasi.p2.io.error import ErrorProvider
    from wasihost._wasi.p2.io.poll import Poll
    from wasihost._wasi.p2.io.streams import Streams

    return {
        "wasi:io/error@0.2.0": ErrorProvider(),
        "wasi:io/poll@0.2.0": Poll(),
        "wasi:io/streams@0.2.0": Streams(),
    }
