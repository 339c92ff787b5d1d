"""A future for functions that take a callback."""

from __future__ import annotations

import asyncio


class Called(asyncio.Future[None]):
    """A future of the running event loop that resolves when it is called; later calls do nothing."""

    def __call__(self) -> None:
        if not self.done():
            self.set_result(None)
