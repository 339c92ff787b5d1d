"""The benchmarks in their smallest form: that all of them run, not how fast."""

from __future__ import annotations

import pytest

from benchmarks import run
from benchmarks.results import Results
from benchmarks.work import OURS, TINY

pytestmark = pytest.mark.nightly


@pytest.fixture(scope="module")
def results() -> Results:
    return run.run(TINY, peers=False)


def test_every_work_gives_a_positive_figure_for_every_contestant(results: Results) -> None:
    missing = [
        (row.title, name, values)
        for row in results.rows
        for name, values in row.values.items()
        if len(values) == 0 or min(values) <= 0
    ]
    assert not missing


def test_every_row_is_about_wasihost(results: Results) -> None:
    assert all(OURS in row.values for row in results.rows)


def test_the_names_of_works_are_those_of_the_rows(results: Results) -> None:
    assert run.names(TINY) == list(dict.fromkeys(row.work for row in results.rows))


def test_targets_are_against_contestants_or_absolute(results: Results) -> None:
    peers = {"wasmtime CLI", "jco"}
    unknown = {
        target.against
        for row in results.rows
        for target in row.targets
        if target.against and target.against not in peers and target.against not in row.values
    }
    assert not unknown
