"""`wasi:random` 0.2."""

from __future__ import annotations

from typing import Final

from wasihost._base.errors import GuestTrap
from wasihost._wasi.random import Random as Source

MAX_BYTES: Final = 1 << 26
"""More at a time is a trap, as in Wasmtime: 0.2 has no way to give fewer than were asked for."""


def _exactly(source: Source, size: int) -> bytes:
    if size > MAX_BYTES:
        raise GuestTrap(f"{size} random bytes at a time, but at most {MAX_BYTES} are given")
    return source.bytes(size)


class Random:
    """Provider of wasi:random/random. It is as secure as the source that it was constructed with."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def get_random_bytes(self, len: int) -> bytes:
        """WIT: `get-random-bytes: func(len: u64) -> list<u8>`; more than 64 MiB are a trap."""
        return _exactly(self._source, len)

    def get_random_u64(self) -> int:
        """WIT: `get-random-u64: func() -> u64`."""
        return self._source.u64()


class Insecure:
    """Provider of wasi:random/insecure, which gives the same as wasi:random/random."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def get_insecure_random_bytes(self, len: int) -> bytes:
        """WIT: `get-insecure-random-bytes: func(len: u64) -> list<u8>`; more than 64 MiB are a trap."""
        return _exactly(self._source, len)

    def get_insecure_random_u64(self) -> int:
        """WIT: `get-insecure-random-u64: func() -> u64`."""
        return self._source.u64()


class InsecureSeed:
    """Provider of wasi:random/insecure-seed: one seed for the hash maps of an instance, the same at every call."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def insecure_seed(self) -> tuple[int, int]:
        """WIT: `insecure-seed: func() -> tuple<u64, u64>`."""
        return self._source.insecure_seed


def providers(source: Source) -> dict[str, object]:
    """A provider for each interface."""
    return {
        "wasi:random/random@0.2.0": Random(source),
        "wasi:random/insecure@0.2.0": Insecure(source),
        "wasi:random/insecure-seed@0.2.0": InsecureSeed(source),
    }
