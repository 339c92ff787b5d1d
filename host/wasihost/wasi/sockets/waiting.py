"""Coroutines that wait for a socket of the network, which itself calls back; one at a time for each direction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from wasihost.network.base import Endpoint


async def readable(socket: Endpoint) -> None:
    """Returns when receiving is worth a try."""
    try:
        await _called_back(socket.wait_readable)
    finally:
        socket.cancel_readable()


async def writable(socket: Endpoint) -> None:
    """Returns when sending is worth a try, or a connection was made or failed."""
    try:
        await _called_back(socket.wait_writable)
    finally:
        socket.cancel_writable()


async def _called_back(wait: Callable[[Callable[[], None]], None]) -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    wait(lambda: None if future.done() else future.set_result(None))
    await future
