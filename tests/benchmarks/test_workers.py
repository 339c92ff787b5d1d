"""How many workers a rate needs."""

from __future__ import annotations

import math

import pytest

from benchmarks.workers import Load, needed, table


def test_workers_are_as_busy_as_the_rate_makes_them() -> None:
    load = Load(workers=2, rate=100, cost_s=0.01)
    assert (load.busy, load.mean_s, round(load.p99_s, 3)) == (0.5, 0.02, 0.092)


def test_workers_that_are_too_few_never_catch_up() -> None:
    assert Load(workers=1, rate=100, cost_s=0.01).mean_s == math.inf


@pytest.mark.parametrize(
    ("rate", "cost_s", "options", "workers"),
    [(10, 0.001, {}, 1), (100, 0.02, {}, 3), (100, 0.02, {"busy": 0.5}, 4), (700, 0.0024, {"p99_s": 0.05}, 3)],
)
def test_the_fewest_workers_that_do(rate: float, cost_s: float, options: dict[str, float], workers: int) -> None:
    assert needed(rate, cost_s, **options).workers == workers


def test_no_number_of_workers_answers_faster_than_one_that_is_idle() -> None:
    with pytest.raises(ValueError, match="a request that costs 20 ms is not answered in 50 ms"):
        needed(1, 0.02, p99_s=0.05)


def test_the_table_marks_what_is_needed() -> None:
    [marked] = [line for line in table(needed(700, 0.0024, p99_s=0.05)) if "needed" in line and "%" in line]
    assert marked == "       3    56%      5.5     25.1  needed"
