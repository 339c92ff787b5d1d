"""The environment of a command: its variables, arguments, directory and standard streams."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from wasihost._base.frozen import Frozen
from wasihost._wasi.cli.inputs import Input, InputTarget
from wasihost._wasi.cli.outputs import Output, OutputTarget, Printed

__all__ = ["Command", "InputTarget", "OutputTarget", "Stdio"]


class Command(Frozen):
    """The environment of a host's guests, as commands.

    Without a `stdin` they have an empty one. Without a `stdout` or `stderr` their output goes where that of `print`
    goes. `Input` and `Output` have the possible types.
    With `sigpipe` a guest ends when it writes to a stdout or stderr that no process reads any more, see `Output`.
    """

    env: Mapping[str, str] = MappingProxyType({})
    args: Sequence[str] = ()
    cwd: str | None = None
    stdin: InputTarget | None = None
    stdout: OutputTarget | None = None
    stderr: OutputTarget | None = None
    sigpipe: bool = False


class Stdio:
    """The standard streams of one guest; `on_stdout` and `on_stderr` are called with written bytes."""

    def __init__(
        self,
        command: Command,
        on_stdout: Callable[[bytes], object] | None = None,
        on_stderr: Callable[[bytes], object] | None = None,
    ) -> None:
        self.stdin = Input(b"" if command.stdin is None else command.stdin)
        stdout = Printed("stdout") if command.stdout is None else command.stdout
        self.stdout = Output(stdout, sigpipe=command.sigpipe, on_write=on_stdout)
        stderr = Printed("stderr") if command.stderr is None else command.stderr
        self.stderr = Output(stderr, sigpipe=command.sigpipe, on_write=on_stderr)
