"""wasi:cli/terminal-{input,output,stdin,stdout,stderr}.

A guest may ask for a terminal only to learn that a person is at the other end; the resources have no methods so far.
"""

from __future__ import annotations

import os


class TerminalInputResource:
    """`resource terminal-input`: stdin is a terminal."""


class TerminalOutputResource:
    """`resource terminal-output`: stdout or stderr is a terminal."""


def is_terminal(target: object) -> bool:
    """Whether a file descriptor or file object is one; no other object is."""
    if isinstance(target, int):
        return os.isatty(target)
    return bool(isatty()) if callable(isatty := getattr(target, "isatty", None)) else False


class TerminalInput:
    """Provider of wasi:cli/terminal-input."""

    TerminalInput = TerminalInputResource


class TerminalOutput:
    """Provider of wasi:cli/terminal-output."""

    TerminalOutput = TerminalOutputResource


class TerminalStdin:
    """Provider of wasi:cli/terminal-stdin."""

    TerminalInput = TerminalInputResource

    def __init__(self, target: object) -> None:
        self._target = target

    def get_terminal_stdin(self) -> TerminalInputResource | None:
        """WIT: `get-terminal-stdin: func() -> option<terminal-input>`; none if `target` is no terminal."""
        return TerminalInputResource() if is_terminal(self._target) else None


class TerminalStdout:
    """Provider of wasi:cli/terminal-stdout."""

    TerminalOutput = TerminalOutputResource

    def __init__(self, target: object) -> None:
        self._target = target

    def get_terminal_stdout(self) -> TerminalOutputResource | None:
        """WIT: `get-terminal-stdout: func() -> option<terminal-output>`; none if `target` is no terminal."""
        return TerminalOutputResource() if is_terminal(self._target) else None


class TerminalStderr:
    """Provider of wasi:cli/terminal-stderr."""

    TerminalOutput = TerminalOutputResource

    def __init__(self, target: object) -> None:
        self._target = target

    def get_terminal_stderr(self) -> TerminalOutputResource | None:
        """WIT: `get-terminal-stderr: func() -> option<terminal-output>`; none if `target` is no terminal."""
        return TerminalOutputResource() if is_terminal(self._target) else None
