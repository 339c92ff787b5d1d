"""One call of an export, and the guest's own resources that go in and out with it."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from typing import Any, Protocol

from wasihost._base.pickling import OfOneProcess
from wasihost._component.conversion.handles import Refused
from wasihost._component.running.streams import incoming
from wasihost._component.running.streams.handles import discard, leaves
from wasihost._component.world import types
from wasihost._component.world.wiring import Called, Kind


class Calls(Protocol):
    """What a resource needs of the calls of its instance."""

    async def call(self, name: str, args: tuple[Any, ...]) -> Any:
        """Calls an export."""

    def drop_resource(self, resource: types.Resource, handle: int) -> None:
        """The guest's resource goes away."""


class GuestCall:
    """One call, from `call` to its result."""

    handle = 0
    """Of the subtask, once the driver component has told it."""
    room = 0
    """Bytes that the driver component was asked for, for arguments and the lists of numbers in them."""
    is_made = False
    lent: list[GuestResource] | None = None
    given: list[GuestResource] | None = None
    offered: dict[int, tuple[Kind, Any]] | None = None
    """What stands for a stream or future in the arguments, by its key in them, until it has a pump."""
    home: list[incoming.Reader | incoming.FutureReader] | None = None
    """Ends of the guest's that go back to it."""

    def __init__(self, called: Called, args: tuple[Any, ...], future: asyncio.Future[Any], token: int) -> None:
        self.called, self.args, self.future, self.token = called, args, future, token
        self.context = contextvars.copy_context()

    def lend(self, resource: GuestResource) -> int:
        """The handle of a resource that the guest may use until the call is over."""
        handle = resource._lend()
        self.lent = [*(self.lent or ()), resource]
        return handle

    def give(self, resource: GuestResource) -> int:
        """The handle of a resource that is the guest's from now on."""
        handle = resource._give()
        self.given = [*(self.given or ()), resource]
        return handle

    def return_resources(self) -> None:
        """The guest uses the resources no more that it was lent."""
        lent, self.lent = self.lent, None
        for resource in lent or ():
            resource._returned()

    def give_up(self) -> None:
        """The call will not be made: its resources stay ours, its streams and futures are closed."""
        self.return_resources()
        for resource in self.given or ():
            resource._taken_back()
        self.context.copy().run(close_streams, self.called, self.args)

    def fail(self) -> None:
        """The instance is over."""
        self.lent = None
        if not self.is_made:
            self.give_up()
        for kind, obj in (self.offered or {}).values():
            self.context.copy().run(discard, kind, obj)


def close_streams(called: Called, args: tuple[Any, ...]) -> None:
    """Closes the streams and futures in the arguments of a call that is not made."""
    with contextlib.suppress(AttributeError, TypeError):  # arguments that are not of their types
        for leaf, obj in leaves(called.whole, args):
            if isinstance(leaf, Kind):
                discard(leaf, obj)


class GuestResource(OfOneProcess):
    """An object of a resource that the guest defines; `close` drops it."""

    _instead = "it is in the memory of its guest; pickle what its methods return"

    def __init__(self, calls: Calls, resource: types.Resource, handle: int) -> None:
        self._calls, self._resource, self._handle = calls, resource, handle
        self._closed = False
        self._users = 0

    def __repr__(self) -> str:
        return f"<{self._resource.name} of a guest{', closed' if self._closed else ''}>"

    def close(self) -> None:
        """Drops the guest's resource, after the calls under way that use it. Closing again does nothing."""
        if not self._closed:
            self._closed = True
            self._drop_unused()

    def _drop_unused(self) -> None:
        # The guest would trap if what it was lent went away.
        if self._closed and not self._users:
            self._calls.drop_resource(self._resource, self._handle)

    # ---- for GuestCalls; with underscores, since subclasses have the methods of WIT

    async def _call(self, path: str, *args: Any) -> Any:
        """Calls an export of the same instance."""
        return await self._calls.call(path, args)

    def _is_of(self, calls: Calls, resource: types.Resource) -> bool:
        """Whether it belongs to that instance and type."""
        return calls is self._calls and resource is self._resource

    def _lend(self) -> int:
        """The handle, in use until `_returned`."""
        self._check()
        self._users += 1
        return self._handle

    def _returned(self) -> None:
        self._users -= 1
        self._drop_unused()

    def _give(self) -> int:
        """The handle, which is the guest's again."""
        self._check()
        if self._users:
            raise Refused(self, f"{self!r}, which is in use by a call and cannot be given away")
        self._closed = True
        return self._handle

    def _taken_back(self) -> None:
        self._closed = False

    def _check(self) -> None:
        if self._closed:
            raise Refused(self, f"{self!r}, which cannot be used any more")
