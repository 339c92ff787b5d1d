"""Tables of Arrow as the rows of jobs."""

from __future__ import annotations

from typing import Any

from wasihost._arrow import calls
from wasihost._component.adapt import wiring_of
from wasihost._component.instance import Instance
from wasihost._jobs import here
from wasihost._jobs.component import Bound, Component


class BoundToTables(Bound):
    """An export of a job that takes a table and gives one. Made by `wasihost.arrow.bind`."""

    async def call_in(self, instance: Instance, *args: Any) -> Any:
        if len(args) != 1:
            raise TypeError(f"{self.name} takes one table, not {len(args)} arguments")
        return await calls.call(instance, self.name, *args)


def bind(job: Component, name: str) -> BoundToTables:
    """An export as a small callable from table to table, as `job.bind` makes one of values; see `call`.

    Errors: LookupError, UnsupportedTypeError for a function that takes or gives no table; those of `Host.load`.
    """
    called = wiring_of(here.reflected(job)).find(name)
    calls.convention_of(called)
    return BoundToTables(job, called.path)


class RayBatches:
    """A callable class for `Dataset.map_batches` of Ray, of which each actor makes one.

    `dataset.map_batches(RayBatches, fn_constructor_args=(job, "my:pkg/api#score"), concurrency=2)`, with
    `job.with_bytes()` for workers on other machines. Batches may be in each of Ray's formats; "pyarrow" needs no
    conversion.
    """

    def __init__(self, job: Component, name: str) -> None:
        self._bound = bind(job, name)

    def __call__(self, batch: Any) -> Any:
        """The table that the export makes of a batch."""
        return self._bound(batch)
