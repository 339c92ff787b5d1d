"""Jobs as tasks of Ray, and what happens when a worker is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.jobs.work import HOST, NOTE, TRAPS, WORK, Notes, component
from wasihost import GuestTrap
from wasihost._jobs import here
from wasihost._jobs.engines import RETRIES
from wasihost.jobs import Component, ray_task


def test_a_task_brings_the_bytes_of_the_component(cache: Path, ray: Any) -> None:
    job = Component(here.bytes_of(component(cache)), providers={HOST: Notes}, cache=None, instances="kept")
    task = ray_task(job.bind(WORK))
    assert ray.get([task.remote(n) for n in range(4)]) == [0, 2, 4, 6]


def test_a_trap_is_a_guest_trap_and_the_worker_goes_on(cache: Path, ray: Any) -> None:
    task = ray_task(component(cache, pure=True).bind(WORK))
    with pytest.raises(GuestTrap):
        ray.get(task.remote(TRAPS))
    assert ray.get(task.remote(1)) == 2


@pytest.mark.parametrize(("pure", "times"), [(False, 1), (True, 1 + RETRIES)], ids=["with effects", "pure"])
def test_only_a_pure_job_is_called_again_after_its_worker_was_lost(
    cache: Path, notes: Path, ray: Any, pure: bool, times: int
) -> None:
    before = notes.read_text().split()
    task = ray_task(component(cache, "Killer", pure=pure).bind(NOTE))
    with pytest.raises(ray.exceptions.WorkerCrashedError):
        ray.get(task.remote(0))
    assert notes.read_text().split()[len(before) :] == ["0"] * times
