"""Ten thousand calls, of which some trap, some never end, and some lose their worker."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import tempfile
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.jobs.work import NOTE, NOTES, WORK, component, executor, expected, seen
from wasihost import Limits
from wasihost.jobs import LostWorker

ROWS = 10_000
LOSSES = 3


def killer(seed: int) -> Callable[[int, int], None]:
    """Kills a worker at random, several times, as calls end."""
    chance = random.Random(seed)
    times = sorted(chance.randrange(ROWS) for _ in range(LOSSES))

    def progress(done: int, _total: int) -> None:
        workers = [worker.pid for worker in multiprocessing.active_children() if worker.pid is not None]
        if workers and times and done > times[0]:
            del times[0]
            os.kill(chance.choice(workers), signal.SIGKILL)

    return progress


@pytest.mark.nightly
def test_every_call_has_its_result_or_its_own_error_and_nothing_is_left(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    job = component(cache, limits=Limits(cpu_time_s=0.1), pure=True)
    outcomes = job.map(
        WORK, range(ROWS), chunksize=20, executor_factory=executor, return_exceptions=True, progress=killer(1)
    )
    assert [seen(outcome) for outcome in outcomes] == [expected(n) for n in range(ROWS)]
    assert not multiprocessing.active_children()
    assert not list(tmp_path.glob("wasihost-*"))


@pytest.mark.nightly
def test_a_call_with_effects_is_made_once_or_lost(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notes = tmp_path / "notes"
    monkeypatch.setenv(NOTES, str(notes))
    spawned = partial(executor, "spawn")  # with the environment of now
    found = component(cache).map(
        NOTE, range(ROWS), chunksize=20, executor_factory=spawned, return_exceptions=True, progress=killer(2)
    )
    outcomes = list(found)
    times = Counter(map(int, notes.read_text().split()))
    lost = {n for n, outcome in enumerate(outcomes) if isinstance(outcome, LostWorker)}
    assert [outcome for n, outcome in enumerate(outcomes) if n not in lost] == [None] * (ROWS - len(lost))
    assert {n for n in range(ROWS) if times[n] != 1} <= lost
    assert max(times.values()) == 1
    assert 0 < len(lost) < ROWS / 4
