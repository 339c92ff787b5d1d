"""wasi:random 0.3."""

from __future__ import annotations

from wasihost.wasi.random.insecure import Insecure
from wasihost.wasi.random.insecure_seed import InsecureSeed
from wasihost.wasi.random.random import Random
from wasihost.wasi.random.source import source


def providers(seed: int | None) -> dict[str, object]:
    """A provider for each interface, by its name without the version; secure only without a seed."""
    shared = source(seed)
    return {
        "wasi:random/insecure-seed": InsecureSeed(shared),
        "wasi:random/insecure": Insecure(shared),
        "wasi:random/random": Random(shared),
    }
