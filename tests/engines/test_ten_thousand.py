"""Ten thousand calls on each engine, of which some trap, some never end, and a worker is killed at random."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.jobs.work import WORK, component, expected
from wasihost import Limits
from wasihost.jobs import Component, ray_task

ROWS = 10_000
LIMITS = Limits(cpu_time_s=0.1)


def job(cache: Path) -> Component:
    """A pure job whose calls end."""
    return component(cache, limits=LIMITS, pure=True)


def own_pid() -> int:
    """That of a worker."""
    return os.getpid()


def killing(workers: Callable[[], Iterable[int]], seed: int) -> Callable[[int, int], None]:
    """Kills one of the processes at random, when a number of calls at random has ended."""
    chance = random.Random(seed)
    at = chance.randrange(ROWS // 10, ROWS * 9 // 10)
    killed: list[int] = []

    def progress(done: int, _total: int) -> None:
        if done > at and not killed:
            killed.append(chance.choice(list(workers())))
            os.kill(killed[0], signal.SIGKILL)

    return progress


def check(outcomes: Iterable[Any]) -> None:
    """Each is the result of its row, or its own error."""
    found = list(outcomes)
    assert len(found) == ROWS
    for n, outcome in enumerate(found):
        wanted = expected(n)
        assert isinstance(outcome, wanted) if isinstance(wanted, type) else outcome == wanted, (n, outcome)


def test_on_dask(cache: Path, dask: Any) -> None:
    progress = killing(lambda: dask.run(os.getpid).values(), 1)
    executor = dask.get_executor()
    check(job(cache).map(WORK, range(ROWS), chunksize=50, executor=executor, return_exceptions=True, progress=progress))


def test_on_ray(cache: Path, ray: Any) -> None:
    asking = ray.remote(own_pid)
    progress = killing(lambda: set(ray.get([asking.remote() for _ in range(8)])), 2)
    task = ray_task(job(cache).bind(WORK))
    references = [task.remote(n) for n in range(ROWS)]

    def outcomes() -> Iterator[Any]:
        for n, reference in enumerate(references):
            progress(n, ROWS)
            try:
                yield ray.get(reference)
            except Exception as error:
                yield error

    check(outcomes())


def test_on_joblibs_processes(cache: Path) -> None:
    from joblib.externals.loky import get_reusable_executor
    from psutil import Process

    def factory() -> Any:
        return get_reusable_executor(max_workers=2)

    def workers() -> list[int]:
        return [child.pid for child in Process().children() if "loky" in " ".join(child.cmdline())]

    check(
        job(cache).map(
            WORK,
            range(ROWS),
            chunksize=50,
            executor_factory=factory,
            return_exceptions=True,
            progress=killing(workers, 3),
        )
    )
