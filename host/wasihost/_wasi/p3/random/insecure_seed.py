"""wasi:random/insecure-seed."""

from __future__ import annotations

from wasihost._wasi.random import Random as Source


class InsecureSeed:
    """Provider of wasi:random/insecure-seed: one seed for the hash maps of an instance, the same at every call."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def get_insecure_seed(self) -> tuple[int, int]:
        """WIT: `get-insecure-seed: func() -> tuple<u64, u64>`."""
        return self._source.insecure_seed
