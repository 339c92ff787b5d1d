"""wasi:random 0.3."""

from __future__ import annotations

from wasihost._wasi.p3.random.insecure import Insecure
from wasihost._wasi.p3.random.insecure_seed import InsecureSeed
from wasihost._wasi.p3.random.random import Random
from wasihost._wasi.random import Random as Source


def providers(source: Source) -> dict[str, object]:
    """A provider for each interface; secure only if the source is."""
    return {
        "wasi:random/insecure-seed@0.3.0": InsecureSeed(source),
        "wasi:random/insecure@0.3.0": Insecure(source),
        "wasi:random/random@0.3.0": Random(source),
    }
