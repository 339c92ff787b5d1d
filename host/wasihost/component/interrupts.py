"""SIGINT while a store is polled.

A Python signal handler runs between any two bytecodes, also at the first one of a host callback, before any `try`: a
KeyboardInterrupt raised there would leave through C. So while some instance runs, SIGINT during a poll only sets a
flag, and the handler that was there before is called after the poll.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

_running = 0
_previous: Any = None
_polling = False
_pending = False


@contextlib.contextmanager
def deferring() -> Iterator[None]:
    """While entered, SIGINT waits for `end_poll`. Only the main thread gets signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _install()
    try:
        yield
    finally:
        _uninstall()


def _install() -> None:
    global _running, _previous
    _running += 1
    if _running == 1 and callable(signal.getsignal(signal.SIGINT)):
        _previous = signal.signal(signal.SIGINT, _handle)


def _uninstall() -> None:
    global _running, _previous
    _running -= 1
    if _running == 0 and _previous is not None:
        if signal.getsignal(signal.SIGINT) is _handle:
            signal.signal(signal.SIGINT, _previous)
        _previous = None


def _handle(number: int, frame: FrameType | None) -> None:
    global _pending
    if _polling:
        _pending = True
    else:
        _previous(number, frame)


def begin_poll() -> None:
    """From here to `end_poll` no interrupt is delivered."""
    global _polling
    _polling = True


def end_poll() -> None:
    """Delivers an interrupt that came meanwhile."""
    global _polling, _pending
    _polling = False
    if _pending:
        _pending = False
        _previous(signal.SIGINT, None)
