"""What the processes of a run of the tests share: a directory, which goes with the run."""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from wasihost import Cache

_NAME = "WASIHOST_TESTS"


def directory() -> Path:
    """The directory; the first process makes it, and those that it starts from then on have it too."""
    if _NAME not in os.environ:
        os.environ[_NAME] = tempfile.mkdtemp(prefix="wasihost-tests-")
        atexit.register(_remove, os.getpid())
    return Path(os.environ[_NAME])


def _remove(maker: int) -> None:
    if os.getpid() == maker:  # and not a fork of it
        shutil.rmtree(os.environ[_NAME])


def caches() -> Path:
    """What the command line has as the user's directory of caches."""
    return directory() / "cache"


def cache() -> Cache:
    """Compiled components, so that only the first process that needs one compiles it."""
    return Cache(caches() / "wasihost")


@contextlib.contextmanager
def alone(name: str) -> Iterator[None]:
    """Meanwhile no other process is in here with this name."""
    with open(directory() / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
