"""Jobs on the workers of Dask."""

from __future__ import annotations

import asyncio

from distributed import Worker, WorkerPlugin

from wasihost._jobs.component import Component


class Plugin(WorkerPlugin):
    """Loads the component of a job in each worker, also in those that come later."""

    idempotent = True

    def __init__(self, job: Component) -> None:
        self.name = f"wasihost-{job.key}"
        self._job = job.with_bytes()

    async def setup(self, worker: Worker) -> None:
        """In a thread: a worker that does not answer while it compiles is taken for lost."""
        await asyncio.to_thread(self._job.load)

    async def teardown(self, worker: Worker) -> None:
        """Closes the instances of the worker's loop."""
        await self._job.close_async()
