"""What the engines need beside `Bound`; they are imported when they are used."""

from __future__ import annotations

from typing import Any

from wasihost._jobs.component import Bound, Component

RETRIES = 3
"""How often a task of Ray is made again whose worker was lost, if it may be; Ray's own default."""


def DaskPlugin(job: Component) -> Any:
    """A `distributed.WorkerPlugin` that brings the job's component to each worker once, and loads it there.

    `client.register_plugin(DaskPlugin(job))`. Then `client.map(job.bind(name).call_async, rows)` makes the calls on the
    workers' own loops, and `client.map(job.bind(name), rows)` in their threads, one at a time in each.
    """
    from wasihost._jobs.dask import Plugin

    return Plugin(job)


def ray_task(bound: Bound, *, each: bool = False, **options: Any) -> Any:
    """The export as a remote function of Ray: `ray.get([task.remote(row) for row in rows])`.

    The component's bytes go with it once to each worker. It is made again after its worker was lost only if the job is
    pure. With `each` it takes a list of rows, as `Bound.each` does. `options` are those of `ray.remote`.
    """
    import ray

    carried = type(bound)(bound.job.with_bytes(), bound.name)

    def call(*args: Any) -> Any:
        return carried.each(*args) if each else carried(*args)

    call.__qualname__ = bound.name  # which Ray's messages show
    return ray.remote(**{"max_retries": RETRIES if bound.job.settings.is_pure else 0, **options})(call)
