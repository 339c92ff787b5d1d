"""wasi:cli/exit."""

from __future__ import annotations

from wasihost._base.errors import GuestExit
from wasihost._component.values import Err, Ok


class Exit:
    """Provider of wasi:cli/exit: ends the run by raising `GuestExit`, with code 0 for success."""

    def exit(self, status: Ok | Err) -> None:
        """WIT: `exit: func(status: result)`; code 0 for ok and 1 for err, like the result of wasi:cli/run."""
        raise GuestExit(0 if isinstance(status, Ok) else 1)

    def exit_with_code(self, status_code: int) -> None:
        """WIT: `exit-with-code: func(status-code: u8)`."""
        raise GuestExit(status_code)
