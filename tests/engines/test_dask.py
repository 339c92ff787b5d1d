"""Jobs on Dask's workers: on their loops, in their threads, and after one was lost."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.jobs.work import COUNT, HOST, NOTE, TRAPS, WORK, Notes, component
from wasihost import GuestTrap
from wasihost._jobs import here
from wasihost.jobs import Component, DaskPlugin


def loaded() -> list[str]:
    """The digests of the components that a worker has loaded."""
    return [digest for digest, *_ in here._loaded]


def test_the_plugin_loads_the_component_once_in_each_worker(cache: Path, dask: Any) -> None:
    job = Component(here.bytes_of(component(cache)), providers={HOST: Notes}, cache=None)
    dask.register_plugin(DaskPlugin(job))
    assert list(dask.run(loaded).values()) == [[job.digest]] * 2
    assert dask.gather(dask.map(job.bind(WORK), [1, 2])) == [2, 4]


def has_instances(dask_worker: Any) -> bool:
    """Whether the worker's own loop has instances."""
    return dask_worker.loop.asyncio_loop in here._instances


def test_calls_run_on_the_loop_of_a_worker_until_the_plugin_goes(cache: Path, dask: Any) -> None:
    job = component(cache, instances="kept")
    plugin = DaskPlugin(job)
    dask.register_plugin(plugin)
    workers = list(dask.run(os.getpid))
    futures = [dask.submit(job.bind(COUNT).call_async, pure=False, workers=worker) for worker in workers * 2]
    assert dask.gather(futures) == [1, 1, 2, 2]
    assert list(dask.run(has_instances).values()) == [True, True]
    dask.unregister_worker_plugin(plugin.name)
    assert list(dask.run(has_instances).values()) == [False, False]


def test_what_the_guest_answers_is_not_retried(cache: Path, dask: Any) -> None:
    future = dask.submit(component(cache, pure=True).bind(WORK), TRAPS, retries=0)
    assert isinstance(future.exception(), GuestTrap)


def test_a_lost_worker_is_made_up_for(cache: Path, dask: Any) -> None:
    bound = component(cache, pure=True).bind(WORK)
    futures = dask.map(bound, range(1, 600, 100))
    victim = next(iter(dask.run(os.getpid).values()))
    more = dask.map(bound, range(2, 600, 100))
    os.kill(victim, signal.SIGKILL)
    assert dask.gather(futures + more) == [n * 2 for start in (1, 2) for n in range(start, 600, 100)]


def test_a_call_with_effects_is_lost_with_its_worker(cache: Path, dask: Any) -> None:
    from distributed import KilledWorker

    def fail_at_once(dask_scheduler: Any) -> None:
        dask_scheduler.allowed_failures = 0  # as the setting distributed.scheduler.allowed-failures

    dask.run_on_scheduler(fail_at_once)
    future = dask.submit(component(cache, "Killer").bind(NOTE), 0)
    with pytest.raises(KilledWorker):
        future.result()
