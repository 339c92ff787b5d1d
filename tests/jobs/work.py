"""The component and providers of the tests of jobs, which their workers import too."""

from __future__ import annotations

import multiprocessing
import os
import signal
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from wasihost import Cache, GuestTimeout, GuestTrap, Limits
from wasihost.jobs import Component

WASM = Path(__file__).with_name("work.wat")
API = "test:jobs/api"
HOST = "test:jobs/host"
WORK = f"{API}#work"
NOTE = f"{API}#note"
COUNT = f"{API}#count"
TRAPS = 7
HANGS = 13
LIMITS = Limits(run_time_s=60)
NOTES = "WASIHOST_TEST_NOTES"


class Notes:
    """Provider of `test:jobs/host` that appends each number to the file that the environment names."""

    def note(self, n: int) -> None:
        """WIT: `note: func(n: u32)`."""
        with open(os.environ[NOTES], "ab") as file:
            file.write(b"%d\n" % n)


class Killer(Notes):
    """One that ends the process then, at 0."""

    def note(self, n: int) -> None:
        """WIT: `note: func(n: u32)`."""
        super().note(n)
        if n == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class Odd(Exception):
    """One that cannot be unpickled."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


class Raising:
    """One that raises `Odd`."""

    def note(self, n: int) -> None:
        """WIT: `note: func(n: u32)`."""
        raise Odd(n, n)


def expected(n: int) -> type[BaseException] | int:
    """What `work` does with a number, under a limit of time."""
    return {TRAPS: GuestTrap, HANGS: GuestTimeout}.get(n % 100, n * 2)


def seen(outcome: Any) -> type[BaseException] | int:
    """The same of what came of it."""
    return type(outcome) if isinstance(outcome, BaseException) else int(outcome)


def component(cache: Path, provider: str = "Notes", **options: Any) -> Component:
    """A job with one of these providers."""
    options.setdefault("limits", LIMITS)
    return Component(WASM, providers={HOST: f"tests.jobs.work:{provider}"}, cache=Cache(cache), **options)


def executor(method: str = "forkserver") -> ProcessPoolExecutor:
    """Two workers."""
    return ProcessPoolExecutor(2, multiprocessing.get_context(method))
