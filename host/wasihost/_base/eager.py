"""Coroutines that begin at once: most that may wait end without waiting."""

from __future__ import annotations

import asyncio
import contextvars
from asyncio.tasks import _enter_task, _leave_task
from collections.abc import Coroutine, Generator
from typing import Any

from wasihost._base.errors import ProviderError


def begin(coroutine: Coroutine[Any, Any, Any]) -> asyncio.Future[Any]:
    """A future for the result of a coroutine that has already run as far as it could without waiting.

    As with the eager tasks of Python 3.12, it runs as a task of its own from its first step: not as that of the caller,
    which a timeout in it would cancel.
    """
    loop = asyncio.get_running_loop()
    begun = _Begun(loop, coroutine)
    context = contextvars.copy_context()
    task = loop.create_task(begun, context=context)
    caller = asyncio.current_task()
    if begun.has_begun:  # the event loop has a factory of eager tasks
        return task
    if caller is not None:
        _leave_task(loop, caller)
    _enter_task(loop, task)
    try:
        context.run(begun.first_step)
    finally:
        _leave_task(loop, task)
        if caller is not None:
            _enter_task(loop, caller)
    return begun.end or task


def begun(result: Any) -> asyncio.Future[Any] | None:
    """The future of a coroutine, which begins, or the future itself; None for anything that need not be awaited."""
    if not hasattr(result, "__await__"):  # most results are neither, and the two questions below are slow
        return None
    if asyncio.isfuture(result):
        return result
    return begin(result) if asyncio.iscoroutine(result) else None


def failure_of(task: asyncio.Future[Any], error: BaseException, what: str) -> BaseException:
    """What ends an instance where a future of a provider has this error: the error, or a ProviderError.

    The event loop has raised an interrupt out of a task itself, and cancels all others: a second one would stop that.
    """
    if not (isinstance(task, asyncio.Task) and isinstance(error, KeyboardInterrupt | SystemExit)):
        return error
    failure = ProviderError(f"{what} raised {type(error).__name__}")
    failure.__cause__ = error
    return failure


class _Begun(Coroutine[Any, Any, Any]):
    """A coroutine from its second step on; one without steps if it has ended in the first."""

    def __init__(self, loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any]) -> None:
        self._loop = loop
        self._coroutine = coroutine
        self._waits_for: Any = None  # of the first step, for the second
        self.has_begun = False
        self.end: asyncio.Future[Any] | None = None

    @property
    def cr_await(self) -> Coroutine[Any, Any, Any]:
        """Debuggers look here for the object that a task waits for."""
        return self._coroutine

    def first_step(self) -> None:
        self.has_begun = True
        try:
            self._waits_for = self._coroutine.send(None)
        except StopIteration as end:
            self._ended().set_result(end.value)
        except BaseException as error:
            self._ended().set_exception(error)

    def _ended(self) -> asyncio.Future[Any]:
        self.end = self._loop.create_future()
        return self.end

    def send(self, value: Any) -> Any:
        self.has_begun = True
        waits_for = self._waits_for
        if waits_for is not None:
            self._waits_for = None
            if not (asyncio.isfuture(waits_for) and waits_for.done()):
                return waits_for
            waits_for._asyncio_future_blocking = False  # as a task does, which would go on a pass later
        if self.end is not None:
            raise StopIteration
        # After the first step None is a bare `yield`: for the next pass of the event loop, which this is.
        return self._coroutine.send(value)

    def throw(self, *error: Any) -> Any:
        if self.end is not None:
            raise StopIteration
        waits_for = self._waits_for
        self._waits_for = None
        if waits_for is not None and waits_for.cancel():
            return waits_for  # as a task does that is cancelled while it waits for this
        try:
            return self._coroutine.throw(*error)
        finally:
            del error  # or its traceback would refer to this frame, and this frame to it

    def close(self) -> None:
        self._coroutine.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        raise NotImplementedError  # nothing but a task runs it
