"""The rounds of one work."""

from __future__ import annotations

import pytest

from benchmarks import report, run
from benchmarks.contenders.base import Figures
from benchmarks.work import OURS, Metric, Work

METRIC = Metric("copy", "MiB/s", lambda figures: figures["speed"])


def works() -> Figures:
    return {"speed": 1.0}


def fails() -> Figures:
    raise OSError("gone")


def test_a_contestant_that_fails_has_no_figures_and_the_others_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    [row] = run.measure(Work("copy", "Bulk", {OURS: works, "peer": fails}, (METRIC,), rounds=2))
    assert row.values == {OURS: [1.0, 1.0], "peer": []}
    assert capsys.readouterr().err == "copy: peer failed: OSError('gone')\n"


@pytest.mark.parametrize("rounds", [1, 2])
def test_a_work_in_which_all_contestants_fail_has_rows_without_figures(
    rounds: int, capsys: pytest.CaptureFixture[str]
) -> None:
    [row] = run.measure(Work("copy", "Bulk", {OURS: fails, "peer": fails}, (METRIC,), rounds))
    assert report.line(row) == "copy: failed   peer: failed"
    assert capsys.readouterr().err.splitlines()[-1] == "copy: all contestants failed, so its rows have no figures"
