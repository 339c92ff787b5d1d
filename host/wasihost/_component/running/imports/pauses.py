"""Pauses between the calls of a guest that makes many without waiting for any."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

from wasihost._component.running.machine import Machine
from wasihost._component.running.streams.handles import discard
from wasihost._component.world import types
from wasihost._component.world.wiring import Adapted

CALLS_IN_ROUND = 1000
"""Async calls that a guest can make without waiting for any, up to twice as many of them in one round."""


class Pauses:
    """Counts the async calls of one instance."""

    def __init__(self, instance: Machine) -> None:
        self._instance = instance
        self._rounds = 0
        self._calls_in_round = 0

    def is_due(self) -> bool:
        """Whether the guest has made so many calls without a pause that it shall wait for once.

        The task behind a call that ends at once ends only after a round: the guest would fill the store with them.
        """
        self._calls_in_round += 1
        if self._calls_in_round <= CALLS_IN_ROUND:
            return False
        before = self._rounds
        self._rounds = self._instance.rings.rounds
        if before != self._rounds:
            self._calls_in_round = 0
        return before == self._rounds


async def put_off(adapted: Adapted, method: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """Calls the provider in the next pass of the event loop."""
    try:
        await asyncio.sleep(0)
    except asyncio.CancelledError:
        discard(types.Tuple(tuple(t for _, t in adapted.func.params)), args)
        raise
    result = method(*args)
    return await result if inspect.isawaitable(result) else result
