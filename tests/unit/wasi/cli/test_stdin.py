"""Stdin: every kind of target, nothing read unasked, waiting, errors."""

from __future__ import annotations

import asyncio
import gc
import io
import os
import pty
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.wasi.cli import streams
from tests.unit.wasi.cli.streams import pipe, read_all, read_now, read_stream, readable
from wasihost._wasi.cli import Command, Stdio
from wasihost._wasi.cli.inputs import Input

TEXT = "grün"
DATA = TEXT.encode()


class OnlyRead:
    """A file object with nothing but `read`."""

    def __init__(self, data: bytes) -> None:
        self.read = io.BytesIO(data).read


def given_at_once(data: Any) -> Callable[[int], Any]:
    """A callable that gives more than it was asked for."""
    blocks = iter([data, b""])
    return lambda n: next(blocks)


@pytest.mark.parametrize(
    "make",
    [
        lambda: DATA,
        lambda: bytearray(DATA),
        lambda: io.BytesIO(DATA),
        lambda: io.StringIO(TEXT),
        lambda: io.TextIOWrapper(io.BytesIO(DATA)),
        lambda: OnlyRead(DATA),
        lambda: io.BytesIO(DATA).read,
        lambda: given_at_once(DATA),
        lambda: given_at_once(memoryview(DATA).cast("b")),
    ],
    ids=["bytes", "bytearray", "BytesIO", "StringIO", "TextIOWrapper", "OnlyRead", "callable", "at-once", "signed"],
)
@pytest.mark.parametrize("n", [1, 100])
async def test_the_guest_gets_the_bytes_of_an_object(make: Callable[[], Any], n: int) -> None:
    source, done = read_stream(Input(make()))
    assert await read_all(source, n) == DATA
    source.close(None)
    await done


async def test_the_guest_gets_what_a_file_has_left(tmp_path: Path) -> None:
    path = tmp_path / "in"
    path.write_bytes(b"one\ntwo\nthree\n")
    with path.open("rb") as target:
        assert target.readline() == b"one\n"
        assert await read_all(read_stream(Input(target))[0]) == b"two\nthree\n"
    with path.open("rb", buffering=0) as raw:
        assert await read_all(read_stream(Input(raw.fileno()))[0]) == b"one\ntwo\nthree\n"


async def test_the_guest_gets_what_a_socket_receives() -> None:
    here, there = socket.socketpair()
    with here, there, here.makefile("rb") as target:
        there.sendall(b"hello")
        there.shutdown(socket.SHUT_WR)
        assert await read_all(read_stream(Input(target))[0]) == b"hello"


async def test_the_null_device_is_empty() -> None:
    with open(os.devnull, "rb") as target:
        assert await read_all(read_stream(Input(target))[0]) == b""


async def test_a_line_typed_at_a_terminal_arrives() -> None:
    controller, terminal = pty.openpty()
    try:
        source, _ = read_stream(Input(terminal))
        with pytest.raises(BlockingIOError):
            read_now(source)
        os.write(controller, b"hello\n")
        await readable(source)
        assert read_now(source) == b"hello\n"
    finally:
        os.close(controller)
        os.close(terminal)


async def test_stdin_of_this_process_is_read_only_if_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with pipe() as (reader, writer), open(reader, closefd=False) as standard:
        monkeypatch.setattr(sys, "stdin", standard)
        os.write(writer, b"hello")
        assert await read_all(read_stream(Stdio(Command()).stdin)[0]) == b""
        assert read_now(read_stream(Stdio(Command(stdin=sys.stdin)).stdin)[0]) == b"hello"


@pytest.mark.parametrize("buffering", [0, -1])
async def test_no_more_is_taken_from_a_pipe_than_was_asked_for(buffering: int) -> None:
    with pipe() as (reader, writer), open(reader, "rb", buffering=buffering, closefd=False) as target:
        os.write(writer, b"hello world")
        source, _ = read_stream(Input(target))
        assert read_now(source, 5) == b"hello"
        assert os.read(reader, 100) == b" world"


async def test_two_streams_share_the_bytes() -> None:
    stdin = Input(b"one two")
    first, second = read_stream(stdin)[0], read_stream(stdin)[0]
    assert read_now(first, 4) == b"one "
    assert read_now(second) == b"two"
    assert read_now(first) == b""


async def test_what_a_stream_did_not_take_is_there_for_the_next() -> None:
    stdin = Input(b"one two")
    source, done = read_stream(stdin)
    buffer = bytearray(100)
    assert source.read_into(memoryview(buffer)) == 7
    source.unread(memoryview(buffer)[4:7])
    source.close(None)
    await done
    assert await read_all(read_stream(stdin)[0], 2) == b"two"


async def test_a_stream_that_waits_gets_what_another_gave_back() -> None:
    with pipe() as (reader, writer):
        stdin = Input(reader)
        first, second = read_stream(stdin)[0], read_stream(stdin)[0]
        os.write(writer, b"hello")
        assert read_now(first) == b"hello"
        waiting = asyncio.create_task(readable(second))
        await asyncio.sleep(0)
        first.unread(memoryview(b"lo"))
        first.close(None)
        await waiting
        assert read_now(second) == b"lo"
        second.close(None)


async def test_two_streams_can_wait_for_the_same_pipe() -> None:
    with pipe() as (reader, writer):
        stdin = Input(reader)
        sources = [read_stream(stdin)[0] for _ in range(2)]
        reading = [asyncio.create_task(read_all(source)) for source in sources]
        await asyncio.sleep(0)
        os.write(writer, b"hello")
        os.close(writer)
        assert sorted(await asyncio.gather(*reading)) == [b"", b"hello"]


async def test_a_pipe_is_waited_for_until_its_end() -> None:
    with pipe() as (reader, writer):
        source, done = read_stream(Input(reader))
        reading = asyncio.create_task(read_all(source))
        for word in (b"one ", b"two ", b"three"):
            await asyncio.sleep(0)
            os.write(writer, word)
        os.close(writer)
        assert await reading == b"one two three"
        source.close(None)
        await done


async def test_reading_leaves_the_pipe_in_blocking_mode() -> None:
    with pipe() as (reader, writer):
        os.write(writer, b"hello")
        assert read_now(read_stream(Input(reader))[0]) == b"hello"
        assert os.get_blocking(reader)


async def test_nothing_stays_registered_after_closing_while_waiting() -> None:
    with pipe() as (reader, writer):
        before = streams.open_descriptors()
        source, done = read_stream(Input(reader))
        source.wait_readable(lambda: pytest.fail("called after close"))
        assert streams.open_descriptors() == before + 1
        source.close(None)
        os.write(writer, b"late")
        await asyncio.sleep(0)
        assert streams.open_descriptors() == before
        await done


async def test_a_failed_read_is_told_at_the_end(tmp_path: Path) -> None:
    with (tmp_path / "in").open("wb") as write_only:
        source, done = read_stream(Input(write_only.fileno()))
        with pytest.raises(OSError, match="Bad file descriptor") as caught:
            await read_all(source)
        source.close(caught.value)
        with pytest.raises(OSError, match="Bad file descriptor"):
            await done


async def test_a_file_object_is_kept_open_as_long_as_it_is_used() -> None:
    source, _ = read_stream(Input(io.TextIOWrapper(io.BytesIO(b"hello"))))
    gc.collect()
    assert await read_all(source) == b"hello"
