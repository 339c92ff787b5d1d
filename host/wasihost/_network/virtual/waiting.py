"""The waiter at an end of the virtual network: a callback for each direction, called from the event loop.

Theory of operation. `send` never runs the peer's callback itself: whatever makes an end ready schedules the
callback with `call_soon`, in the loop that it was left in, or in the running one if that was in none or is closed: a
test may set up its servers before its loop runs. Meanwhile it can be cancelled, or be replaced.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Waiter:
    """At most one callback, to be called once."""

    __slots__ = ("_callback", "_is_scheduled", "_loop")

    def __init__(self) -> None:
        self._callback: Callable[[], None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_scheduled = False

    def wait(self, callback: Callable[[], None], is_ready: bool) -> None:
        """Takes a callback instead of the one there was; `is_ready`: it need not wait for `wake`."""
        self._callback = callback
        loop = _running_loop()
        if loop is not self._loop:  # an earlier loop may never make the calls that it had scheduled
            self._loop = loop
            self._is_scheduled = False
        if is_ready:
            self.wake()

    def cancel(self) -> None:
        """Forgets the callback."""
        self._callback = None

    def wake(self) -> None:
        """Another try is worth it."""
        if self._callback is None or self._is_scheduled:
            return
        loop = _running_loop() if self._loop is None or self._loop.is_closed() else self._loop
        if loop is not None:
            self._is_scheduled = True
            loop.call_soon(self._call)

    def _call(self) -> None:
        self._is_scheduled = False
        callback = self._callback
        self._callback = None
        if callback is not None:
            callback()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
