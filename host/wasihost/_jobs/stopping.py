"""How the calls of a `map` are stopped in other processes: the end of a FIFO that they read says that none is wanted.

The process that maps holds the writable end, see fifo(7), so its death stops them too. Workers on another machine find
no FIFO, and their calls run to their end.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import Iterator


class Stop:
    """The writable end; `path` is what workers watch."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="wasihost-", ignore_cleanup_errors=True)
        self.path = os.path.join(self._directory.name, "stop")
        os.mkfifo(self.path, 0o600)
        # Also for reading, or it would wait for a reader.
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        self._is_set = False

    def set(self) -> None:
        """Stops the calls that are under way, and those that begin from now on."""
        if not self._is_set:
            self._is_set = True
            os.close(self._descriptor)

    def close(self) -> None:
        """No call is under way any more."""
        self.set()
        self._directory.cleanup()


@contextlib.contextmanager
def stopped_by(path: str | None) -> Iterator[None]:
    """Cancels the current task once `Stop.set` was called."""
    try:
        descriptor = None if path is None else os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        descriptor = None
    if descriptor is None:
        yield
        return
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None

    def look() -> None:
        with contextlib.suppress(BlockingIOError):  # while there is a writer
            os.read(descriptor, 1)
            loop.remove_reader(descriptor)
            task.cancel()

    try:
        loop.add_reader(descriptor, look)
        look()  # as poll(2) reports no end of a FIFO that had no writer since it was opened
        yield
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
