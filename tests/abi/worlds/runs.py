"""Runs of Hypothesis: so many worlds, from a seed."""

from __future__ import annotations

import importlib
import os
import pkgutil
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import HypothesisWarning

import wasihost
from tests.abi.worlds.check import check
from tests.abi.worlds.trial import Trial, trials

STATM = Path("/proc/self/statm")

# Hypothesis draws numbers and strings from the modules that are loaded, too: they must always be the same ones. Those
# left out may need libraries that the development tools do not include.
_LEFT_OUT = (
    "wasihost.__main__",
    "wasihost.arrow",
    "wasihost._arrow",
    "wasihost._jobs.dask",
    "wasihost._recording.telemetry",
)
for _module in pkgutil.walk_packages(wasihost.__path__, "wasihost."):
    if not _module.name.startswith(_LEFT_OUT):
        importlib.import_module(_module.name)


def run(seed: int, count: int, check: Callable[[Trial], None] = check) -> str:
    """Checks so many worlds; the smallest that fails as text, '' if none does."""

    @hypothesis.seed(seed)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(trials())
    def each(trial: Trial) -> None:
        check(trial)

    try:
        with warnings.catch_warnings(action="ignore", category=HypothesisWarning):  # of the text of our strategies
            each()
    except Exception as error:
        return "".join(traceback.format_exception(error, limit=-3))
    return ""


def run_measured(seed: int, count: int) -> tuple[str, int]:
    """What `run` gives, and the resident set of this process in bytes, where the system tells it."""
    failure = run(seed, count)
    pages = int(STATM.read_text().split()[1]) if STATM.exists() else 0
    return failure, pages * os.sysconf("SC_PAGE_SIZE")
