"""What a command has of the world: its environment, arguments, directory and standard streams."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping

from wasihost.wasi.cli.inputs import Input, InputTarget
from wasihost.wasi.cli.outputs import Output, OutputTarget

__all__ = ["Command", "InputTarget", "OutputTarget"]


class Command:
    """What one guest gets as a command.

    The guest's standard streams are this process's where None is given; `Input` and `Output` say what else they can be.
    With `sigpipe` a guest ends when it writes to a stdout or stderr that no process reads any more, see `Output`.
    `on_stdout` and `on_stderr` are called with what was written.
    """

    def __init__(
        self,
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
    ) -> None:
        self.env = list((env or {}).items())
        self.args = list(args)
        self.cwd = cwd
        self.stdin = Input(_input(stdin))
        self.stdout = Output(_output(stdout, sys.stdout), sigpipe=sigpipe, on_write=on_stdout)
        self.stderr = Output(_output(stderr, sys.stderr), sigpipe=sigpipe, on_write=on_stderr)


# A process started without a standard stream has None for it: the guest then finds an empty one.


def _input(given: InputTarget | None) -> InputTarget:
    if given is None:
        return b"" if sys.stdin is None else sys.stdin
    return given


def _output(given: OutputTarget | None, inherited: OutputTarget | None) -> OutputTarget:
    if given is None:
        return (lambda data: None) if inherited is None else inherited
    return given
