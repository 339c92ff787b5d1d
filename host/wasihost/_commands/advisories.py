"""The security advisories about Wasmtime that the wheel lacked when this version of wasihost was made."""

from __future__ import annotations

from typing import Final

KNOWN_ON: Final = "2026-11-30"
FIXED_IN: Final = (50, 0, 3)
URL: Final = "https://github.com/bytecodealliance/wasmtime/security/advisories"
ADVISORIES: Final = (
    ("GHSA-xrvr-8678-5wp8", "a guest can end the process: give guests that you do not trust a process of their own"),
    ("GHSA-43j2-gcp4-m22g", "a guest with garbage collected values can end the process: Host(gc=False) refuses these"),
    ("GHSA-5m8g-xhq4-4h93", "a guest can take memory without end: only with Host(wasip2='native')"),
    ("GHSA-wvgq-g5hf-6gm6", "not reached by a Host; an engine of your own must reserve whole pages for its heap"),
    ("GHSA-hj27-mpw9-ff4c", "not reached"),
    ("GHSA-rc4p-x33f-vpr2", "not reached"),
    ("GHSA-2674-w29h-wqvj", "not reached"),
    ("GHSA-f8mm-ggr3-89wh", "not reached"),
    ("GHSA-f2pq-268w-886c", "not reached"),
)
"""Each by its name, with its meaning here; SECURITY.md has more."""


def of(version: str) -> tuple[tuple[str, str], ...]:
    """Those that this version of wasmtime-py lacks, as far as they were known on that day."""
    numbers = tuple(int(part) for part in version.split(".")[:3])
    return ADVISORIES if numbers < FIXED_IN else ()
