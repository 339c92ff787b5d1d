"""Calls that block, in threads of their own.

Theory of operation. The event loop's default executor belongs to the embedder: its jobs would wait behind slow ones of
guests, and `asyncio.run` waits for all of its threads. So each guest has threads of its own. They are daemons, which
end when no job is left, and nothing waits for one that is stuck in a system call, such as those of getaddrinfo(3) or of
a network file system. A job that is cancelled before a thread took it is forgotten; one under way keeps its thread, and
counts, until it returns.
"""

from __future__ import annotations

import asyncio
import contextvars
import errno
import functools
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

MOST = 16
"""Jobs at a time; half the threads of asyncio's own executor."""


class NoThreadError(OSError):
    """The system has no thread to give."""


class Threads(Executor):
    """Threads for one guest, at most `MOST` at a time; other jobs wait for their turn."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._running = 0
        self._waiting: OrderedDict[Future[Any], Callable[[], object]] = OrderedDict()

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Calls the function in a thread and in the caller's context.

        Errors: NoThreadError.
        """
        call = functools.partial(contextvars.copy_context().run, function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self, call)

    def submit(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """A future for the event loop. Errors: NoThreadError."""
        future: Future[T] = Future()
        with self._lock:
            self._waiting[future] = functools.partial(call, *args, **kwargs)
            starts = self._running < MOST
            self._running += starts
        future.add_done_callback(self._forget)
        if starts:
            self._start(future)
        return future

    def _start(self, future: Future[Any]) -> None:
        try:
            threading.Thread(target=self._work, name=self._name, daemon=True).start()
        except RuntimeError as error:  # pthread_create(3), EAGAIN
            future.cancel()
            with self._lock:
                self._running -= 1
            raise NoThreadError(errno.EAGAIN, str(error)) from error

    def _forget(self, future: Future[Any]) -> None:
        with self._lock:
            self._waiting.pop(future, None)

    def _work(self) -> None:
        while (job := self._next()) is not None:
            future, call = job
            if future.set_running_or_notify_cancel():
                _finish(future, call)

    def _next(self) -> tuple[Future[Any], Callable[[], object]] | None:
        with self._lock:
            if self._waiting:
                return self._waiting.popitem(last=False)
            self._running -= 1
            return None


def _finish(future: Future[Any], call: Callable[[], object]) -> None:
    try:
        future.set_result(call())
    except BaseException as error:
        future.set_exception(error)
