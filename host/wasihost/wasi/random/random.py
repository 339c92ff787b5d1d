"""wasi:random/random."""

from __future__ import annotations

from wasihost.wasi.random.source import Source, get_bytes, get_u64


class Random:
    """Provider of wasi:random/random. It is as secure as the source that it was constructed with."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def get_random_bytes(self, max_len: int) -> bytes:
        """WIT: `get-random-bytes: func(max-len: u64) -> list<u8>`.

        At most 1 MiB at a time; a guest that wants more asks again, as the WIT says.
        """
        return get_bytes(self._source, max_len)

    def get_random_u64(self) -> int:
        """WIT: `get-random-u64: func() -> u64`."""
        return get_u64(self._source)
