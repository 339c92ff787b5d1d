"""wasi:random 0.2: all bytes that were asked for, and one source for both versions."""

from __future__ import annotations

import pytest

from wasihost._base.errors import GuestTrap
from wasihost._wasi.p2 import random
from wasihost._wasi.p2.random import MAX_BYTES, Insecure, InsecureSeed, Random
from wasihost._wasi.p3.random import insecure_seed
from wasihost._wasi.random import Random as Source


@pytest.mark.parametrize("length", [0, 1, (1 << 20) + 1])
def test_exactly_as_many_bytes_come_as_were_asked_for(length: int) -> None:
    assert len(Random(Source(None)).get_random_bytes(length)) == length
    assert len(Insecure(Source(7)).get_insecure_random_bytes(length)) == length


@pytest.mark.parametrize("length", [MAX_BYTES + 1, 2**64 - 1])
def test_more_than_64_mib_are_a_trap(length: int) -> None:
    with pytest.raises(GuestTrap, match=f"{length} random bytes"):
        Random(Source(None)).get_random_bytes(length)
    with pytest.raises(GuestTrap, match=f"{length} random bytes"):
        Insecure(Source(None)).get_insecure_random_bytes(length)


def test_the_seed_of_hash_maps_is_that_of_0_3() -> None:
    source = Source(None)
    assert InsecureSeed(source).insecure_seed() == insecure_seed.InsecureSeed(source).get_insecure_seed()


def test_another_version_in_the_component_changes_no_number_of_a_seed() -> None:
    alone, shared = Source(7), Source(7)
    random.providers(shared)
    assert Random(alone).get_random_u64() == Random(shared).get_random_u64()
    assert Insecure(alone).get_insecure_random_u64() == Insecure(shared).get_insecure_random_u64()
