"""`wasi:cli/stdin`, `stdout` and `stderr`."""

from __future__ import annotations

from wasihost._base.streams import Unwritten
from wasihost._wasi.cli.inputs import Input, InputSource
from wasihost._wasi.cli.outputs import Output, OutputSink
from wasihost._wasi.p2.io.streams import InputStream, OutputStream


def _ended(error: BaseException | None) -> None:
    """Whoever holds the stream got the error."""


class Stdin:
    """Provider of wasi:cli/stdin."""

    def __init__(self, stdin: Input) -> None:
        self._input = stdin

    def get_stdin(self) -> InputStream:
        """WIT: `get-stdin: func() -> input-stream`; all share the bytes, and each goes to whoever reads first."""
        return InputStream(InputSource(self._input, _ended))


class Stdout:
    """Provider of wasi:cli/stdout."""

    def __init__(self, output: Output, unwritten: Unwritten) -> None:
        self._output = output
        self._unwritten = unwritten

    def get_stdout(self) -> OutputStream:
        """WIT: `get-stdout: func() -> output-stream`."""
        return OutputStream(OutputSink(self._output, _ended), asks_first=False, unwritten=self._unwritten)


class Stderr:
    """Provider of wasi:cli/stderr."""

    def __init__(self, output: Output, unwritten: Unwritten) -> None:
        self._output = output
        self._unwritten = unwritten

    def get_stderr(self) -> OutputStream:
        """WIT: `get-stderr: func() -> output-stream`."""
        return OutputStream(OutputSink(self._output, _ended), asks_first=False, unwritten=self._unwritten)
