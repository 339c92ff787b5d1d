"""`wasi:io/poll`, and the subjects that a guest can wait for.

Theory of operation. A pollable has no state: its subject says whether it is ready, each time it is asked, so a pollable
serves for ever. A subject asks for one call back from below, however many polls wait for it, and that call wakes all of
them; a poll that is given up is taken off the list, and the call back stays asked for. So a guest that polls the same
things round and round registers each of them once for each time that it was ready.

Of many subjects at once, those that read from a file descriptor are looked at by one poll(2).

While the call back is to come, the subject is watched, and a poll that waits takes it for not ready without a look: of
many connections only those are looked at where something happened. Any other look ends the watch, since it may find
the event of that call back.

A pollable is a child of its subject, which must not be dropped before it.
"""

from __future__ import annotations

import asyncio
import inspect
import select
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias, TypeVar

from wasihost._base.errors import GuestTrap
from wasihost._component.resources import ResourceError
from wasihost._component.values import may_wait

T = TypeVar("T")

MANY: Final = 16
"""Subjects for which a poll(2) takes less time than to look at each, which reads at once all that there is."""


class Parent:
    """A resource that must outlive others."""

    def __init__(self, parent: Parent | None = None) -> None:
        self._parent = parent
        self._children = 0
        if parent is not None:
            parent._children += 1

    def _released(self) -> None:
        """A child is gone."""
        self._children -= 1

    def _leave(self) -> None:
        """The guest drops this, which it may do once the children are gone."""
        if self._children:
            raise ResourceError(f"the {type(self).__name__} resource still has {self._children} children")
        if self._parent is not None:
            self._parent._released()


class Subject(Parent):
    """A subject that a guest can subscribe to: the parent of its pollables."""

    def __init__(self, parent: Parent | None = None) -> None:
        super().__init__(parent)
        self._waiters: dict[Callable[[], None], None] = {}
        self._is_watched = False

    @abstractmethod
    def _is_ready(self) -> bool:
        """Whether an operation is worth a try."""

    def _polled(self) -> int | None:
        """The file descriptor by which poll(2) knows whether this is ready; None: only `_is_ready` says."""
        return None

    @abstractmethod
    def _watch(self) -> None:
        """Asks for one call of `_changed`, when `_is_ready` may be true."""

    def _changed(self) -> None:
        self._is_watched = False
        waiters = self._waiters
        self._waiters = {}
        for callback in waiters:
            callback()

    def _when_ready(self, then: Callable[[], T | Awaitable[T]]) -> T | Awaitable[T]:
        """The result of `then`, called as soon as this is ready."""
        return then() if self._is_ready() else self._once_ready(then)

    async def _once_ready(self, then: Callable[[], T | Awaitable[T]]) -> T:
        await _one_of([self])
        result = then()
        return await result if inspect.isawaitable(result) else result


async def _changed_one_of(subjects: Sequence[Subject]) -> None:
    """Returns when one of these may have become ready."""
    event = asyncio.Event()
    wake = event.set
    for subject in subjects:
        subject._waiters[wake] = None
        if not subject._is_watched:
            subject._is_watched = True
            subject._watch()
    try:
        await event.wait()
    finally:
        for subject in subjects:
            subject._waiters.pop(wake, None)


class Pollable:
    """WIT: `resource pollable`."""

    __slots__ = ("subject",)

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        subject._children += 1

    def ready(self) -> bool:
        """WIT: `ready: func() -> bool`."""
        return self.subject._is_ready()

    @may_wait
    def block(self) -> Awaitable[None] | None:
        """WIT: `block: func()`."""
        return self.subject._when_ready(lambda: None)

    def drop(self) -> None:
        """The subject may be dropped, if this was the last."""
        self.subject._released()


_Pollable: TypeAlias = Pollable  # `Poll` has an attribute of that name


class Poll:
    """`wasi:io/poll`."""

    Pollable = Pollable

    @may_wait
    def poll(self, in_: Sequence[_Pollable]) -> list[int] | Awaitable[list[int]]:
        """WIT: `poll: func(in: list<borrow<pollable>>) -> list<u32>`.

        The indices of those that are ready, in ascending order, at least one. An empty list is a trap.
        """
        if not in_:
            raise GuestTrap("poll: empty poll list")
        subjects = [pollable.subject for pollable in in_]
        ready = _ready(subjects)
        if not ready:
            return _one_of(subjects)
        return sorted(ready + _ready(subjects, watched=True))


def _ready(subjects: Sequence[Subject], *, watched: bool = False) -> list[int]:
    """The indices of those that are ready, of those that are watched or of the others."""
    asked = [(index, subject) for index, subject in enumerate(subjects) if subject._is_watched is watched]
    if len(asked) >= MANY:
        return _ready_of_many(asked)
    return [index for index, subject in asked if subject._is_ready()]


def _ready_of_many(subjects: Sequence[tuple[int, Subject]]) -> list[int]:
    ready = []
    polled: dict[int, list[int]] = {}
    for index, subject in subjects:
        fd = subject._polled()
        if fd is not None:
            polled.setdefault(fd, []).append(index)
        elif subject._is_ready():
            ready.append(index)
    poller = select.poll()
    for fd in polled:
        poller.register(fd, select.POLLIN)
    for fd, _ in poller.poll(0):
        ready += polled[fd]
    return sorted(ready)


async def _one_of(subjects: Sequence[Subject]) -> list[int]:
    """The indices of those that are ready, once one is; none was a moment ago."""
    while True:
        await _changed_one_of(subjects)
        if ready := _ready(subjects):
            return ready
