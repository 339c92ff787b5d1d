"""Waits for a socket of the network, which itself calls back; one at a time."""

from __future__ import annotations

import asyncio

from wasihost._network.base import Endpoint


async def writable(socket: Endpoint) -> None:
    """Returns when sending is worth a try, or a connection was made or failed."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    socket.wait_writable(lambda: None if future.done() else future.set_result(None))
    try:
        await future
    finally:
        socket.cancel_writable()
