"""The environment of a command: its variables, arguments, directory and standard streams."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from wasihost._base.frozen import Frozen
from wasihost._wasi.cli.inputs import Input, InputTarget
from wasihost._wasi.cli.outputs import FileTarget, Output, Printed

if TYPE_CHECKING:
    from wasihost._wasi.cli.logged import LoggedLines, Logger

__all__ = ["Command", "InputTarget", "OutputTarget", "Stdio"]

OutputTarget: TypeAlias = "FileTarget | Logger"
"""Where output can go; a logger gets the lines of stdout as INFO and those of stderr as WARNING."""


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
        self._logged: list[LoggedLines] = []
        self.stdin = Input(b"" if command.stdin is None else command.stdin)
        stdout = Printed("stdout") if command.stdout is None else self._written(command.stdout, logging.INFO)
        self.stdout = Output(stdout, sigpipe=command.sigpipe, on_write=on_stdout)
        stderr = Printed("stderr") if command.stderr is None else self._written(command.stderr, logging.WARNING)
        self.stderr = Output(stderr, sigpipe=command.sigpipe, on_write=on_stderr)

    def _written(self, target: OutputTarget, level: int) -> FileTarget:
        if not isinstance(target, logging.Logger | logging.LoggerAdapter):
            return target
        from wasihost._wasi.cli.logged import LoggedLines  # not for guests that print

        logged = LoggedLines(target, level)
        self._logged.append(logged)
        return logged

    @property
    def logs(self) -> bool:
        """Whether some output goes to a logger, so that there is something to `close`."""
        return bool(self._logged)

    def close(self) -> None:
        """Logs the last line of a guest, if it has no newline."""
        for logged in self._logged:
            logged.close()
