"""wasi:cli/stdin, stdout and stderr."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from wasihost.streams import ByteSource, Outcome, StreamReader
from wasihost.wasi.cli.inputs import Input, InputSource, InputTarget
from wasihost.wasi.cli.outputs import Output, OutputSink, OutputTarget
from wasihost.wasi.cli.types import Done, ErrorCode


class Stdin:
    """Provider of wasi:cli/stdin.

    `target` is a file descriptor, a binary or text file object (text is given as UTF-8), bytes, or a callable that is
    told how many bytes are wanted and gives some, b"" at the end. It is never closed. From a pipe, terminal or socket
    the guest gets nothing that Python's own file object had read ahead before. Any other file object and a callable
    should answer at once: the event loop waits for them.
    """

    wit_types = {"error-code": ErrorCode}

    def __init__(self, target: InputTarget) -> None:
        self._input = Input(target)

    def read_via_stream(self) -> tuple[ByteSource, Done]:
        """WIT: `read-via-stream: func() -> tuple<stream<u8>, future<result<_, error-code>>>`.

        Nothing is read before the guest reads. Several streams share the bytes: each byte goes to whoever reads first,
        and what was read for a stream that is then dropped is lost with it.
        The future gives ok at the end of the input and when the guest drops the stream.

        Errors: `io` when reading failed.
        """
        done: Done = Outcome(loop=asyncio.get_running_loop())
        return InputSource(self._input, done), done


class Stdout:
    """Provider of wasi:cli/stdout.

    `target` is a file descriptor, a binary or text file object (which gets the bytes decoded as UTF-8 where it has no
    binary `buffer`), or a callable that takes each block as bytes. It is never closed. For `sigpipe` and `on_write` see
    `Output`.
    """

    wit_types = {"error-code": ErrorCode}

    def __init__(
        self, target: OutputTarget, *, sigpipe: bool = False, on_write: Callable[[bytes], object] | None = None
    ) -> None:
        self._output = Output(target, sigpipe=sigpipe, on_write=on_write)

    def write_via_stream(self, data: StreamReader[int]) -> Done:
        """WIT: `write-via-stream: func(data: stream<u8>) -> future<result<_, error-code>>`.

        The future resolves when the guest has dropped its end and everything is written and flushed. What the guest
        wrote comes out in the order in which its writes completed, whichever stream they used.

        Errors: `pipe` when nobody reads any more (EPIPE), `illegal-byte-sequence` for EILSEQ, `io` for other failures.
        """
        done: Done = Outcome(loop=asyncio.get_running_loop())
        data.forward(OutputSink(self._output, done))
        return done


class Stderr(Stdout):
    """Provider of wasi:cli/stderr, which is to WIT what stdout is."""
