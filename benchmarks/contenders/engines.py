"""Engines that run tasks in one worker on this machine, as far as they are installed."""

from __future__ import annotations

import atexit
import faulthandler
import importlib.util
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from typing import Any

from wasihost.jobs import Bound, ray_task


def plain(row: Any) -> Any:
    """A task without a component."""
    return row


class Engine(ABC):
    """One worker, from when it is first used until the process ends. Times are taken by who calls these."""

    @abstractmethod
    def plain(self, rows: Iterable[Any]) -> None:
        """Makes a plain task of each row, and waits for all of them."""

    @abstractmethod
    def calls(self, bound: Bound, rows: Iterable[Any]) -> None:
        """The same with a call of the export."""

    @abstractmethod
    def batches(self, bound: Bound, batches: Iterable[list[Any]]) -> None:
        """The same with a call for each row of a batch."""


class OfFutures(Engine):
    """An executor of `concurrent.futures`, and joblib's."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        atexit.register(executor.shutdown)

    def _run(self, function: Callable[[Any], Any], rows: Iterable[Any]) -> None:
        for future in [self._executor.submit(function, row) for row in rows]:
            future.result()

    def plain(self, rows: Iterable[Any]) -> None:
        self._run(plain, rows)

    def calls(self, bound: Bound, rows: Iterable[Any]) -> None:
        self._run(bound, rows)

    def batches(self, bound: Bound, batches: Iterable[list[Any]]) -> None:
        self._run(bound.each, batches)


class OfDask(Engine):
    """A process, on whose own loop calls run."""

    def __init__(self) -> None:
        from distributed import Client, LocalCluster

        cluster = LocalCluster(n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0")
        self._client = Client(cluster)
        atexit.register(cluster.close)
        atexit.register(self._client.close)

    def _run(self, function: Callable[[Any], Any], rows: Iterable[Any]) -> None:
        self._client.gather(self._client.map(function, list(rows), pure=False))

    def plain(self, rows: Iterable[Any]) -> None:
        self._run(plain, rows)

    def calls(self, bound: Bound, rows: Iterable[Any]) -> None:
        self._run(bound.call_async, rows)

    def batches(self, bound: Bound, batches: Iterable[list[Any]]) -> None:
        self._run(bound.each_async, batches)


class OfRay(Engine):
    """Tasks in a process."""

    def __init__(self) -> None:
        os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
        import ray

        ray.init(
            num_cpus=1,
            include_dashboard=False,
            log_to_driver=False,
            object_store_memory=128 << 20,
            _node_ip_address="127.0.0.1",
        )
        faulthandler.disable()  # which Ray enabled, after wasihost had made an engine in this process
        atexit.register(ray.shutdown)
        self._get = ray.get
        self._plain = ray.remote(plain)
        self._tasks = cache(lambda bound, each: ray_task(bound, each=each))

    def _run(self, task: Any, rows: Iterable[Any]) -> None:
        self._get([task.remote(row) for row in rows])

    def plain(self, rows: Iterable[Any]) -> None:
        self._run(self._plain, rows)

    def calls(self, bound: Bound, rows: Iterable[Any]) -> None:
        self._run(self._tasks(bound, False), rows)

    def batches(self, bound: Bound, batches: Iterable[list[Any]]) -> None:
        self._run(self._tasks(bound, True), batches)


def _processes() -> Engine:
    return OfFutures(ProcessPoolExecutor(1, get_context("forkserver")))


def _joblib() -> Engine:
    from joblib.externals.loky import get_reusable_executor

    return OfFutures(get_reusable_executor(max_workers=1))


_ENGINES = {
    "ProcessPoolExecutor": ("concurrent.futures", _processes),
    "joblib": ("joblib", _joblib),
    "Dask": ("distributed", OfDask),
    "Ray": ("ray", OfRay),
}


def installed() -> list[str]:
    """The names of those that are."""
    return [name for name, (module, _) in _ENGINES.items() if importlib.util.find_spec(module)]


@cache
def engine(name: str) -> Engine:
    """Started when it is first wanted."""
    return _ENGINES[name][1]()
