"""What the machine does with sinks and sources, without the machine."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from wasihost._base.streams import ByteSink, ByteSource
from wasihost._wasi.cli.inputs import Input, InputSource
from wasihost._wasi.cli.outputs import Output, OutputSink


def open_stream(output: Output) -> tuple[ByteSink, asyncio.Future[None]]:
    """The sink that takes one more stream to `output`, and how that ends."""
    done, on_close = _ending()
    return OutputSink(output, on_close), done


def read_stream(stdin: Input) -> tuple[ByteSource, asyncio.Future[None]]:
    """The source that feeds one more stream from `stdin`, and how that ends."""
    done, on_close = _ending()
    return InputSource(stdin, on_close), done


def _ending() -> tuple[asyncio.Future[None], Callable[[BaseException | None], None]]:
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    return done, lambda error: done.set_result(None) if error is None else done.set_exception(error)


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


async def send(output: Output, *blocks: bytes) -> None:
    """Writes the blocks to a stream of its own and ends it; raises what writing failed with."""
    sink, done = open_stream(output)
    error = None
    try:
        for block in blocks:
            await write_all(sink, block)
    except Exception as caught:
        error = caught
    sink.close(error)
    await done


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
