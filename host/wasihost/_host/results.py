"""What a run gives that was captured."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from wasihost._base.errors import GuestExit
from wasihost._base.frozen import Frozen


class RunResult(Frozen):
    """How a run ended and what it wrote, from `Host.run(component, capture=True)`.

    - `code`: the exit code; 1 if the guest's `run` gave err.
    - `stdout_bytes`, `stderr_bytes`: the output.
    """

    code: int
    stdout_bytes: bytes
    stderr_bytes: bytes

    @property
    def stdout(self) -> str:
        """The output as text; bytes that are not UTF-8 as escapes."""
        return self.stdout_bytes.decode("utf-8", "backslashreplace")

    @property
    def stderr(self) -> str:
        """The same of stderr."""
        return self.stderr_bytes.decode("utf-8", "backslashreplace")


class Captured:
    """What a guest has written and how it ended, for a `RunResult`."""

    def __init__(self) -> None:
        self.stdout = bytearray()
        self.stderr = bytearray()
        self._code = 0

    @contextlib.contextmanager
    def ending(self) -> Iterator[None]:
        """Keeps the exit code of the guest that runs within; a note on other exceptions has its stderr."""
        try:
            yield
        except GuestExit as end:
            self._code = end.code
        except Exception as error:
            if self.stderr:
                error.add_note(f"the guest wrote to stderr: {self.stderr.decode('utf-8', 'backslashreplace')}")
            raise

    def result(self) -> RunResult:
        """All of it."""
        return RunResult(self._code, bytes(self.stdout), bytes(self.stderr))
