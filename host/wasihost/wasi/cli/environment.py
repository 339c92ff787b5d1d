"""wasi:cli/environment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


class Environment:
    """Provider of wasi:cli/environment: tells the guest what it was constructed with, and nothing of this process."""

    def __init__(self, env: Mapping[str, str], args: Iterable[str], cwd: str | None) -> None:
        self._env, self._args, self._cwd = list(env.items()), list(args), cwd

    def get_environment(self) -> list[tuple[str, str]]:
        """WIT: `get-environment: func() -> list<tuple<string, string>>`."""
        return self._env

    def get_arguments(self) -> list[str]:
        """WIT: `get-arguments: func() -> list<string>`; the first is by custom the program's name."""
        return self._args

    def get_initial_cwd(self) -> str | None:
        """WIT: `get-initial-cwd: func() -> option<string>`."""
        return self._cwd
