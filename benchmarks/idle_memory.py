"""What one idle connection costs a Python host in memory: `idle_memory (python|process) CONTENDER ADDRESS CONNECTIONS`.

`python` is what the interpreter allocated (tracemalloc, which slows everything down), `process` the resident set. A
process of its own, so that nothing else is in it.
"""

from __future__ import annotations

import gc
import os
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

from benchmarks.contenders.base import Contender, Job
from benchmarks.contenders.guests import Wasihost
from benchmarks.contenders.streams import AsyncioStreams
from benchmarks.machine import raise_file_limit


def allocated() -> int:
    """Bytes that Python's allocators gave out."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def resident() -> int:
    """Bytes of the process in memory; Linux only."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


METERS: dict[str, Callable[[], int]] = {"python": allocated, "process": resident}


def main() -> None:
    what, name, address, count = sys.argv[1:]
    contenders: dict[str, Contender] = {each.name: each for each in (Wasihost(), AsyncioStreams())}
    meter, before = METERS[what], 0

    def measure(line: str) -> None:
        nonlocal before
        if line == "none open":
            before = meter()
        elif line == "all open":
            print(f"{(meter() - before) // int(count)} {what}", flush=True)
            os._exit(0)  # nobody wants to wait until all are closed

    raise_file_limit()
    if what == "python":
        tracemalloc.start()
    job: Job = {"MODE": "idle", "ADDRESS": address, "CONNECTIONS": int(count), "BYTES": 1, "ROUNDS": 1}
    contenders[name].run("rust-tcp-load", job, measure)


if __name__ == "__main__":
    main()
