"""`Instance`: a component that runs, as its users see it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextvars import Context
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from wasihost._base.pickling import OfOneProcess
from wasihost._base.quoting import line

if TYPE_CHECKING:
    import typing_extensions

    from wasihost._component.running.exports.names import Tree
    from wasihost._component.running.store_machine import StoreMachine  # which takes long to import
    from wasihost._component.world.wiring import Called

    E = typing_extensions.TypeVar("E", default=Any)
else:
    E = TypeVar("E")


class Instance(OfOneProcess, Generic[E]):
    """A component that runs; everything happens on one event loop, in one thread. Made by `Host.open`."""

    _instead = "open one in each process, and pickle what its calls return"

    _make_exports: Callable[[Instance], E] | None = None

    def __init__(self, machine: StoreMachine, origin: str) -> None:
        self._machine = machine
        self._calls = machine.guest_calls  # which the machine lets go of when it is closed
        self._origin = origin

    def __repr__(self) -> str:
        state = "running" if self.is_usable else "closed" if self.is_closed else "ended"
        return f"<Instance of {self._origin}, {state}>"

    @cached_property
    def exports(self) -> E:
        """The exports as attributes: `await instance.exports.api.divide(7, 2)` calls `my:pkg/api#divide`.

        An interface has its last name, with that of its package where two are called the same; names are in the form of
        Python. An object of the guest's resources has its methods, and `exports.api.Counter.new(1)` makes one. With
        `Host.open(exports=...)`, and a class that `wasihost stubs` wrote, all of it is typed.
        """
        if self._make_exports is not None:
            return self._make_exports(self)
        from wasihost._component.running.exports.names import Exported

        return cast(E, Exported(self.call, self.names))

    @property
    def names(self) -> Tree:
        """The paths of the exports by their names in Python, as `exports` has them."""
        return self._calls.names

    def wait_with(self, wait: Callable[[Any], Any]) -> None:
        """The methods of the guest's resources return when this has waited for their results."""
        self._machine.guest_calls.wait = wait

    def use_exports(self, make: Callable[[Instance], E]) -> None:
        """Gives `exports` a class of your own, as `Host.open(exports=...)` does."""
        self._make_exports = make

    def call(self, name: str, *args: Any, timeout: float | None = None) -> Coroutine[Any, Any, Any]:
        """Calls an export by its WIT path, `ns:pkg/iface@1.2.3#func`, or `func` for one outside of any interface.

        The export is found in that version, else in the newest compatible one; without a version, in the newest. A
        `result` comes back as its ok value; err raises `WitError`. Many calls may be under way at once; cancelling one
        cancels only that one. For a stream or future pass what a provider may return; it is closed when the guest drops
        it, or when the call is not made. Those that come back are a `GuestStream` and an awaitable.

        After `timeout` seconds the call is cancelled, and raises TimeoutError; the instance goes on.

        Errors: TypeError for wrong arguments, LookupError for an unknown name, RuntimeError when the instance is closed
        or was opened in another event loop, ForkError in a process that was forked from its own, GuestTrap, GuestExit,
        and whatever a provider raised.
        """
        call = self._calls.call(name, args)
        return call if timeout is None else _within(timeout, name, call)

    def begin_call(self, name: str, *args: Any) -> asyncio.Future[Any]:
        """As `call`, but the guest's task goes on when the future is cancelled: what it returns is dropped.

        Errors: those of a call that is not made; the others are in the future.
        """
        return self._calls.begin_call(name, args)

    def use_types(self, interface: str, wit_types: Mapping[str, Any]) -> None:
        """Gives an exported interface your own classes, by WIT name, as a provider's `wit_types` does for an import.

        What comes back from now on is of these; the class for a resource of the guest must be a `GuestResource`.
        Errors: LinkError for a class that does not fit its type, LookupError for an unknown interface.
        """
        self._calls.use_types(interface, wit_types)

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
    def is_closed(self) -> bool:
        """Whether `close` was called, or the context that it was opened in has ended."""
        return self._machine.closing

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


async def _within(seconds: float, name: str, call: Coroutine[Any, Any, Any]) -> Any:
    scope = asyncio.timeout(seconds)
    try:
        async with scope:
            return await call
    except TimeoutError:
        if scope.expired():
            raise TimeoutError(line(f"{name} did not return within {seconds} s")) from None
        raise


def called_by(instance: Instance, name: str) -> Called:
    """The export that `Instance.call` calls by this name, with its types: no part of the public interface."""
    return instance._machine.guest_calls.find(name)
