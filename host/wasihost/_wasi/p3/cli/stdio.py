"""wasi:cli/stdin, stdout and stderr."""

from __future__ import annotations

from functools import partial

from wasihost._base.streams import ByteSource, GuestStream
from wasihost._wasi.cli.inputs import Input, InputSource
from wasihost._wasi.cli.outputs import Output, OutputSink
from wasihost._wasi.p3.cli.types import ErrorCode, error_code
from wasihost._wasi.p3.streams import ResultFuture, new_future, settle


class Stdin:
    """Provider of wasi:cli/stdin."""

    wit_types = {"error-code": ErrorCode}

    def __init__(self, stdin: Input) -> None:
        self._input = stdin

    def read_via_stream(self) -> tuple[ByteSource, ResultFuture]:
        """WIT: `read-via-stream: func() -> tuple<stream<u8>, future<result<_, error-code>>>`.

        Nothing is read before the guest reads. Several streams share the bytes: each byte goes to whoever reads first,
        and bytes read for a stream that is then dropped are lost with it.
        The future gives ok at the end of the input and when the guest drops the stream.

        Errors: `io` when reading failed.
        """
        done = new_future()
        return InputSource(self._input, partial(settle, done, error_code)), done


class Stdout:
    """Provider of wasi:cli/stdout."""

    wit_types = {"error-code": ErrorCode}

    def __init__(self, output: Output) -> None:
        self._output = output

    def write_via_stream(self, data: GuestStream[int]) -> ResultFuture:
        """WIT: `write-via-stream: func(data: stream<u8>) -> future<result<_, error-code>>`.

        The future resolves when the guest has dropped its end and everything is written and flushed. The guest's bytes
        come out in the order in which its writes completed, whichever stream they used.

        Errors: `pipe` when there is no reader any more (EPIPE), `illegal-byte-sequence` for EILSEQ, `io` for other
        failures.
        """
        done = new_future()
        data.forward(OutputSink(self._output, partial(settle, done, error_code)))
        return done


class Stderr(Stdout):
    """Provider of wasi:cli/stderr, the same for WIT as stdout."""
