"""Stdout and stderr: every kind of target, order, back pressure, errors."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import pty
import sys
import tempfile
from pathlib import Path

import pytest

from tests.unit.wasi.cli import streams
from tests.unit.wasi.cli.streams import open_stream, pipe, send, writable, write_all
from wasihost._base.errors import GuestExit
from wasihost._wasi.cli import Command, Stdio
from wasihost._wasi.cli.outputs import Output

BIG = bytes(range(256)) * 4096  # 1 MiB: more than a pipe holds


# ---- targets


async def test_bytes_reach_a_binary_object() -> None:
    target = io.BytesIO()
    await send(Output(target), b"one ", b"two")
    assert target.getvalue() == b"one two"


async def test_text_reaches_a_text_object_also_when_a_character_is_split() -> None:
    target = io.StringIO()
    await send(Output(target), b"\xe2\x82", b"\xac")
    assert target.getvalue() == "€"


async def test_bytes_that_are_no_text_are_replaced_for_a_text_object() -> None:
    target = io.StringIO()
    await send(Output(target), b"a\xffb")
    assert target.getvalue() == "a\ufffdb"


async def test_blocks_reach_a_callable() -> None:
    blocks: list[bytes] = []
    await send(Output(blocks.append), b"one", b"two")
    assert blocks == [b"one", b"two"]


@pytest.mark.parametrize("mode", ["wb", "w", "w+b"])
async def test_bytes_reach_a_file_before_the_future_resolves(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "out"
    with path.open(mode) as target:
        await send(Output(target), b"\x00\xff\n", BIG)
        assert path.read_bytes() == b"\x00\xff\n" + BIG


async def test_bytes_reach_an_unbuffered_file_and_a_temporary_one(tmp_path: Path) -> None:
    with (tmp_path / "out").open("w+b", buffering=0) as raw, tempfile.TemporaryFile() as temporary:
        for target in (raw, temporary):
            await send(Output(target), b"one")
            target.seek(0)
            assert target.read() == b"one"


async def test_bytes_reach_a_descriptor_of_a_regular_file(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as target:
        await send(Output(target.fileno()), BIG)
    assert (tmp_path / "out").read_bytes() == BIG


async def test_bytes_reach_a_terminal() -> None:
    controller, terminal = pty.openpty()
    try:
        await send(Output(terminal), b"hello")
        assert os.read(controller, 100) == b"hello"
    finally:
        os.close(controller)
        os.close(terminal)


async def test_the_null_device_takes_everything() -> None:
    with open(os.devnull, "wb") as target:
        await send(Output(target), BIG)


async def test_by_default_the_streams_of_this_process_are_inherited(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    stdio = Stdio(Command())
    await send(stdio.stdout, b"out \xff")
    await send(stdio.stderr, b"err \xff")
    assert capfdbinary.readouterr() == (b"out \xff", b"err \xff")


async def test_replaced_standard_streams_are_respected(capsys: pytest.CaptureFixture[str]) -> None:
    await send(Output(sys.stderr), b"hello")
    assert capsys.readouterr().err == "hello"


async def test_output_follows_a_standard_stream_that_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    stdio = Stdio(Command())
    for _ in range(2):
        text = io.StringIO()
        monkeypatch.setattr(sys, "stdout", text)
        print("one", end=" ")
        await send(stdio.stdout, b"two ")
        print("three", end="")
        assert text.getvalue() == "one two three"


async def test_output_waits_for_the_pipe_that_a_standard_stream_has_become(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    sink, done = open_stream(Stdio(Command()).stdout)
    with pipe() as (reader, writer), open(writer, "w", closefd=False) as becomes:
        monkeypatch.setattr(sys, "stdout", becomes)
        sent = asyncio.create_task(write_all(sink, BIG))
        os.set_blocking(reader, False)
        received = b""
        while len(received) < len(BIG):
            await asyncio.sleep(0)
            with contextlib.suppress(BlockingIOError):
                received += os.read(reader, len(BIG))
        await sent
    assert received == BIG
    sink.close(None)
    await done


async def test_without_a_standard_stream_output_is_discarded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    await send(Stdio(Command()).stdout, b"lost")


# ---- order


async def test_what_python_printed_before_comes_out_before(tmp_path: Path) -> None:
    with pipe() as (reader, writer), open(writer, "w", closefd=False) as target:
        target.write("one ")
        await send(Output(target), b"two ")
        print("three", file=target, flush=True)
        assert os.read(reader, 100) == b"one two three\n"
    with (tmp_path / "out").open("w") as target:
        target.write("one ")
        await send(Output(target), b"two ")
        target.write("three")
    assert (tmp_path / "out").read_text() == "one two three"


async def test_a_block_in_progress_is_not_interrupted_by_another_stream() -> None:
    with pipe() as (reader, writer):
        stdout = Output(writer)
        first, first_done = open_stream(stdout)
        second, second_done = open_stream(stdout)
        taken = first.write(memoryview(BIG))
        assert 0 < taken < len(BIG)
        blocked = asyncio.create_task(write_all(second, b"second"))
        received = asyncio.create_task(asyncio.to_thread(_read_to_end, reader))
        await write_all(first, BIG[taken:])
        await blocked
        first.close(None)
        second.close(None)
        os.close(writer)
        assert await received == BIG + b"second"
        await asyncio.gather(first_done, second_done)


async def test_blocks_come_out_in_the_order_in_which_they_were_taken() -> None:
    with pipe() as (reader, writer):
        stdout = Output(writer)
        first, _ = open_stream(stdout)
        second, _ = open_stream(stdout)
        taken = first.write(memoryview(BIG))
        waiting = asyncio.create_task(write_all(second, b"second"))
        await asyncio.sleep(0)
        received = asyncio.create_task(asyncio.to_thread(_read_to_end, reader))
        await write_all(first, BIG[taken:])
        await write_all(first, b"third")  # at once, before the event loop gave the second its turn
        await waiting
        first.close(None)
        second.close(None)
        os.close(writer)
        assert await received == BIG + b"second" + b"third"


async def test_a_stream_that_fails_in_the_middle_of_a_block_lets_the_others_go_on() -> None:
    with pipe() as (reader, writer):
        stdout = Output(writer)
        first, _ = open_stream(stdout)
        second, _ = open_stream(stdout)
        first.write(memoryview(BIG))
        waiting = asyncio.create_task(write_all(second, b"second"))
        await asyncio.sleep(0)
        first.close(None)
        os.read(reader, len(BIG))
        await waiting
        assert os.read(reader, 100) == b"second"
        second.close(None)


async def test_an_idle_stream_does_not_keep_another_from_writing() -> None:
    target = io.BytesIO()
    stdout = Output(target)
    idle, _ = open_stream(stdout)
    await writable(idle)
    await send(stdout, b"hello")
    idle.close(None)
    assert target.getvalue() == b"hello"


# ---- back pressure


async def test_a_full_pipe_does_not_block_and_all_of_it_arrives_in_order() -> None:
    with pipe() as (reader, writer):
        size = streams.fill(writer)
        sink, done = open_stream(Output(writer))
        with pytest.raises(BlockingIOError):
            sink.write(memoryview(b"hello"))
        received = asyncio.create_task(asyncio.to_thread(_read_to_end, reader))
        await write_all(sink, BIG)
        assert not done.done()
        sink.close(None)
        await done
        os.close(writer)
        assert await received == bytes(size) + BIG


async def test_writing_leaves_the_pipe_in_blocking_mode() -> None:
    with pipe() as (_, writer):
        await send(Output(writer), b"hello")
        assert os.get_blocking(writer)


async def test_a_pipe_in_non_blocking_mode_works_too() -> None:
    with pipe() as (reader, writer):
        os.set_blocking(writer, False)
        received = asyncio.create_task(asyncio.to_thread(_read_to_end, reader))
        await send(Output(writer), BIG)
        os.close(writer)
        assert await received == BIG


async def test_two_streams_can_wait_for_the_same_full_pipe() -> None:
    with pipe() as (reader, writer):
        size = streams.fill(writer)
        sent = [asyncio.create_task(send(Output(writer), data)) for data in (b"one", b"two")]
        await asyncio.sleep(0)
        assert os.read(reader, size) == bytes(size)
        await asyncio.gather(*sent)
        assert sorted([os.read(reader, 3), os.read(reader, 3)]) == [b"one", b"two"]


async def test_a_callback_of_the_embedder_for_the_same_descriptor_stays() -> None:
    with pipe() as (reader, writer):
        streams.fill(writer)
        loop = asyncio.get_running_loop()
        loop.add_writer(writer, lambda: None)
        sink, _ = open_stream(Output(writer))
        waiting = asyncio.create_task(writable(sink))
        await asyncio.sleep(0)
        os.read(reader, 1 << 20)
        await waiting
        assert loop.remove_writer(writer)
        sink.close(None)


async def test_nothing_stays_registered_after_closing_while_waiting() -> None:
    with pipe() as (_, writer):
        streams.fill(writer)
        before = streams.open_descriptors()
        sink, done = open_stream(Output(writer))
        sink.wait_writable(lambda: pytest.fail("called after close"))
        assert streams.open_descriptors() == before + 1
        sink.close(None)
        assert streams.open_descriptors() == before
        await done


async def test_a_callback_is_not_called_after_close() -> None:
    sink, _ = open_stream(Output(io.BytesIO()))
    sink.wait_writable(lambda: pytest.fail("called after close"))
    sink.close(None)
    await asyncio.sleep(0)


# ---- errors


async def test_a_pipe_without_a_reader_is_broken() -> None:
    with pipe() as (reader, writer):
        os.close(reader)
        with pytest.raises(BrokenPipeError):
            await send(Output(writer), b"hello")


async def test_with_sigpipe_a_pipe_without_a_reader_ends_the_guest() -> None:
    with pipe() as (reader, writer):
        os.close(reader)
        with pytest.raises(GuestExit) as caught:
            await send(Output(writer, sigpipe=True), b"hello")
        assert caught.value.code == 141


async def test_a_reader_that_goes_away_while_waiting_breaks_the_pipe() -> None:
    with pipe() as (reader, writer):
        streams.fill(writer)
        sent = asyncio.create_task(send(Output(writer), b"hello"))
        await asyncio.sleep(0)
        os.close(reader)
        with pytest.raises(BrokenPipeError):
            await sent


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
async def test_a_full_device_is_an_error() -> None:
    with open("/dev/full", "wb", buffering=0) as target, pytest.raises(OSError, match="No space left"):
        await send(Output(target), b"hello")


async def test_an_exception_of_the_embedders_callable_is_raised_as_it_is() -> None:
    def fail(data: bytes) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await send(Output(fail), b"hello")


def test_a_closed_descriptor_is_refused_at_once() -> None:
    with pipe() as (_, writer):
        os.close(writer)
        with pytest.raises(OSError, match="Bad file descriptor"):
            Output(writer)


def _read_to_end(fd: int) -> bytes:
    with open(fd, "rb", closefd=False) as file:
        return file.read()
