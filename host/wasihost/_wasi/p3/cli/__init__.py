"""wasi:cli 0.3: the environment of a command, its standard streams, and its exit."""

from __future__ import annotations

from typing import Final

from wasihost._wasi.cli import Command, Stdio

IN_ORDER: Final = ("wasi:cli/exit@0.3.0#exit", "wasi:cli/exit@0.3.0#exit-with-code")
"""Functions that must come after the guest's operations on streams: output written before an exit is output."""


def providers(command: Command, stdio: Stdio) -> dict[str, object]:
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
    from wasihost._wasi.p3.cli.environment import Environment
    from wasihost._wasi.p3.cli.stdio import Stderr, Stdin, Stdout
    from wasihost._wasi.p3.cli.types import Types

    return {
        "wasi:cli/environment@0.3.0": Environment(command),
        "wasi:cli/exit@0.3.0": Exit(),
        "wasi:cli/types@0.3.0": Types(),
        "wasi:cli/stdin@0.3.0": Stdin(stdio.stdin),
        "wasi:cli/stdout@0.3.0": Stdout(stdio.stdout),
        "wasi:cli/stderr@0.3.0": Stderr(stdio.stderr),
        "wasi:cli/terminal-input@0.3.0": TerminalInput(),
        "wasi:cli/terminal-output@0.3.0": TerminalOutput(),
        "wasi:cli/terminal-stdin@0.3.0": TerminalStdin(stdio.stdin),
        "wasi:cli/terminal-stdout@0.3.0": TerminalStdout(stdio.stdout),
        "wasi:cli/terminal-stderr@0.3.0": TerminalStderr(stdio.stderr),
    }
