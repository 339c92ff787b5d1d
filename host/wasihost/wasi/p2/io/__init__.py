"""`wasi:io` 0.2: the resources that the other packages of 0.2 give to guests."""

from __future__ import annotations


def providers() -> dict[str, object]:
    """A provider for each interface."""
    from wasihost.wasi.p2.io.error import ErrorProvider
    from wasihost.wasi.p2.io.poll import Poll
    from wasihost.wasi.p2.io.streams import Streams

    return {
        "wasi:io/error@0.2.0": ErrorProvider(),
        "wasi:io/poll@0.2.0": Poll(),
        "wasi:io/streams@0.2.0": Streams(),
    }
