"""wasi:cli/terminal-{input,output,stdin,stdout,stderr}.

A guest may ask for a terminal only to learn that a person is at the other end; the resources have no methods so far.
"""

from __future__ import annotations

from wasihost._wasi.cli.inputs import Input
from wasihost._wasi.cli.outputs import Output
from wasihost._wasi.cli.terminal import is_terminal


class TerminalInputResource:
    """`resource terminal-input`: stdin is a terminal."""


class TerminalOutputResource:
    """`resource terminal-output`: stdout or stderr is a terminal."""


class TerminalInput:
    """Provider of wasi:cli/terminal-input."""

    TerminalInput = TerminalInputResource


class TerminalOutput:
    """Provider of wasi:cli/terminal-output."""

    TerminalOutput = TerminalOutputResource


class TerminalStdin:
    """Provider of wasi:cli/terminal-stdin."""

    TerminalInput = TerminalInputResource

    def __init__(self, stdin: Input) -> None:
        self._input = stdin

    def get_terminal_stdin(self) -> TerminalInputResource | None:
        """WIT: `get-terminal-stdin: func() -> option<terminal-input>`; none if it is no terminal."""
        return TerminalInputResource() if is_terminal(self._input.target) else None


class TerminalStdout:
    """Provider of wasi:cli/terminal-stdout."""

    TerminalOutput = TerminalOutputResource

    def __init__(self, output: Output) -> None:
        self._output = output

    def get_terminal_stdout(self) -> TerminalOutputResource | None:
        """WIT: `get-terminal-stdout: func() -> option<terminal-output>`; none if it is no terminal."""
        return TerminalOutputResource() if is_terminal(self._output.target) else None


class TerminalStderr:
    """Provider of wasi:cli/terminal-stderr."""

    TerminalOutput = TerminalOutputResource

    def __init__(self, output: Output) -> None:
        self._output = output

    def get_terminal_stderr(self) -> TerminalOutputResource | None:
        """WIT: `get-terminal-stderr: func() -> option<terminal-output>`; none if it is no terminal."""
        return TerminalOutputResource() if is_terminal(self._output.target) else None
