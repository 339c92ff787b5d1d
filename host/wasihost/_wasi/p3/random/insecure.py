"""wasi:random/insecure."""

from __future__ import annotations

from wasihost._wasi.p3.random.random import MAX_BYTES
from wasihost._wasi.random import Random as Source


class Insecure:
    """Provider of wasi:random/insecure: no guest may rely on it, and nothing is gained by making it worse."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def get_insecure_random_bytes(self, max_len: int) -> bytes:
        """WIT: `get-insecure-random-bytes: func(max-len: u64) -> list<u8>`; at most 1 MiB at a time."""
        return self._source.bytes(min(max_len, MAX_BYTES))

    def get_insecure_random_u64(self) -> int:
        """WIT: `get-insecure-random-u64: func() -> u64`."""
        return self._source.u64()
