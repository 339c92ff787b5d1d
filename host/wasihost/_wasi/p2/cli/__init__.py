"""`wasi:cli` 0.2: the environment of a command, its standard streams, and its exit."""

from __future__ import annotations

from typing import Final

from wasihost._base.streams import Unwritten
from wasihost._wasi.cli import Command, Stdio

IN_ORDER: Final = ("wasi:cli/exit@0.2.0#exit", "wasi:cli/exit@0.2.0#exit-with-code")
"""Functions that must come after the guest's operations on streams: output written before an exit is output."""


def providers(command: Command, stdio: Stdio, unwritten: Unwritten) -> dict[str, object]:
    """A provider for each interface that wasi:cli imports."""
    # Importing wasihost shall not take the time of these.
    from wasihost._wasi.common.exit import Exit
    from wasihost._wasi.common.terminal import (
        TerminalInput,
        TerminalOutput,
        TerminalStderr,
        TerminalStdin,
        TerminalStdout,
    )
    from wasihost._wasi.p2.cli.environment import Environment
    from wasihost._wasi.p2.cli.stdio import Stderr, Stdin, Stdout

    return {
        "wasi:cli/environment@0.2.0": Environment(command),
        "wasi:cli/exit@0.2.0": Exit(),
        "wasi:cli/stdin@0.2.0": Stdin(stdio.stdin),
        "wasi:cli/stdout@0.2.0": Stdout(stdio.stdout, unwritten),
        "wasi:cli/stderr@0.2.0": Stderr(stdio.stderr, unwritten),
        "wasi:cli/terminal-input@0.2.0": TerminalInput(),
        "wasi:cli/terminal-output@0.2.0": TerminalOutput(),
        "wasi:cli/terminal-stdin@0.2.0": TerminalStdin(stdio.stdin),
        "wasi:cli/terminal-stdout@0.2.0": TerminalStdout(stdio.stdout),
        "wasi:cli/terminal-stderr@0.2.0": TerminalStderr(stdio.stderr),
    }
