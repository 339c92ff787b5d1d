"""wasi:filesystem 0.2."""

from __future__ import annotations

from wasihost._base.streams import Unwritten
from wasihost._wasi.filesystem.mounts import Mounts


def providers(mounts: Mounts, unwritten: Unwritten) -> dict[str, object]:
    """A provider for each interface, for one guest."""
    # Importing wasihost shall not take the time of these.
    from wasihost._wasi.p2.filesystem.preopens import Preopens
    from wasihost._wasi.p2.filesystem.types import Types

    if mounts.may_wait:
        from wasihost._wasi.p2.filesystem.waiting import WaitingPreopens, WaitingTypes

        return {
            "wasi:filesystem/types@0.2.0": WaitingTypes(),
            "wasi:filesystem/preopens@0.2.0": WaitingPreopens(mounts, unwritten),
        }
    return {
        "wasi:filesystem/types@0.2.0": Types(),
        "wasi:filesystem/preopens@0.2.0": Preopens(mounts, unwritten),
    }
