"""wasi:filesystem 0.2, for guests that are given no files."""

from __future__ import annotations

from wasihost._wasi.p2.filesystem.preopens import Preopens
from wasihost._wasi.p2.filesystem.types import Types


def providers() -> dict[str, object]:
    """A provider for each interface."""
    return {
        "wasi:filesystem/types@0.2.0": Types(),
        "wasi:filesystem/preopens@0.2.0": Preopens(),
    }
