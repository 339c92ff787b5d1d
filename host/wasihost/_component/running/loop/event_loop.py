"""The event loop of asyncio in which everything here runs."""

from __future__ import annotations

import asyncio
from asyncio import get_running_loop


def running() -> asyncio.AbstractEventLoop:
    """The event loop that runs in this thread. Errors: RuntimeError, which names the ways from elsewhere."""
    try:
        return get_running_loop()
    except RuntimeError:
        raise RuntimeError(
            "no event loop of asyncio is running: await this in a coroutine that asyncio.run runs, or use Host.run; "
            "under trio: await trio.to_thread.run_sync(host.run, component)"
        ) from None


def check_none_runs(instead: str) -> None:
    """Errors: RuntimeError, which says what to do instead, if an event loop runs in this thread."""
    try:
        get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(f"an event loop is running in this thread, as in a notebook: {instead}")
