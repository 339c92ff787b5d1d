"""Calls for which the whole guest waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from wasihost._component import ffi


class Suspension:
    """The call of a sync-typed function whose provider waits: the whole guest waits until it ends."""

    def __init__(self, task: asyncio.Future[Any], finish: Callable[[asyncio.Future[Any]], None]) -> None:
        self.task = task
        self._finish = finish
        self.continuation = ffi.Continuation(self._poll)

    def _poll(self, _env: int) -> bool:
        if not self.task.done():
            return False
        self._finish(self.task)
        return True
