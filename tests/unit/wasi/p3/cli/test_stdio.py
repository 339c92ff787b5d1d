"""wasi:cli/stdin, stdout and stderr: the streams are the core's, the futures give error-codes."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.wasi.cli.streams import read_all
from wasihost._base.streams import ByteSink, GuestStream
from wasihost._component.values import Err, Ok
from wasihost._wasi.cli.inputs import Input
from wasihost._wasi.cli.outputs import Output
from wasihost._wasi.p3.cli.stdio import Stderr, Stdin, Stdout
from wasihost._wasi.p3.cli.types import ErrorCode
from wasihost._wasi.p3.streams import ResultFuture


class Opened(GuestStream[int]):
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


def _open_stream(stdout: Stdout) -> tuple[ByteSink, ResultFuture]:
    """The sink that takes one more stream to `stdout`, and the future that the guest got."""
    stream = Opened()
    done = stdout.write_via_stream(stream)
    return stream.sink, done


async def test_the_future_of_stdin_gives_ok_at_the_end() -> None:
    source, done = Stdin(Input(b"bytes")).read_via_stream()
    assert await read_all(source) == b"bytes"
    source.close(None)
    assert await done == Ok()


async def test_a_failed_read_gives_io(tmp_path: Path) -> None:
    with (tmp_path / "in").open("wb") as write_only:
        source, done = Stdin(Input(write_only.fileno())).read_via_stream()
        with pytest.raises(OSError, match="Bad file descriptor") as caught:
            await read_all(source)
        source.close(caught.value)
        assert await done == Err(ErrorCode.IO)


@pytest.mark.parametrize("provider", [Stdout, Stderr])
async def test_the_future_of_an_output_gives_ok_when_all_is_written(provider: type[Stdout]) -> None:
    target = io.BytesIO()
    sink, done = _open_stream(provider(Output(target)))
    assert sink.write(memoryview(b"hello")) == 5
    sink.close(None)
    assert await done == Ok()
    assert target.getvalue() == b"hello"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (errno.EPIPE, ErrorCode.PIPE),
        (errno.EILSEQ, ErrorCode.ILLEGAL_BYTE_SEQUENCE),
        (errno.EIO, ErrorCode.IO),
        (errno.ENOSPC, ErrorCode.IO),
    ],
)
async def test_a_failed_write_gives_its_error_code(code: int, expected: ErrorCode) -> None:
    sink, done = _open_stream(Stdout(Output(io.BytesIO())))
    sink.close(OSError(code, os.strerror(code)))
    assert await done == Err(expected)


async def test_what_is_no_os_error_is_raised_to_the_embedder() -> None:
    sink, done = _open_stream(Stdout(Output(io.BytesIO())))
    sink.close(KeyError("mine"))
    with pytest.raises(KeyError, match="mine"):
        await done


async def test_a_future_that_nobody_wants_any_more_is_left_alone() -> None:
    sink, done = _open_stream(Stdout(Output(io.BytesIO())))
    done.cancel()
    sink.close(None)
    assert done.cancelled()
