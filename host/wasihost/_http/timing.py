"""Time limits by a clock of the host."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from wasihost._base.clock import NS_PER_S, Clock
from wasihost._http.errors import ErrorCode, HttpError


@contextlib.asynccontextmanager
async def within(clock: Clock, seconds: float | None, code: ErrorCode) -> AsyncIterator[None]:
    """Cancels what is inside after so many seconds, and raises an HttpError of that code; None: never."""
    if seconds is None:
        yield
        return
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(None) as limit:
            timer = clock.call_later(round(seconds * NS_PER_S), lambda: limit.reschedule(loop.time()))
            try:
                yield
            finally:
                timer.cancel()
    except TimeoutError:
        if not limit.expired():  # an OSError of what is inside
            raise
        raise HttpError(code) from None
