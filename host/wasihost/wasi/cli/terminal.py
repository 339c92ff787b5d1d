"""wasi:cli/terminal-{input,output,stdin,stdout,stderr}: there is no terminal.

A guest may ask for one only to learn that its output is seen by a person; the resources have no methods so far.
"""

from __future__ import annotations


class TerminalInputResource:
    """`resource terminal-input`: none is ever made."""


class TerminalOutputResource:
    """`resource terminal-output`: none is ever made."""


class TerminalInput:
    """Provider of wasi:cli/terminal-input."""

    TerminalInput = TerminalInputResource


class TerminalOutput:
    """Provider of wasi:cli/terminal-output."""

    TerminalOutput = TerminalOutputResource


class TerminalStdin:
    """Provider of wasi:cli/terminal-stdin."""

    TerminalInput = TerminalInputResource

    def get_terminal_stdin(self) -> TerminalInputResource | None:
        """`get-terminal-stdin: func() -> option<terminal-input>`; none."""
        return None


class TerminalStdout:
    """Provider of wasi:cli/terminal-stdout."""

    TerminalOutput = TerminalOutputResource

    def get_terminal_stdout(self) -> TerminalOutputResource | None:
        """`get-terminal-stdout: func() -> option<terminal-output>`; none."""
        return None


class TerminalStderr:
    """Provider of wasi:cli/terminal-stderr."""

    TerminalOutput = TerminalOutputResource

    def get_terminal_stderr(self) -> TerminalOutputResource | None:
        """`get-terminal-stderr: func() -> option<terminal-output>`; none."""
        return None
