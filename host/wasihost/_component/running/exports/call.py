"""One call of an export."""

from __future__ import annotations

import asyncio
import contextlib
from contextvars import copy_context
from typing import Any

from wasihost._component.running.exports.resources import GuestResource
from wasihost._component.running.exports.states import NOT_MADE, OVER, QUEUED
from wasihost._component.running.streams import incoming
from wasihost._component.running.streams.handles import discard, leaves
from wasihost._component.world.wiring import Called, Kind


class GuestCall:
    """One call, from `call` to its result."""

    state = QUEUED
    handle = 0
    """Of the subtask, from `waiting` on."""
    room = 0
    """Bytes that the driver component makes for arguments and what they point to, from `making room` on."""
    goes_on = False
    """Whether the guest's task goes on when the future is cancelled."""
    lent: list[GuestResource] | None = None
    given: list[GuestResource] | None = None
    offered: dict[int, tuple[Kind, Any]] | None = None
    """The stand-in of a stream or future in the arguments, by its key in them, until it has a pump."""
    home: list[incoming.Reader | incoming.FutureReader] | None = None
    """Ends of the guest's that go back to it."""

    def __init__(self, called: Called, args: tuple[Any, ...], future: asyncio.Future[Any], token: int) -> None:
        self.called = called
        self.args = args
        self.future = future
        self.token = token
        self.context = copy_context()

    def lend(self, resource: GuestResource) -> int:
        """The handle of a resource that the guest may use until the call ends."""
        handle = resource._lend()
        self.lent = [*(self.lent or ()), resource]
        return handle

    def give(self, resource: GuestResource) -> int:
        """The handle of a resource that is the guest's from now on."""
        handle = resource._give()
        self.given = [*(self.given or ()), resource]
        return handle

    def end(self) -> None:
        """The guest has returned, or confirmed that the call is cancelled."""
        self.state = OVER
        if self.lent is not None:
            self._return_resources()

    def take_back(self) -> None:
        """The call will not be made: its resources stay ours, its streams and futures are closed."""
        self.state = OVER
        self._return_resources()
        for resource in self.given or ():
            resource._taken_back()
        self.context.copy().run(close_streams, self.called, self.args)

    def fail(self) -> None:
        """The instance has ended."""
        self.lent = None
        if self.state in NOT_MADE:
            self.take_back()
        else:
            self.state = OVER
        for kind, obj in (self.offered or {}).values():
            self.context.copy().run(discard, kind, obj)

    def _return_resources(self) -> None:
        lent = self.lent
        self.lent = None
        for resource in lent or ():
            resource._returned()


def close_streams(called: Called, args: tuple[Any, ...]) -> None:
    """Closes the streams and futures in the arguments of a call that is not made."""
    with contextlib.suppress(AttributeError, TypeError):  # arguments that are not of their types
        for leaf, obj in leaves(called.whole, args):
            if isinstance(leaf, Kind):
                discard(leaf, obj)
