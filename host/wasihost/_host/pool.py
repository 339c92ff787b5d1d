"""A pool of instances of one component, for servers: an instance for each request, or for several.

With one request each, which is the default, no request sees data that another left in the guest's memory. A guest that
traps takes nothing with it but the requests of its own instance.

Theory of operation. An instance has places for requests: `at_once` at a time, and `reuse` in all. A request without a
place waits in line, and stays there until it has taken one: so none overtakes it. An instance without places to come is
closed by the last request that leaves it, or if there is none by a task.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from types import TracebackType
from typing import Any, Final, Generic, TypeAlias, Unpack

from wasihost._base import forks
from wasihost._base.errors import LimitError
from wasihost._base.frozen import Frozen
from wasihost._base.pickling import OfOneProcess
from wasihost._component.instance import E, Instance
from wasihost._component.running.loop import event_loop
from wasihost._component.values import WitError
from wasihost._host.settings import Given
from wasihost._host.source import ComponentSource

Manager: TypeAlias = contextlib.AbstractAsyncContextManager[Instance[E]]
CLOSED = "this pool is closed"
ELSEWHERE = "this pool was made in another event loop: use it there, or make one in this loop"
FORKED = "this pool was opened in the process that this one was forked from: open one in this process"
_LONG_S: Final = 5
"""A close that takes longer is logged."""
_log: Final = logging.getLogger("wasihost.pool")


class PoolOptions(Frozen):
    """How many instances a pool has, and how many requests they serve; see `Host.pool`."""

    size: int
    min_ready: int
    max_waiting: int | None
    reuse: int
    at_once: int
    idle_s: float | None

    def check(self) -> None:
        """Errors: ValueError."""
        counts = 0 <= self.min_ready <= self.size and min(self.size, self.reuse, self.at_once) >= 1
        if not counts or (self.max_waiting or 0) < 0 or (self.idle_s or 0) < 0:
            given = " ".join(f"{name}={getattr(self, name)!r}" for name in self.__match_args__)
            raise ValueError(
                "a pool needs 0 <= min_ready <= size; size, reuse and at_once >= 1; max_waiting and idle_s >= 0, "
                f"not {given}"
            )


class _Member(Generic[E]):
    """One instance of a pool."""

    def __init__(self, manager: Manager[E], left: int) -> None:
        self.manager = manager
        self.instance: Instance[E] | None = None  # until it is opened
        self.is_for_one = left == 1
        self.left = left  # how many requests it may still begin to serve
        self.serving = 0
        self.is_closing = False
        self.guest = 0
        self.idle_since = 0.0
        self.expiry: asyncio.TimerHandle | None = None  # which stays when a request comes, and looks again

    async def open(self) -> Instance[E]:
        self.instance = await self.manager.__aenter__()
        self.guest = getattr(self.manager, "number", 0)  # an OpenGuest has one
        return self.instance

    @property
    def is_usable(self) -> bool:
        return self.instance is not None and self.instance.is_usable


class Place(Generic[E]):
    """A place in an instance of a pool, until it ends: by `end`, or with a context. Made by `Pool.place`."""

    def __init__(self, pool: Pool[E], member: _Member[E], instance: Instance[E]) -> None:
        self._pool = pool
        self._member = member
        self.instance = instance

    @property
    def guest(self) -> int:
        """The number of its guest in a recording; 0: nothing records."""
        return self._member.guest

    async def __aenter__(self) -> Instance[E]:
        return self.instance

    async def __aexit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        await self.end(error)

    def leave(self) -> bool:
        """Gives it back; whether it was the last one of an instance, which is then for `close`."""
        return self._pool._leave(self._member, None)

    async def close(self) -> None:
        """Closes the instance."""
        await self._pool._close(self._member)

    async def end(self, error: BaseException | None = None) -> None:
        """Both, after a request that ended with this error."""
        if self._pool._leave(self._member, error):
            await self._pool._close(self._member, error)


class Pool(OfOneProcess, Generic[E]):
    """Instances of one component. Made by `Host.pool`; close it, or use it as a context manager."""

    _instead = "open one in each process, and pickle what its calls return"

    def __init__(
        self,
        opener: Callable[[ComponentSource], Callable[[Given], Manager[E]]],
        component: ComponentSource,
        options: PoolOptions,
    ) -> None:
        options.check()
        self._opener = opener
        self._open = opener(component)
        self._options = options
        self._context = contextvars.copy_context()
        self._ready: deque[_Member[E]] = deque()  # that have served nothing yet
        self._members: set[_Member[E]] = set()  # all others
        self._with_room: dict[_Member[E], None] = {}  # those of them that take more requests, the last one used last
        self._idle: set[_Member[E]] = set()  # those that serve nothing now
        self._line: deque[asyncio.Event] = deque()
        self._making: asyncio.Task[None] | None = None  # what makes instances ready, if it runs
        self._tasks: set[asyncio.Task[None]] = set()
        self._all_closed = asyncio.Event()
        self._closed = False
        self._loop = event_loop.running()
        self._forks = forks.count()
        self._refill()

    def __repr__(self) -> str:
        state = "closed" if self._closed else f"{self.in_use} of {self._options.size} in use, {self.ready} ready"
        return f"<Pool, {state}>"

    @property
    def in_use(self) -> int:
        """How many instances serve now, or are being closed."""
        return len(self._members) - len(self._idle)

    @property
    def ready(self) -> int:
        """How many are made and serve nothing now."""
        return len(self._ready) + len(self._idle)

    @property
    def waiting(self) -> int:
        """How many requests wait for an instance."""
        return len(self._line)

    @contextlib.asynccontextmanager
    async def instance(self, **given: Unpack[Given]) -> AsyncIterator[Instance[E]]:
        """An instance for one request: by default fresh, yours alone, and closed at the end.

        With `reuse` it may have served other requests, and with `at_once` it may serve others meanwhile. After a
        request that ended with an exception other than `WitError`, CancelledError included, it takes no more; those
        that it serves go on.

        `env`, `stdin`, `stdout` and `stderr` are for this request, instead of the host's, and `providers`
        beside the host's; it has a fresh instance then, which is opened for it.

        Waits while `size` instances serve all that they can. Errors: LimitError if too many wait already, RuntimeError
        if the pool is closed, TypeError for a wrong argument, ForkError in a process that was forked from its own, and
        those of opening.
        """
        async with await self.place(given) as instance:
            yield instance

    async def place(self, given: Given = Given()) -> Place[E]:  # noqa: B008, which nothing changes
        """As `instance`, for callers that end it themselves."""
        self._check_open()
        member = None if self._line else self._free_place(given)
        if member is None:
            member = await self._place_in_turn(given)
        instance = member.instance
        if instance is None:
            instance = await self._opened(member)
        elif member.is_for_one:
            instance.use_context()
        if member.left and member.serving < self._options.at_once and member not in self._with_room:
            self._offer(member)
        self._refill()
        return Place(self, member, instance)

    async def call(self, name: str, *args: Any, timeout: float | None = None, **given: Unpack[Given]) -> Any:  # noqa: ASYNC109
        """Calls an export of an instance, see `Instance.call`, for a request with the arguments of `instance`.

        For values: streams, futures and resources of the guest end with their instance, so use `instance` for them.
        The seconds of `timeout` begin when there is an instance, which is closed if they do not suffice.
        """
        # Not `instance`: a generator as a context manager takes as long as a call.
        async with await self.place(given) as instance:
            result = await instance.call(name, *args, timeout=timeout)
            if given:  # its output goes to this request
                await instance.drain()
        return result

    def replace(self, component: ComponentSource) -> None:
        """Serves requests with another component from now on; those under way end with the one that they began with.

        Load components that take long to compile before, in a thread. Errors: those of `Host.pool`, after which all is
        as it was.
        """
        self._check_open()
        self._open = self._opener(component)
        self._retire_all()
        self._refill()

    async def close(self) -> None:
        """Takes no more requests, waits for those that are served, and closes instances that are ready.

        In a process that was forked meanwhile it does nothing.
        """
        self._closed = True
        if self._forks != forks.count():
            return
        for turn in self._line:
            turn.set()
        self._retire_all()
        try:
            if self._members:
                self._all_closed.clear()
                notice = self._loop.call_later(_LONG_S, self._say_what_is_awaited)
                try:
                    await self._all_closed.wait()
                finally:
                    notice.cancel()
        finally:
            if self._tasks:
                await asyncio.wait(self._tasks)

    def _say_what_is_awaited(self) -> None:
        count = sum(member.serving for member in self._members)
        hint = "an HTTP request is one until the body of its response is closed"
        _log.warning("the close of a pool waits for the requests under way: %d (%s)", count, hint)

    async def __aenter__(self) -> Pool[E]:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _check_open(self) -> None:
        forks.check(self._forks, FORKED)
        if event_loop.running() is not self._loop:
            raise RuntimeError(ELSEWHERE)
        if self._closed:
            raise RuntimeError(CLOSED)

    # ---- places

    async def _place_in_turn(self, given: Given) -> _Member[E]:
        """Waits in line and takes a place in an instance, which may be yet to open."""
        waiting = len(self._line)
        if self._options.max_waiting is not None and waiting >= self._options.max_waiting:
            raise LimitError(
                f"{self._options.size} instances serve and {waiting} requests wait: the limits of this pool"
            )
        turn = asyncio.Event()
        self._line.append(turn)
        try:
            while True:
                await turn.wait()
                turn.clear()
                self._check_open()
                if (member := self._free_place(given)) is not None:
                    return member
        finally:
            self._line.remove(turn)
            self._call_next()

    def _call_next(self) -> None:
        """There may be a place for the first in line."""
        if self._line:
            self._line[0].set()

    def _free_place(self, given: Given) -> _Member[E] | None:
        """A place that was free, in an instance which may be yet to open; None if there is none."""
        member = self._member_for(given) if given else self._member_with_room()
        if member is None:
            return None
        self._idle.discard(member)
        member.serving += 1
        member.left -= 1
        if not member.left or member.serving == self._options.at_once:
            self._with_room.pop(member, None)
        return member

    def _member_with_room(self) -> _Member[E] | None:
        while self._with_room:
            member = next(reversed(self._with_room))  # so that instances which are not needed become idle
            if member.is_usable:
                return member
            self._retire(member)
        if len(self._members) >= self._options.size:
            return None
        while self._ready:
            member = self._ready.popleft()
            self._members.add(member)
            if member.is_usable:
                return member
            self._retire(member)
        member = _Member(self._open(Given()), self._options.reuse)
        self._members.add(member)
        return member

    def _member_for(self, given: Given) -> _Member[E] | None:
        """A new instance for a request that is given something of its own."""
        if len(self._members) >= self._options.size:
            if self._idle:
                self._retire(next(iter(self._idle)))  # whose end calls the first in line
            return None
        member = _Member(self._open(given), 1)
        self._members.add(member)
        return member

    def _leave(self, member: _Member[E], error: BaseException | None) -> bool:
        """Gives a place back at the end of a request; whether the instance is to be closed now."""
        member.serving -= 1
        if not member.is_usable or (error is not None and not isinstance(error, WitError)):
            member.left = 0
            self._with_room.pop(member, None)
        if member.left:
            self._offer(member)
        return not (member.left or member.serving)

    def _offer(self, member: _Member[E]) -> None:
        """It can take more requests."""
        self._with_room.pop(member, None)
        self._with_room[member] = None
        if not member.serving:
            self._idle.add(member)
            member.idle_since = self._loop.time()
            if member.expiry is None and self._options.idle_s is not None:
                member.expiry = self._loop.call_later(self._options.idle_s, self._look_for_use, member)
        self._call_next()

    def _look_for_use(self, member: _Member[E]) -> None:
        """Retires an instance that has served nothing for `idle_s` seconds."""
        assert self._options.idle_s is not None
        member.expiry = None
        if member not in self._idle:
            return
        left_s = member.idle_since + self._options.idle_s - self._loop.time()
        if left_s > 0:
            member.expiry = self._loop.call_later(left_s, self._look_for_use, member)
        else:
            self._retire(member)

    # ---- instances

    async def _opened(self, member: _Member[E]) -> Instance[E]:
        """Opens the instance: in the context of the request if it is to serve no other."""
        try:
            instance = await member.open()
        except BaseException as error:
            if self._leave(member, error):
                await self._close(member, error)
            raise
        if not member.is_for_one:
            self._context.copy().run(instance.use_context)
        return instance

    def _retire(self, member: _Member[E]) -> None:
        """It takes no more requests."""
        member.left = 0
        self._with_room.pop(member, None)
        self._idle.discard(member)
        if not member.serving:
            self._start(self._close(member))

    def _retire_all(self) -> None:
        """None of those that there are takes more requests."""
        if self._making is not None:
            self._making.cancel()
            self._making = None  # as it goes on for a while
        self._members.update(self._ready)
        self._ready.clear()
        for member in list(self._members):
            self._retire(member)

    async def _close(self, member: _Member[E], error: BaseException | None = None) -> None:
        if member.is_closing:
            return
        member.is_closing = True
        if member.expiry is not None:
            member.expiry.cancel()
        try:
            if member.instance is not None:
                traceback = None if error is None else error.__traceback__
                await member.manager.__aexit__(None if error is None else type(error), error, traceback)
        finally:
            self._members.discard(member)
            if not self._members:
                self._all_closed.set()
            self._call_next()

    def _refill(self) -> None:
        is_making = self._making is not None and not self._making.done()
        if not (is_making or self._closed) and self.ready < self._options.min_ready:
            self._making = self._start(self._make())
            self._making.add_done_callback(_made)

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(coroutine, name="wasihost pool", context=self._context.copy())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _make(self) -> None:
        while self.ready < self._options.min_ready:
            member = _Member(self._open(Given()), self._options.reuse)
            await member.open()
            self._ready.append(member)


def _made(making: asyncio.Task[None]) -> None:
    if not making.cancelled():
        making.exception()  # whoever comes next finds nothing ready, tries by itself, and gets it
