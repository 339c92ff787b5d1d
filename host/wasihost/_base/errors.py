"""Every exception that wasihost raises to the embedder, in one tree.

A guest never sees one of these: a refused system call is an `error-code` value to the guest,
see `wasihost.WitError`.
"""

from __future__ import annotations

import copyreg
from collections.abc import Sequence
from typing import Any

from wasihost._base.quoting import line

_MOST_LINES = 100


class WasihostError(Exception):
    """Base of all exceptions of this library, made of the lines of its message.

    Names that a guest chose can be in them: so each is one line, of bounded length and without control characters.

    Each can be pickled. So one that replaces an error of Wasmtime is raised outside of the `except`: the other, which
    holds pointers, would go with it as its context.
    """

    def __init__(self, *lines: str) -> None:
        more = len(lines) - _MOST_LINES
        shown = [*lines[:_MOST_LINES], f"and {more} more lines"] if more > 0 else lines
        super().__init__(*map(line, shown))

    def __str__(self) -> str:
        return "\n".join(self.args)

    def __reduce__(self) -> tuple[Any, ...]:
        # Without `__init__`, as `args` are not its parameters. Notes are in the dictionary.
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class ComponentError(WasihostError):
    """The bytes are not a component that Wasmtime accepts."""


class LinkError(WasihostError):
    """An import of the component has no provider, or a provider that does not fit it."""


class UnsupportedTypeError(WasihostError):
    """A WIT type that this library cannot express; names the WIT path."""


class ConfigError(WasihostError, ValueError):
    """A setting that cannot be understood: an entry of `host_names`, a limit, a quota, a planned fault, an address."""


class RuleError(ConfigError):
    """A rule of a policy that cannot be understood.

    `position` is that of the character in the rule that is wrong, its length if something is missing at the end; None
    where there is no such place.
    """

    position: int | None = None

    @classmethod
    def at(cls, rule: str, position: int, found: str, expected: str) -> RuleError:
        """The error for a place in a rule, which the message points at."""
        shown = "".join(letter if letter.isprintable() else "?" for letter in rule)
        what = f"found {found!r}" if found else "found nothing"
        error = cls(
            f"rule {rule!r}: expected {expected}, {what} at position {position}",
            f"    {shown}",
            f"    {' ' * position}^",
        )
        error.position = position
        return error


class ProviderError(WasihostError):
    """A provider returned something that is not a value of the WIT type."""


class LimitError(WasihostError):
    """A limit of the host was reached; `limit` and `value` say which, if it is one of `Limits`."""

    def __init__(
        self, message: str, limit: str | None = None, value: float | None = None, backtrace: Sequence[str] = ()
    ) -> None:
        super().__init__(message, *backtrace)
        self.limit = limit
        self.value = value


class GuestTimeout(LimitError):
    """The guest took longer than `run_time_s`, or computed longer than `cpu_time_s`."""


class GuestTrap(WasihostError):
    """The guest broke a rule and was stopped; the message is the reason, then the wasm backtrace."""


class GuestExit(WasihostError):
    """The guest ended with an exit code other than success.

    `code` is 1 when `wasi:cli/run` returned err, else the code given to `wasi:cli/exit`.
    """

    def __init__(self, code: int) -> None:
        super().__init__(f"the guest exited with code {code}")
        self.code = code


class DeadlockError(WasihostError):
    """The guest waits for something that can never happen; lists everything that it waits for."""


class ForkError(WasihostError, RuntimeError):
    """A forked process used something that works only in the process that made it; says what to use instead."""


class RecordingError(WasihostError):
    """A recording that cannot be read, naming the file and the line, or not be written."""


class DivergenceError(WasihostError):
    """A replayed guest does something else than was recorded; says what was expected, and what it did."""


class MissingExtraError(WasihostError):
    """A feature needs a library that is not installed; says what to install."""

    def __init__(self, extra: str, why: str) -> None:
        super().__init__(f"{why}, which is not installed: pip install 'wasihost[{extra}]'")


class InternalError(WasihostError):
    """An invariant of this library is broken: please report it."""
