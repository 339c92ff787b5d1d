"""Calls of a job in this process: on a loop of the thread, and on one that runs."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from tests.jobs.work import COUNT, HANGS, NOTE, NOTES, TRAPS, WORK, component
from wasihost import GuestTimeout, GuestTrap, Limits
from wasihost._jobs import here


def test_a_job_is_called_here(cache: Path) -> None:
    job = component(cache)
    assert [job(WORK, 3), job.bind(WORK)(4)] == [6, 8]


@pytest.mark.parametrize(
    ("options", "counts"),
    [({}, [1, 1, 1, 1]), ({"instances": "kept"}, [1, 2, 3, 4]), ({"reuse": 3}, [1, 2, 3, 1])],
    ids=["fresh", "kept", "reuse=3"],
)
def test_instances_are_fresh_or_kept_or_serve_some_calls(
    cache: Path, options: dict[str, str], counts: list[int]
) -> None:
    job = component(cache, **options)
    assert [job(COUNT) for _ in counts] == counts


def test_a_trap_ends_an_instance_and_not_the_job(cache: Path) -> None:
    job = component(cache, instances="kept")
    counts = [job(COUNT), job(COUNT)]
    with pytest.raises(GuestTrap, match="unreachable"):
        job(WORK, TRAPS)
    assert [*counts, job(COUNT)] == [1, 2, 1]


def test_a_limit_of_time_ends_a_call(cache: Path) -> None:
    job = component(cache, limits=Limits(cpu_time_s=0.05))
    with pytest.raises(GuestTimeout):
        job(WORK, HANGS)
    assert job(WORK, 1) == 2


def test_each_thread_has_instances_of_its_own(cache: Path) -> None:
    job = component(cache, instances="kept")
    counts = [job(COUNT), job(COUNT)]
    thread = threading.Thread(target=lambda: counts.append(job(COUNT)))
    thread.start()
    thread.join()
    assert [*counts, job(COUNT)] == [1, 2, 1, 3]


def test_a_component_is_loaded_once_for_a_process(cache: Path) -> None:
    one, two = component(cache, instances="kept"), component(cache, pure=True, limits=Limits(run_time_s=1))
    assert here.load(one) is here.load(two)


def test_a_task_may_have_many_rows(cache: Path) -> None:
    bound = component(cache).bind(WORK)
    assert bound.each([1, 2, 3]) == [2, 4, 6]
    with pytest.raises(GuestTrap):
        bound.each([1, TRAPS, 3])


def test_closing_a_job_closes_its_instances_of_this_thread(cache: Path) -> None:
    job = component(cache, instances="kept")
    counts = [job(COUNT), job(COUNT)]
    job.close()
    assert [*counts, job(COUNT)] == [1, 2, 1]


async def test_where_a_loop_runs_a_job_is_awaited(cache: Path) -> None:
    job = component(cache)
    with pytest.raises(RuntimeError, match=r"an event loop is running in this thread.*await call_async of the job"):
        job(WORK, 3)
    assert await asyncio.gather(*(job.bind(WORK).call_async(n) for n in range(3))) == [0, 2, 4]
    await job.close_async()


def test_the_end_of_a_loop_closes_the_instances(cache: Path) -> None:
    job = component(cache, instances="kept")

    async def twice() -> list[int]:
        return [await job.call_async(COUNT), await job.call_async(COUNT)]

    assert asyncio.run(twice()) == asyncio.run(twice()) == [1, 2]
    assert not here._instances


def test_providers_are_made_from_their_import_paths(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NOTES, str(tmp_path / "notes"))
    component(cache)(NOTE, 5)
    assert (tmp_path / "notes").read_text() == "5\n"
