"""A source and a sink that do what the test says, and what a guest of 0.2 does with streams."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from wasihost._base.streams import ByteSink, ByteSource
from wasihost._component.values import WitError
from wasihost._wasi.p2.io.streams import StreamError


class Source(ByteSource):
    """Gives what `arrive` brought: bytes, b"" for the end, or an error."""

    def __init__(self, *arrived: bytes | BaseException) -> None:
        self.arrived = list(arrived)
        self.returned = b""
        self.closed = 0
        self.callback: Callable[[], None] | None = None
        self.waits = 0
        self.reads = 0

    def arrive(self, *arrived: bytes | BaseException) -> None:
        self.arrived.extend(arrived)
        callback, self.callback = self.callback, None
        if callback is not None:
            callback()

    def read_into(self, view: memoryview) -> int:
        self.reads += 1
        if not self.arrived:
            raise BlockingIOError
        data = self.arrived.pop(0)
        if isinstance(data, BaseException):
            raise data
        size = min(len(data), len(view))
        view[:size] = data[:size]
        if data[size:]:
            self.arrived.insert(0, data[size:])
        return size

    def wait_readable(self, callback: Callable[[], None]) -> None:
        self.callback = callback
        self.waits += 1

    def unread(self, view: memoryview) -> None:
        self.returned = bytes(view)

    def close(self, error: BaseException | None) -> None:
        self.closed += 1


class Sink(ByteSink):
    """Takes `room` bytes until `make_room`, or fails with `error`."""

    def __init__(self, room: int = 1 << 30) -> None:
        self.room = room
        self.error: BaseException | None = None
        self.taken = b""
        self.closed: list[BaseException | None] = []
        self.callback: Callable[[], None] | None = None

    def make_room(self, room: int = 1 << 30) -> None:
        self.room = room
        callback, self.callback = self.callback, None
        if callback is not None:
            callback()

    def write(self, view: memoryview) -> int:
        if self.error is not None:
            raise self.error
        if not self.room:
            raise BlockingIOError
        size = min(len(view), self.room)
        self.room -= size
        self.taken += view[:size]
        return size

    def wait_writable(self, callback: Callable[[], None]) -> None:
        self.callback = callback

    def close(self, error: BaseException | None) -> None:
        self.closed.append(error)


def failure_of(call: Callable[[], object]) -> str:
    """What a call fails with: "closed", or the text of the error."""
    with pytest.raises(WitError) as caught:
        call()
    return told(caught.value)


def told(error: WitError) -> str:
    value: Any = error.value
    if isinstance(value, StreamError.Closed):
        return "closed"
    assert isinstance(value, StreamError.LastOperationFailed)
    return value.value.to_debug_string()


async def settled(result: Any) -> Any:
    """What a method that may wait came to."""
    return await result if inspect.isawaitable(result) else result
