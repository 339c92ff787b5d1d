"""Instances for programs without an event loop: one that runs only while a call is under way."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, Generic, TypeVar, cast

from wasihost._base.errors import GuestExit
from wasihost._base.pickling import OfOneProcess
from wasihost._component.instance import E, Instance
from wasihost._component.running.loop import event_loop, interrupts
from wasihost._component.values import WitError

T = TypeVar("T")
INSTEAD = "async with host.open(component)"


class SyncInstance(OfOneProcess, Generic[E]):
    """An instance whose calls return when they are done. Made by `Host.open_sync`.

    It belongs to the thread that opened it. Its event loop runs only while a call does: work that the guest
    has begun goes on with the next one.
    """

    _instead = "open one in each process, and pickle what its calls return"

    def __init__(
        self, instance: Instance, runner: asyncio.Runner, make_exports: Callable[[SyncInstance], E] | None
    ) -> None:
        self._instance = instance
        self._runner = runner
        self._make_exports = make_exports
        self._thread = threading.get_ident()
        instance.wait_with(self.run)

    def __repr__(self) -> str:
        return repr(self._instance).replace("<", "<Sync", 1)

    def call(self, name: str, *args: Any, timeout: float | None = None) -> Any:
        """Calls an export, as `Instance.call` does, and gives its result. Errors: as there."""
        self._check()
        return self.run(self._instance.call(name, *args, timeout=timeout))

    @cached_property
    def exports(self) -> E:
        """The exports as attributes: `instance.exports.api.divide(7, 2)`, see `Instance.exports`."""
        if self._make_exports is not None:
            return self._make_exports(self)
        from wasihost._component.running.exports.names import Exported

        return cast(E, Exported(self.call, self._instance.names))

    def use_types(self, interface: str, wit_types: Mapping[str, Any]) -> None:
        """Gives an exported interface your own classes, see `Instance.use_types`."""
        self._instance.use_types(interface, wit_types)

    def run(self, awaitable: Awaitable[T]) -> T:
        """Waits for a stream or a future that a call gave: `instance.run(stream.read())`."""
        self._check()
        with interrupts.restoring():
            return self._runner.run(_result(awaitable), context=contextvars.copy_context())

    def _check(self) -> None:
        event_loop.check_none_runs(INSTEAD)
        if threading.get_ident() != self._thread:
            raise RuntimeError("this instance was opened in another thread: call it there, or open one in this thread")
        if self._instance.is_closed:
            from wasihost._component.running.exports.calls import closed  # which takes long to import

            raise closed()


async def _result(awaitable: Awaitable[T]) -> T:
    return await awaitable


@contextlib.contextmanager
def opened(
    manager: contextlib.AbstractAsyncContextManager[Instance], exports: Callable[[SyncInstance], E] | None
) -> Iterator[SyncInstance[E]]:
    """The instance of a manager, entered and left on an event loop of its own."""
    with interrupts.restoring(), asyncio.Runner() as runner:
        instance = runner.run(_result(manager.__aenter__()))
        try:
            yield SyncInstance(instance, runner, exports)
            runner.run(instance.drain())
        except BaseException as error:
            if isinstance(error, GuestExit | WitError):
                runner.run(instance.drain())
            runner.run(_result(manager.__aexit__(type(error), error, error.__traceback__)))
            raise
        runner.run(_result(manager.__aexit__(None, None, None)))
