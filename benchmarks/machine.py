"""What the figures were measured on, and what it must allow."""

from __future__ import annotations

import contextlib
import os
import platform
import resource
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
def one_core(process: int) -> Iterator[None]:
    """This thread, what it starts, and another process share one core, where the system can do that.

    For what waits for an answer each time: on several cores, waking an idle one takes longer than all else, and
    whether it must be woken is chance.
    """
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    for each in (0, process):
        os.sched_setaffinity(each, {min(allowed)})
    try:
        yield
    finally:
        for each in (0, process):
            os.sched_setaffinity(each, allowed)
