"""wasi:random: lengths, and what a seed does."""

from __future__ import annotations

import pytest

from wasihost._wasi.p3 import random
from wasihost._wasi.p3.random.insecure import Insecure
from wasihost._wasi.p3.random.insecure_seed import InsecureSeed
from wasihost._wasi.p3.random.random import MAX_BYTES, Random
from wasihost._wasi.random import Random as Source

SOURCES = pytest.mark.parametrize("seed", [None, 0, 7, -7, 2**200], ids=str)


@SOURCES
@pytest.mark.parametrize("length", [0, 1, 7, MAX_BYTES])
def test_as_many_bytes_come_as_were_asked_for(seed: int | None, length: int) -> None:
    assert len(Random(Source(seed)).get_random_bytes(length)) == length
    assert len(Insecure(Source(seed)).get_insecure_random_bytes(length)) == length


@SOURCES
@pytest.mark.parametrize("length", [MAX_BYTES + 1, 2**64 - 1])
def test_more_than_the_limit_is_cut_off(seed: int | None, length: int) -> None:
    assert len(Random(Source(seed)).get_random_bytes(length)) == MAX_BYTES
    assert len(Insecure(Source(seed)).get_insecure_random_bytes(length)) == MAX_BYTES


@SOURCES
def test_numbers_are_of_64_bits(seed: int | None) -> None:
    numbers = [Random(Source(seed)).get_random_u64(), Insecure(Source(seed)).get_insecure_random_u64()]
    assert all(0 <= number < 2**64 for number in [*numbers, *InsecureSeed(Source(seed)).get_insecure_seed()])


def _everything(seed: int | None) -> list[object]:
    found = random.providers(Source(seed))
    secure, insecure = found["wasi:random/random@0.3.0"], found["wasi:random/insecure@0.3.0"]
    hashing = found["wasi:random/insecure-seed@0.3.0"]
    assert isinstance(secure, Random)
    assert isinstance(insecure, Insecure)
    assert isinstance(hashing, InsecureSeed)
    return [
        secure.get_random_bytes(16),
        secure.get_random_u64(),
        insecure.get_insecure_random_bytes(16),
        insecure.get_insecure_random_u64(),
        hashing.get_insecure_seed(),
    ]


def test_everything_is_the_same_with_the_same_seed() -> None:
    assert _everything(7) == _everything(7)


def test_nothing_is_the_same_with_another_seed_or_none() -> None:
    for others in (_everything(8), _everything(None)):
        assert all(ours != theirs for ours, theirs in zip(_everything(7), others, strict=True))
    assert _everything(None) != _everything(None)


def test_data_is_fresh_every_time() -> None:
    for seed in (None, 7):
        secure = Random(Source(seed))
        assert len({secure.get_random_bytes(16) for _ in range(100)}) == 100
        assert len({secure.get_random_u64() for _ in range(100)}) == 100


def test_the_seed_of_hash_maps_does_not_change() -> None:
    provider = InsecureSeed(Source(None))
    assert provider.get_insecure_seed() == provider.get_insecure_seed()
