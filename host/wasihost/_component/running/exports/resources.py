"""The guest's own resources, as Python holds them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from wasihost._base.pickling import OfOneProcess
from wasihost._component.conversion.handles import Refused
from wasihost._component.world import types

T = TypeVar("T")


class Calls(Protocol):
    """What a resource needs of the calls of its instance."""

    wait: Callable[[Any], Any] | None
    """Waits for a call, in a program without an event loop."""

    async def call(self, name: str, args: tuple[Any, ...]) -> Any:
        """Calls an export."""

    def method_path(self, resource: types.Resource, name: str) -> str | None:
        """The path of a method, by its name in Python."""

    def drop_resource(self, resource: types.Resource, handle: int) -> None:
        """The guest's resource goes away."""


class GuestResource(OfOneProcess):
    """An object of a resource that the guest defines, with its methods; `close` drops it, and so does `with`."""

    _instead = "it is in the memory of its guest; pickle what its methods return"

    def __init__(self, calls: Calls, resource: types.Resource, handle: int) -> None:
        self._calls = calls
        self._resource = resource
        self._handle = handle
        self._closed = False
        self._users = 0

    def __repr__(self) -> str:
        return f"<{self._resource.name} of a guest{', closed' if self._closed else ''}>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        path = self._calls.method_path(self._resource, name)
        if path is None:
            raise AttributeError(f"the resource {self._resource.name} of a guest has no method {name!r}")
        return functools.partial(self._call if self._calls.wait is None else self._call_now, path, self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.close()

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

    async def _call(self, path: str, *args: Any) -> T:
        """Calls an export of the same instance."""
        result: T = await self._calls.call(path, args)
        return result

    def _call_now(self, path: str, *args: Any) -> T:  # type: ignore[type-var] # the caller has the type
        """The same, and waits for the result."""
        assert self._calls.wait is not None
        result: T = self._calls.wait(self._call(path, *args))
        return result

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
