"""wasi:filesystem 0.3."""

from __future__ import annotations

from wasihost._wasi.filesystem.mounts import Mounts


def providers(mounts: Mounts) -> dict[str, object]:
    """A provider for each interface, for one guest."""
    # Importing wasihost shall not take the time of these.
    from wasihost._wasi.p3.filesystem.preopens import Preopens
    from wasihost._wasi.p3.filesystem.types import Types

    return {
        "wasi:filesystem/types@0.3.0": Types(),
        "wasi:filesystem/preopens@0.3.0": Preopens(mounts),
    }
