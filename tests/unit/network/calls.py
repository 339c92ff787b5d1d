"""Calls of the seam, as short as tests want them."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable

import pytest

from wasihost._network.base import Socket

S = 1_000_000_000


def fails(code: int, call: Callable[..., object], *arguments: object) -> None:
    """The call raises an OSError of that errno."""
    with pytest.raises(OSError, match=r".") as caught:
        call(*arguments)
    assert errno.errorcode[caught.value.errno or 0] == errno.errorcode[code]


def waits(call: Callable[..., object], *arguments: object) -> None:
    """The call cannot go on yet."""
    with pytest.raises(BlockingIOError):
        call(*arguments)


def receive(socket: Socket, size: int = 100) -> bytes:
    """What one call receives."""
    view = memoryview(bytearray(size))
    return bytes(view[: socket.recv_into(view)])


def send(socket: Socket, data: bytes) -> int:
    """How much one call sends."""
    return socket.send(memoryview(data))


async def passes(count: int = 3) -> None:
    """Lets the event loop go round."""
    for _ in range(count):
        await asyncio.sleep(0)
