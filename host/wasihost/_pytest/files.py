"""The files of a test's guests: the fixture `wasi_files`."""

from __future__ import annotations

from wasihost._base.clock import Clock
from wasihost._wasi.filesystem.virtual.memory import MemoryFiles
from wasihost._wasi.filesystem.virtual.snapshots import Changes


class GuestFiles(MemoryFiles):
    """A `MemoryFiles` that the test's guests have as `/`; times are the test's."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        super().__init__()
        self._before = self.snapshot()

    def now_ns(self) -> int:
        return self._clock.system_ns()

    def begun(self) -> None:
        """A guest begins to run."""
        self._before = self.snapshot()

    @property
    def changes(self) -> Changes:
        """The changes since the latest guest began: `added`, `changed` and `removed`, as paths."""
        return self.diff(self._before)

    def text(self, path: str) -> str:
        """The content of a file, in UTF-8. Errors: KeyError, UnicodeDecodeError."""
        return self[path].decode()
