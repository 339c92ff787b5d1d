"""Jobs as tasks of Ray, and what happens when a worker is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.engines.test_arrow import SCORES
from tests.jobs.work import HOST, NOTE, TRAPS, WORK, Notes, component
from wasihost import Cache, GuestTrap
from wasihost._jobs import here
from wasihost._jobs.engines import RETRIES
from wasihost.jobs import Component, RayBatches, ray_task


def with_value(table: Any) -> Any:
    """A column more, for the guest."""
    return table.append_column("value", [[n.as_py() / 2 for n in table.column("id")]])


def test_a_task_brings_the_bytes_of_the_component(cache: Path, ray: Any) -> None:
    job = Component(here.bytes_of(component(cache)), providers={HOST: Notes}, cache=None, instances="kept")
    task = ray_task(job.bind(WORK))
    assert ray.get([task.remote(n) for n in range(4)]) == [0, 2, 4, 6]
    assert ray.get(ray_task(job.bind(WORK), each=True).remote([1, 2])) == [2, 4]


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


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Ray's, of its own settings
@pytest.mark.parametrize("batch_format", ["numpy", "pyarrow", "pandas"])
def test_a_dataset_is_mapped_in_batches(cache: Path, ray: Any, batch_format: str) -> None:
    job = Component(SCORES, cache=Cache(cache), instances="kept")
    dataset = ray.data.range(1000).map_batches(with_value, batch_format="pyarrow")
    scored = dataset.map_batches(
        RayBatches,
        fn_constructor_args=(job.with_bytes(), "example:scores/ipc#score"),
        batch_format=batch_format,
        concurrency=1,
    )
    assert sorted(row["score"] for row in scored.take_all()) == [float(2 * n) for n in range(1000)]
