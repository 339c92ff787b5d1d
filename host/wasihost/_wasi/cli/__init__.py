"""What a command has of the world: its environment, arguments, directory and standard streams."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from wasihost._wasi.cli.inputs import Input, InputTarget
from wasihost._wasi.cli.outputs import Output, OutputTarget, Printed

__all__ = ["Command", "InputTarget", "OutputTarget"]


class Command:
    """What one guest gets as a command.

    Without a `stdin` it has an empty one. Without a `stdout` or `stderr` its output goes where that of `print` goes.
    `Input` and `Output` say what they can be.
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
        self.stdin = Input(b"" if stdin is None else stdin)
        self.stdout = Output(Printed("stdout") if stdout is None else stdout, sigpipe=sigpipe, on_write=on_stdout)
        self.stderr = Output(Printed("stderr") if stderr is None else stderr, sigpipe=sigpipe, on_write=on_stderr)
