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
