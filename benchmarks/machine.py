"""What the figures were measured on, and what it must allow."""

from __future__ import annotations

import contextlib
import os
import platform
import resource
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

ENOUGH_FILES = 20_000


def describe() -> dict[str, str]:
    """Everything that the figures depend on, by what a reader calls it."""
    return {
        "CPU": f"{_cpu_model()}, {os.cpu_count()} cores",
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "wasmtime-py": version("wasmtime"),
        "wasihost": version("wasihost"),
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown CPU"
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.machine())


def raise_file_limit() -> None:
    """Lets this process and its children hold many connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH_FILES if hard == resource.RLIM_INFINITY else min(ENOUGH_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


@contextlib.contextmanager
def cores_apart(process: int) -> Iterator[None]:
    """This thread and what it starts have a core, another process has another, where the system has two.

    For what waits for an answer each time: whether both sides share a core, where none has to be woken, is chance.
    """
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(allowed) < 2:
        yield
        return
    for each, core in zip((0, process), allowed, strict=False):
        os.sched_setaffinity(each, {core})
    try:
        yield
    finally:
        for each in (0, process):
            os.sched_setaffinity(each, allowed)


def cpu_ns() -> int:
    """The CPU time of this process and of those below it, which /proc has."""
    return time.process_time_ns() + sum(map(_cpu_ns_of, family(os.getpid())[1:]))


def cpu_ns_of(process: int) -> int:
    """That of another process and of those below it."""
    return sum(map(_cpu_ns_of, family(process)))


def family(process: int) -> list[int]:
    """A process, and those below it as far as /proc has them."""
    below: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended
            parent = int(path.read_text(encoding="ascii").rpartition(")")[2].split()[1])
            below.setdefault(parent, []).append(int(path.parent.name))
    found = [process]
    for each in found:
        found += below.get(each, [])
    return found


def _cpu_ns_of(process: int) -> int:
    """The CPU time of its threads (https://docs.kernel.org/scheduler/sched-stats.html)."""
    found = 0
    for path in Path(f"/proc/{process}/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):
            found += int(path.read_text(encoding="ascii").split()[0])
    return found
