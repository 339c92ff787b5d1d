"""Jobs in the processes of a ProcessPoolExecutor, however these are started."""

from __future__ import annotations

import contextlib
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from tests.jobs.work import HANGS, HOST, WORK, Notes, component, executor
from tests.processes import printed
from wasihost import Limits
from wasihost._jobs import here
from wasihost.jobs import Component

METHODS = ["spawn", "forkserver", *(["fork"] if sys.platform == "linux" else [])]


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_an_executor_maps_a_bound_export(cache: Path, method: str) -> None:
    script = f"""
    import warnings
    from pathlib import Path
    from tests.jobs.work import TRAPS, WORK, component, executor
    warnings.simplefilter("ignore", DeprecationWarning)  # of fork, since 3.12
    if __name__ == "__main__":
        job = component(Path({str(cache)!r}), instances="kept")
        print(job(WORK, 1))  # here, before the workers are started
        with executor({method!r}) as pool:
            print(list(pool.map(job.bind(WORK), range(4))))
            print(type(pool.submit(job.bind(WORK), TRAPS).exception()).__name__)
            print(pool.submit(job.bind(WORK), 2).result())
    """
    assert printed(script) == "2\n[0, 2, 4, 6]\nGuestTrap\n4\n"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="where a fork is not safe")
def test_a_fork_compiles_what_its_parent_only_bound(tmp_path: Path) -> None:
    script = f"""
    import warnings
    from pathlib import Path
    from tests.jobs.work import WORK, component, executor
    warnings.simplefilter("ignore", DeprecationWarning)  # of fork, since 3.12
    if __name__ == "__main__":
        work = component(Path({str(tmp_path)!r})).bind(WORK)
        with executor("fork") as pool:
            print(list(pool.map(work, range(2))))
    """
    assert printed(script) == "[0, 2]\n"


@pytest.mark.slow
def test_the_initializer_brings_the_bytes(cache: Path) -> None:
    job = Component(here.bytes_of(component(cache)), providers={HOST: Notes}, cache=None)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn, initializer=job.with_bytes().load) as pool:
        assert pool.submit(job.bind(WORK), 2).result() == 4


@pytest.mark.slow
def test_closing_a_map_stops_the_guests_of_other_processes(cache: Path) -> None:
    rows = [1, HANGS, HANGS, HANGS]
    found = component(cache, limits=Limits()).map(WORK, rows, chunksize=1, executor_factory=executor)
    with contextlib.closing(found):
        assert next(found) == 2
