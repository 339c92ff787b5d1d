"""The limit of time of a run or a call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Deadline:
    """Calls `late` after so many seconds, unless it was cancelled before."""

    def __init__(self, seconds: float, late: Callable[[], None]) -> None:
        self._late = late
        self._handle: asyncio.Handle = asyncio.get_running_loop().call_later(seconds, self._due)

    def _due(self) -> None:
        # Others may have kept the event loop: a guest that can run gets one more turn, in which it may end.
        self._handle = asyncio.get_running_loop().call_soon(self._late)

    def cancel(self) -> None:
        """The run or call has ended."""
        self._handle.cancel()
