"""The other side of every connection, a process of its own: see `server`."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]  # where `-m` finds us


class OtherSide:
    """Starts it; `with` ends it."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "benchmarks.server"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> OtherSide:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    @contextlib.contextmanager
    def listening(self, what: str) -> Iterator[str]:
        """It listens and does `what`; the address."""
        self._tell(what)
        assert self._process.stdout is not None
        yield f"127.0.0.1:{self._process.stdout.readline().strip()}"
        self._tell("close")

    @property
    def process(self) -> int:
        """Its id."""
        return self._process.pid

    def knock(self, address: str, count: int) -> None:
        """It connects so many times; does not wait for that."""
        self._tell(f"knock {address} {count}")

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
