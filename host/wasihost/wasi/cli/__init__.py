"""wasi:cli 0.3: what a command is told, its standard streams, and how it ends."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from wasihost.wasi.cli.environment import Environment
from wasihost.wasi.cli.exit import Exit
from wasihost.wasi.cli.inputs import InputTarget
from wasihost.wasi.cli.outputs import OutputTarget
from wasihost.wasi.cli.stdio import Stderr, Stdin, Stdout
from wasihost.wasi.cli.terminal import TerminalInput, TerminalOutput, TerminalStderr, TerminalStdin, TerminalStdout
from wasihost.wasi.cli.types import ErrorCode, Types

__all__ = ["IN_ORDER", "ErrorCode", "InputTarget", "OutputTarget", "providers"]

IN_ORDER: Final = ("wasi:cli/exit#exit", "wasi:cli/exit#exit-with-code")
"""Functions that must come after what the guest did with streams: what it wrote before an exit is output."""


def providers(
    env: Mapping[str, str] | None = None,
    args: Iterable[str] = (),
    cwd: str | None = None,
    stdin: InputTarget | None = None,
    stdout: OutputTarget | None = None,
    stderr: OutputTarget | None = None,
    *,
    sigpipe: bool = False,
    on_stdout: Callable[[bytes], object] | None = None,
    on_stderr: Callable[[bytes], object] | None = None,
) -> dict[str, object]:
    """A provider for each interface that wasi:cli imports, by its name without the version.

    The guest's standard streams are this process's where None is given; `Stdin` and `Stdout` say what else they can be.
    With `sigpipe` a guest ends when it writes to a stdout or stderr that nobody reads any more, see `Output`.
    `on_stdout` and `on_stderr` are told what was written.
    """
    source, out, err = _input(stdin), _output(stdout, sys.stdout), _output(stderr, sys.stderr)
    return {
        "wasi:cli/environment": Environment(env or {}, args, cwd),
        "wasi:cli/exit": Exit(),
        "wasi:cli/types": Types(),
        "wasi:cli/stdin": Stdin(source),
        "wasi:cli/stdout": Stdout(out, sigpipe=sigpipe, on_write=on_stdout),
        "wasi:cli/stderr": Stderr(err, sigpipe=sigpipe, on_write=on_stderr),
        "wasi:cli/terminal-input": TerminalInput(),
        "wasi:cli/terminal-output": TerminalOutput(),
        "wasi:cli/terminal-stdin": TerminalStdin(source),
        "wasi:cli/terminal-stdout": TerminalStdout(out),
        "wasi:cli/terminal-stderr": TerminalStderr(err),
    }


# A process started without a standard stream has None for it: the guest then finds an empty one.


def _input(given: InputTarget | None) -> InputTarget:
    if given is None:
        return b"" if sys.stdin is None else sys.stdin
    return given


def _output(given: OutputTarget | None, inherited: OutputTarget | None) -> OutputTarget:
    if given is None:
        return (lambda data: None) if inherited is None else inherited
    return given
