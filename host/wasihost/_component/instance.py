"""`Instance`: a component that runs, as its users see it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from contextvars import Context
from typing import TYPE_CHECKING, Any

from wasihost._base.pickling import OfOneProcess

if TYPE_CHECKING:  # to import wasihost shall not take the time of the machine
    from wasihost._component.running.store_machine import StoreMachine


class Instance(OfOneProcess):
    """A component that runs; everything happens on one event loop, in one thread. Made by `Host.open`."""

    _instead = "open one in each process, and pickle what its calls return"

    def __init__(self, machine: StoreMachine) -> None:
        self._machine = machine

    def call(self, name: str, *args: Any) -> Coroutine[Any, Any, Any]:
        """Calls an export by its WIT path, `ns:pkg/iface@1.2.3#func`, or `func` for one outside of any interface.

        The export is found in that version, else in the newest compatible one; without a version, in the newest. A
        `result` comes back as its ok value; err raises `WitError`. Many calls may be under way at once; cancelling one
        cancels only that one. For a stream or future pass what a provider may return; it is closed when the guest drops
        it, or when the call is not made. Those that come back are a `GuestStream` and an awaitable.

        Errors: TypeError for wrong arguments, LookupError for an unknown name, RuntimeError when the instance is closed
        or was opened in another event loop, ForkError in a process that was forked from its own, GuestTrap, GuestExit,
        and whatever a provider raised.
        """
        return self._machine.guest_calls.call(name, args)

    def begin_call(self, name: str, *args: Any) -> asyncio.Future[Any]:
        """As `call`, but the guest's task goes on when the future is cancelled: what it returns is dropped.

        Errors: those of a call that is not made; the others are in the future.
        """
        return self._machine.begin_call(name, args)

    def use_types(self, interface: str, wit_types: Mapping[str, type]) -> None:
        """Gives an exported interface your own classes, by WIT name, as a provider's `wit_types` does for an import.

        What comes back from now on is of these; the class for a resource of the guest must be a `GuestResource`.
        Errors: LinkError for a class that cannot stand for its type, LookupError for an unknown interface.
        """
        self._machine.use_types(interface, wit_types)

    async def drain(self) -> None:
        """Waits until all that the guest wrote before it ended has left, unless the other side takes no more.

        Errors: what a provider raises meanwhile, GuestTimeout, ForkError.
        """
        await self._machine.drain()

    async def close(self) -> None:
        """Ends the component, whatever it is doing, and closes all that it held, also when cancelled meanwhile.

        In a process that was forked meanwhile it does nothing: sockets and streams are the parent's too.
        """
        await self._machine.close()

    @property
    def is_usable(self) -> bool:
        """Whether its exports can still be called: it is not closed, and nothing has ended it."""
        return self._machine.failure is None and not self._machine.closing

    def fail(self, error: BaseException) -> None:
        """Ends the instance with this exception. May be called in any thread."""
        self._machine.fail_from_any_thread(error)

    @property
    def context(self) -> Context:
        """The context (`contextvars`) in which the guest runs now."""
        return self._machine.caller_context

    def use_context(self) -> None:
        """From now on the guest runs in the caller's context, as if the caller had opened the instance."""
        self._machine.open_here()
