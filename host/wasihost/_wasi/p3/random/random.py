"""wasi:random/random."""

from __future__ import annotations

from typing import Final

from wasihost._wasi.random import Random as Source

MAX_BYTES: Final = 1 << 20
"""The most that one call gives: it blocks the event loop, a few milliseconds. Wasmtime's own host stops at
64 MiB; the WIT leaves it open."""


class Random:
    """Provider of wasi:random/random. It is as secure as the source that it was constructed with."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def get_random_bytes(self, max_len: int) -> bytes:
        """WIT: `get-random-bytes: func(max-len: u64) -> list<u8>`.

        At most 1 MiB at a time; a guest that wants more asks again, as the WIT says.
        """
        return self._source.bytes(min(max_len, MAX_BYTES))

    def get_random_u64(self) -> int:
        """WIT: `get-random-u64: func() -> u64`."""
        return self._source.u64()
