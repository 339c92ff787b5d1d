"""The result of a captured run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from wasihost._base.errors import GuestExit
from wasihost._base.frozen import Frozen
from wasihost._base.quoting import printable

MOST_NOTED = 4000
NEWLINES = "\n\t"


class RunResult(Frozen):
    """The exit code and the output of a run, from `Host.run(component, capture=True)`.

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
    """The output and the exit code of a guest, for a `RunResult`."""

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
                last = self.stderr[-MOST_NOTED:].decode("utf-8", "backslashreplace")
                error.add_note(f"the guest wrote to stderr: {printable(last, keep=NEWLINES)}")
            raise

    def result(self) -> RunResult:
        """The result of the run that has ended."""
        return RunResult(self._code, bytes(self.stdout), bytes(self.stderr))
