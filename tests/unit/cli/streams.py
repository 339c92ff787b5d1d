"""What the machine does with sinks and sources, without the machine."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

from wasihost.streams import ByteSink, ByteSource, StreamReader
from wasihost.wasi.cli.stdio import Stdout
from wasihost.wasi.cli.types import Done


class GuestStream(StreamReader[int]):
    """The readable end of a stream that a guest passes to write-via-stream."""

    sink: ByteSink

    async def read(self, n: int = 65536) -> bytes:
        raise NotImplementedError

    def forward(self, sink: ByteSink) -> None:
        self.sink = sink

    def close(self) -> None:
        raise NotImplementedError

    def __aiter__(self) -> AsyncIterator[bytes | int]:
        raise NotImplementedError


def open_stream(stdout: Stdout) -> tuple[ByteSink, Done]:
    """The sink that takes one more stream to `stdout`, and the future that the guest got."""
    stream = GuestStream()
    done = stdout.write_via_stream(stream)
    return stream.sink, done


async def write_all(sink: ByteSink, data: bytes) -> None:
    """Writes one block, waiting where the sink asks for it."""
    view = memoryview(data)
    while view:
        try:
            view = view[sink.write(view) :]
        except BlockingIOError:
            await writable(sink)


async def writable(sink: ByteSink) -> None:
    event = asyncio.Event()
    sink.wait_writable(event.set)
    await event.wait()


async def send(stdout: Stdout, *blocks: bytes) -> object:
    """Writes the blocks to a stream of its own and ends it; what the future gives."""
    sink, done = open_stream(stdout)
    error = None
    try:
        for block in blocks:
            await write_all(sink, block)
    except Exception as caught:
        error = caught
    sink.close(error)
    return await done


async def readable(source: ByteSource) -> None:
    event = asyncio.Event()
    source.wait_readable(event.set)
    await event.wait()


def read_now(source: ByteSource, n: int = 100) -> bytes:
    buffer = bytearray(n)
    return bytes(buffer[: source.read_into(memoryview(buffer))])


async def read_all(source: ByteSource, n: int = 100) -> bytes:
    """Everything up to the end, at most `n` bytes at a time."""
    data = b""
    while True:
        try:
            chunk = read_now(source, n)
        except BlockingIOError:
            await readable(source)
            continue
        if not chunk:
            return data
        data += chunk


@contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    """The two ends of a pipe; closed at the end, unless the block closed them."""
    ends = os.pipe()
    try:
        yield ends
    finally:
        for fd in ends:
            close(fd)


def close(fd: int) -> None:
    """Closes a descriptor that may be closed already."""
    if is_open(fd):
        os.close(fd)


def is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def fill(fd: int) -> int:
    """Fills a pipe to the brim; how much went in."""
    os.set_blocking(fd, False)
    size = 0
    try:
        while True:
            size += os.write(fd, bytes(4096))
    except BlockingIOError:
        return size
    finally:
        os.set_blocking(fd, True)


def open_descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))
