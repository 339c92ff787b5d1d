"""`Component`: a component and what its guests may do, as a value that tasks carry; `Bound`, one of its exports."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import Executor
from operator import length_hint
from typing import Any, Literal, TypeAlias

from wasihost._base.frozen import Frozen
from wasihost._base.limits import DEFAULTS, Limits
from wasihost._component.cache import Cache
from wasihost._component.instance import Instance
from wasihost._host.source import Bytes, read_source
from wasihost._jobs import here, signature
from wasihost._jobs.job import Job, Travelling
from wasihost._jobs.mapping import MapRun
from wasihost._jobs.progress import reporting
from wasihost._jobs.settings import Settings, files_of, providers_of, reuse_of
from wasihost._network.quotas import Quotas
from wasihost._policy import Policy, deny_all

Instances: TypeAlias = Literal["fresh", "kept"]


class Component(Job):
    """A component with all that its guests may do: a small value, which tasks carry to where they run.

    - `component`: its path or its bytes.
    - `limits`, `policy`, `quotas`: as of `Host`.
    - `files`: as of `Host`; other file systems than directories are given as callables that make them in each worker,
      such as the class `MemoryFiles`.
    - `providers`: classes by interface name, as import paths (`{"my:pkg/store": "app.store:Store"}`) or as they are.
      Each event loop makes one object of each.
    - `instances`: "fresh", one for each call; or "kept", one that serves until a call ends with an exception other
      than `WitError`. `reuse`: how many calls an instance serves before another takes its place. The limits
      `cpu_time_s` and `fuel` are for the life of an instance, `run_time_s` is for each call.
    - `workers`: how many of them there are on a machine, threads counted: each may use that part of
      `total_memory_bytes`.
    - `pure`: a call has no effect but its result, so that it may be made again when its worker was lost.
    - `cache`: where compiled code is kept, and the bytes for other processes of this machine.

    Equal jobs have the same component and settings. Each process loads a component once, and each machine compiles it
    once. Errors: ConfigError for settings that cannot travel to another process, OSError.
    """

    def __init__(
        self,
        component: Bytes,
        *,
        limits: Limits = DEFAULTS,
        policy: Policy = deny_all,
        quotas: Quotas | None = None,
        files: Mapping[str, Any] | None = None,
        providers: Mapping[str, str | Callable[[], object]] | None = None,
        instances: Instances = "fresh",
        reuse: int | None = None,
        workers: int = 1,
        pure: bool = False,
        cache: Cache | None = Cache(),  # noqa: B008, which keeps nothing but its directory's name
    ) -> None:
        wasm, origin = read_source(component, limits)
        settings = Settings(
            limits=limits,
            policy=policy,
            quotas=quotas,
            files=files_of(files or {}),
            providers=providers_of(providers or {}),
            reuse=reuse_of(instances, reuse),
            workers=workers,
            is_pure=pure,
        )
        path = None if isinstance(component, bytes) else os.path.abspath(origin)
        super().__init__(Travelling(here.keep(wasm), path, settings.pickled(), cache))

    # ---- calls

    def __call__(self, name: str, *args: Any) -> Any:
        """Calls an export here, see `Instance.call`, on an event loop of this thread.

        Errors: those of `Instance.call` and `Host.open`, RuntimeError where an event loop runs already.
        """
        return here.run(self.call_async, name, *args)

    async def call_async(self, name: str, *args: Any) -> Any:
        """As a call, on the running event loop, which keeps the instances until it ends or `close_async`."""
        return await here.pool_of(self).call(name, *args)

    def bind(self, name: str) -> Bound:
        """An export as a small callable, which can be pickled: for executors, joblib, Dask and Ray.

        Errors: LookupError for an unknown name; UnsupportedTypeError for a function that takes or gives what stays in
        its process: streams, futures and resources; those of `Host.load`.
        """
        return Bound(self, signature.check_travels(here.reflected(self), name))

    def map(self, name: str, *iterables: Iterable[Any], **options: Any) -> Generator[Any, None, None]:
        """Calls an export with the items of the iterables; the options are those of `Bound.map`."""
        return self.bind(name).map(*iterables, **options)

    # ---- what a process keeps

    def load(self) -> None:
        """Loads the component in this process now, and not when it is first called. Errors: as of `Host.load`."""
        here.load(self)

    def with_bytes(self) -> Component:
        """The same job, which is pickled with the bytes of its component: to be sent once to each worker.

        `ProcessPoolExecutor(initializer=job.with_bytes().load)`, `ray.put(job.with_bytes())`. What comes out there is a
        job without.
        """
        job = _made(self.travelling)
        job.carries_bytes = True
        return job

    def close(self) -> None:
        """Closes the instances that this thread keeps for the job."""
        here.run(self.close_async)

    async def close_async(self) -> None:
        """Closes those of the running event loop, once their calls have ended."""
        await here.close_pool_of(self)

    # ---- pickling

    def __reduce__(self) -> tuple[Any, ...]:
        if self.carries_bytes:
            return _restored_with, (here.bytes_of(self), self.travelling)
        here.leave_bytes(self)
        return _restored, (self.travelling,)


_jobs: dict[str, Component] = {}
"""Those sent to this process, by key."""


def _made(travelling: Travelling) -> Component:
    job = Component.__new__(Component)
    Job.__init__(job, travelling)
    return job


def _restored(travelling: Travelling) -> Component:
    """The job that was pickled, which is mostly here already."""
    key = travelling.key
    found = _jobs.get(key)
    if found is None:
        found = _jobs[key] = _made(travelling)
    return found


def _restored_with(wasm: bytes, travelling: Travelling) -> Component:
    """The job that was pickled with the bytes of its component."""
    here.keep(wasm)
    return _restored(travelling)


class Bound(Frozen):
    """An export of a job, to be called with its arguments. Made by `Component.bind`."""

    job: Component
    name: str

    def __call__(self, *args: Any) -> Any:
        """Calls it in this thread: what the export returns or raises. Errors: as of `Component.__call__`."""
        return here.run(self.call_async, *args)

    async def call_async(self, *args: Any) -> Any:
        """As a call, on the running event loop: `client.map(job.bind(name).call_async, rows)` on a worker's of Dask."""
        async with here.pool_of(self.job).instance() as instance:
            return await self.call_in(instance, *args)

    async def call_in(self, instance: Instance, *args: Any) -> Any:
        """As a call, of this instance of the component."""
        return await instance.call(self.name, *args)

    def each(self, rows: Iterable[Any]) -> list[Any]:
        """Calls it with one row after another: the results. As a task it costs an engine what one call costs.

        Errors: the first that a call raises.
        """
        return here.run(self.each_async, rows)

    async def each_async(self, rows: Iterable[Any]) -> list[Any]:
        """The same on the running event loop."""
        return [await self.call_async(row) for row in rows]

    def map(
        self,
        *iterables: Iterable[Any],
        executor: Executor | None = None,
        executor_factory: Callable[[], Executor] | None = None,
        chunksize: int = 100,
        in_flight: int | None = None,
        return_exceptions: bool = False,
        progress: Callable[[int, int], object] | None = None,
        bar: bool = False,
    ) -> Generator[Any, None, None]:
        """Calls it with the items of the iterables, as `map` does, here or through an executor: the results in order.

        - `executor`: any of `concurrent.futures`, such as `client.get_executor()` of Dask.
        - `executor_factory`: a callable that makes one, and another one when a worker was lost. Then a pure job makes
          the calls under way again, and another job has a `LostWorker` for each of them.
        - `chunksize`: how many calls are one task; `in_flight`: how many tasks are submitted at a time, by default four
          for each core.
        - `return_exceptions`: what a call raises takes the place of its result; else the first is raised.
        - `progress`: called with the number of calls that have ended, and that of all (0 if it is not known).
          `bar`: shows a bar of tqdm.

        It begins with the first result that is asked for. If the iterator is closed, or the first exception raised, the
        calls under way are cancelled, on this machine in their workers too. Errors: LostWorker, MissingExtraError.
        """
        if executor is not None and executor_factory is not None:
            raise TypeError("map takes an executor or an executor_factory, not both")
        total = min(map(length_hint, iterables), default=0)
        with reporting(total, progress, bar) as advanced:
            run = MapRun(
                self.call_async,
                zip(*iterables, strict=False),
                chunksize,
                is_pure=self.job.settings.is_pure,
                executor=executor,
                factory=executor_factory,
                in_flight=in_flight,
                advanced=advanced,
            )
            with contextlib.closing(run.outcomes()) as outcomes:
                for error, result in outcomes:
                    if error is not None and not return_exceptions:
                        raise error
                    yield result if error is None else error
