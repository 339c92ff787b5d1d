"""Each fixture in a round of `make soak`."""

from __future__ import annotations

import itertools

import pytest

from tests.soak.playing import Ended, play, warm_up
from tests.soak.rounds import NAMES, Round, rounds

SEED = 7
ROUNDS = len(NAMES)


def _rounds(seed: int) -> list[Round]:
    return list(itertools.islice(rounds(seed), ROUNDS))


def test_a_seed_gives_the_same_rounds_and_every_fixture_in_turn() -> None:
    played = _rounds(SEED)
    assert played == _rounds(SEED) != _rounds(SEED + 1)
    assert sorted(round.name for round in played[: len(NAMES)]) == NAMES


@pytest.mark.slow
def test_rounds_end_as_is_documented_and_in_virtual_time_the_same_way_again() -> None:
    warm_up()

    def ends() -> list[Ended]:
        return [play(round) for round in _rounds(SEED) if round.network == "virtual"]

    assert ends() == ends()
    for round in _rounds(SEED):
        if round.network == "os":
            play(round)
