"""`wasi:cli/environment`."""

from __future__ import annotations

from wasihost._wasi.cli import Command, texts


class Environment:
    """Provider of wasi:cli/environment: the values that the command was made with, and nothing of this process."""

    def __init__(self, command: Command) -> None:
        self._command = command

    def get_environment(self) -> list[tuple[str, str]]:
        """WIT: `get-environment: func() -> list<tuple<string, string>>`."""
        return texts.variables(self._command.env)

    def get_arguments(self) -> list[str]:
        """WIT: `get-arguments: func() -> list<string>`; the first is by custom the program's name."""
        return texts.arguments(self._command.args)

    def initial_cwd(self) -> str | None:
        """WIT: `initial-cwd: func() -> option<string>`."""
        return texts.directory(self._command.cwd)
