"""What the parts of an instance need of it: the seam between `StoreMachine` and its calls and pumps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextvars import Context
from typing import Any, Protocol

from wasihost._base.limits import Limits
from wasihost._component.conversion.handles import CallContext
from wasihost._component.running.stats import Stats
from wasihost._component.running.streams.blocks import Block
from wasihost._component.running.streams.rings import Rings
from wasihost._component.world.wiring import Kind


class Machine(CallContext, Protocol):
    """An instance, as its calls and pumps see it."""

    rings: Rings
    stats: Stats
    limits: Limits
    waiting: set[object]
    """Everything that waits for the outside world."""
    relayed: Mapping[int, Kind]
    """The kinds of futures that the relay component reads."""
    closing: bool
    failure: BaseException | None
    """What has stopped the guest for good; in a process that was forked meanwhile, that it is the parent's."""
    loop: asyncio.AbstractEventLoop | None
    """The only event loop in which it may be called: its state has no locks."""

    @property
    def can_be_resumed(self) -> bool:
        """Whether a task of the guest may wait for something outside of it, or has been told of it in this poll."""

    def run_first(self, context: Context, is_alone: bool) -> None:
        """The guest runs a call with this context up to its first wait."""

    def run_later(self) -> None:
        """The guest runs anything else."""

    def wake(self) -> None:
        """There is something to do: polls again."""

    def run(self, ready: Callable[[], None]) -> None:
        """Runs what an event made ready, from a callback of the event loop that has nothing else to do."""

    def fail(self, error: BaseException) -> None:
        """Ends the instance with this exception."""

    def time_call(self, call: asyncio.Future[Any]) -> None:
        """The guest begins to run a call of an export, whose time counts from now on."""

    def returned(self) -> None:
        """A call of an export has ended: its waiter can go on. Errors: ForkError in the child of a fork."""

    def start_task(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Runs a provider's coroutine."""

    def started(self, task: asyncio.Task[Any]) -> None:
        """A provider's coroutine runs in the event loop, and is cancelled when the instance is closed."""

    def opened(self, pump: Any) -> None:
        """A pump has begun."""

    def closed(self, pump: Any) -> None:
        """It has ended."""

    def drained(self) -> None:
        """An incoming pump holds no bytes any more."""

    def place_values(self, number: int, values: Sequence[Any], block: Block) -> tuple[int, int]:
        """Writes values of a kind without handles into a block, in their memory form; gives pointer and count.

        Errors: NoRoom; any other exception if they are not of the type.
        """

    def take_values(self, token: int, values: Sequence[Any]) -> None:
        """The next `take` of this token gives these values."""

    def untaken_values(self, token: int, kind: Kind) -> None:
        """There will be no `take`: closes what these values hold."""

    def await_future(self, number: int, end: int, resolved: Callable[[list[Any]], None]) -> None:
        """Has the relay component read a future of a kind in `relayed`, which takes the end over."""

    def expect_values(self, token: int, callback: Callable[[list[Any]], None]) -> None:
        """The next `give` of this token calls back."""
