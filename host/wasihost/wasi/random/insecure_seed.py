"""wasi:random/insecure-seed."""

from __future__ import annotations

from wasihost.wasi.random.source import Source, get_u64


class InsecureSeed:
    """Provider of wasi:random/insecure-seed: one seed for the hash maps of an instance, the same at every call."""

    def __init__(self, source: Source) -> None:
        self._seed = get_u64(source), get_u64(source)

    def get_insecure_seed(self) -> tuple[int, int]:
        """WIT: `get-insecure-seed: func() -> tuple<u64, u64>`."""
        return self._seed
