"""SIGINT while a store is polled.

A Python signal handler runs between any two bytecodes, also at the first one of a host callback, before any `try`: a
KeyboardInterrupt raised there would leave through C. So while some instance runs, SIGINT during a poll only sets a
flag, and the handler that was there before is called after the poll.
"""

from __future__ import annotations

# What `signal` wraps. Its functions try to make an enum of each handler, for whose error message they describe the main
# task of asyncio: a fifth of opening an instance.
import _signal  # type: ignore[import-not-found]
import asyncio
import contextlib
import functools
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

from wasihost._component.running.loop import shutdown

_main_thread: int | None = None  # which alone gets signals
_running = 0
_previous: Any = None
_pending = False


def _is_main_thread() -> bool:
    """Which `threading.current_thread` tells too, but not without a trace in a thread that is ending."""
    return threading.get_ident() == threading.main_thread().ident


@contextlib.contextmanager
def restoring() -> Iterator[None]:
    """Gives SIGINT back to whom it belonged. `asyncio.run` does not when a coroutine raises KeyboardInterrupt, because
    it then finds our handler in the place of its own."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if _is_main_thread() and signal.getsignal(signal.SIGINT) is not before:
            signal.signal(signal.SIGINT, before)


def defer() -> None:
    """SIGINT waits for the end of a poll from now on, until `stop_deferring`. Only the main thread gets signals."""
    if _is_main_thread():
        _install()
        try:
            shutdown.end_poll()
            deliver()
        except BaseException:
            _uninstall()
            raise


def stop_deferring() -> None:
    """SIGINT goes where it went before, unless others still have it wait."""
    if _is_main_thread():
        _uninstall()


def _install() -> None:
    """Takes SIGINT, which waits from then on as it does during a poll."""
    global _running, _previous, _main_thread
    _main_thread = threading.get_ident()
    shutdown.begin_poll()
    if _running == 0 and callable(before := _signal.getsignal(signal.SIGINT)):
        _previous = before
        _signal.signal(signal.SIGINT, _handle)
    _running += 1


def _uninstall() -> None:
    global _running, _previous
    if not _running:  # this process was forked meanwhile
        return
    _running -= 1
    if _running == 0 and _previous is not None:
        _replace(_handle, _still_wanted(_previous))
        _previous = None


def _forget() -> None:
    """In the child of a fork: no guest runs here, so the handler that was installed before is restored."""
    global _running, _previous, _pending
    _pending = False
    if _running:
        _running = 0
        _replace(_handle, _previous)
    _previous = None


os.register_at_fork(after_in_child=_forget)


def _still_wanted(handler: Any) -> Any:
    """`asyncio.run` takes its handler away when its main task ends, but not if it finds ours in its place."""
    main_task = _main_task(handler)
    if main_task is None:
        return handler
    if main_task.done():
        return signal.default_int_handler
    # After a second Ctrl-C it has looked already, and only cancels what is left.
    main_task.remove_done_callback(_take_away)  # one is enough, however many instances there were
    main_task.add_done_callback(_take_away)
    return handler


def _main_task(handler: Any) -> asyncio.Task[Any] | None:
    """The task that a handler of `asyncio.run` cancels; None if it is another handler."""
    found = handler.keywords.get("main_task") if isinstance(handler, functools.partial) else None
    return found if isinstance(found, asyncio.Task) else None


def _take_away(main_task: asyncio.Task[Any]) -> None:
    if _main_task(signal.getsignal(signal.SIGINT)) is main_task:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _replace(handler: Any, by: Any) -> None:
    if _signal.getsignal(signal.SIGINT) is handler:
        _signal.signal(signal.SIGINT, by)


def _handle(number: int, frame: FrameType | None) -> None:
    global _pending
    if shutdown.is_polling():
        _pending = True
    else:
        _previous(number, frame)


def deliver() -> None:
    """Delivers an interrupt that came during a poll, now that it has ended."""
    global _pending
    if _pending and threading.get_ident() == _main_thread:
        _pending = False
        _previous(signal.SIGINT, None)
