"""Which threads poll, and the end of the interpreter, which waits for them.

Python ends a thread that comes back to it after the end has begun, there and then. Where that is a callback of a guest,
the frames of Wasmtime above it would be unwound, which ends the process with a signal. So before the end every poll is
waited for, and none begins any more.
"""

from __future__ import annotations

import atexit
import os
import threading
import time

GRACE_S = 5.0
"""How long the end waits. A guest returns at the next epoch, unless it is in a native call."""

_polling: set[int] = set()  # threads
_last: int | None = None  # the thread that ends the interpreter, once it does
os.register_at_fork(after_in_child=lambda: _polling.intersection_update({threading.get_ident()}))


def is_polling() -> bool:
    """Whether some store of this thread is being polled: no other can be."""
    return threading.get_ident() in _polling


def begin_poll() -> None:
    """This thread is about to poll; it does not return once the end has come."""
    thread = threading.get_ident()
    _polling.add(thread)
    if _last is not None and _last != thread:
        end_poll()
        threading.Event().wait()


def end_poll() -> None:
    """It has polled."""
    _polling.discard(threading.get_ident())


@atexit.register
def _come() -> None:
    global _last
    _last = threading.get_ident()
    deadline = time.monotonic() + GRACE_S
    while _polling - {_last} and time.monotonic() < deadline:
        time.sleep(0.001)
