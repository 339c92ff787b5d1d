"""Files in a directory of the host: bytes, and what is done for each file or entry, beside the CLI.

The directory is in memory where there is /dev/shm, so that no disk is measured.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from benchmarks.contenders.base import Contender, Figures, Job
from benchmarks.contenders.guests import Wasihost, WasmtimeCli
from benchmarks.rows.bulk import speed
from benchmarks.rows.calls import cost
from benchmarks.work import Metric, Suite, Work, at_least, at_most

GROUP = "Files"
CLI = "wasmtime CLI"
GUESTS = {"0.3": "rust-files", "0.2": "rust-p2-fs"}
CHUNKS = {"64k": 64 << 10, "1m": 1 << 20}
LEAST = {("0.3", "write"): 0.8, ("0.3", "read"): 0.8, ("0.2", "write"): 0.3, ("0.2", "read"): 0.08}
"""Of the CLI's speed, as issue 18 asks."""
EACH = {("0.3", "open"): 0.25, ("0.2", "open"): 0.15, ("0.3", "list"): 0.5, ("0.2", "list"): None}
PER_GIB = {"open": 10_000, "list": 100_000}
"""Files for each GiB of the scale, which are opened or listed."""
TITLES = {"open": "open, stat and close", "list": "entry of a directory"}
IN_MEMORY = Path("/dev/shm")


def works(suite: Suite) -> Iterator[Work]:
    contenders = [each for each in suite.contenders if isinstance(each, Wasihost | WasmtimeCli)]
    for (version, case), least in LEAST.items():
        for name, chunk in CHUNKS.items():
            job: Job = {"CASE": f"load-{case}", "BYTES": max(suite.scale.bytes // 4, chunk), "CHUNK": chunk}
            title = f"{case}, {name[:-1]} {'KiB' if name.endswith('k') else 'MiB'} chunks, WASI {version}"
            metric = Metric(title, "MiB/s", speed, (at_least(least, CLI),))
            yield _work(suite, contenders, version, f"files-{case}-{name}-{version}", job, metric)
    for (version, case), share in EACH.items():
        targets = () if share is None else (at_most(1 / share, CLI),)
        metric = Metric(f"{TITLES[case]}, WASI {version}", "µs", cost, targets)
        job = {"CASE": f"load-{case}", "COUNT": max(PER_GIB[case] * suite.scale.bytes >> 30, 10)}
        yield _work(suite, contenders, version, f"files-{case}-{version}", job, metric)


def _work(suite: Suite, contenders: Sequence[Contender], version: str, name: str, job: Job, metric: Metric) -> Work:
    contestants = {each.name: partial(do, each, GUESTS[version], job) for each in contenders}
    return Work(name, GROUP, contestants, (metric,), suite.scale.rounds)


def do(contender: Contender, guest: str, job: Job) -> Figures:
    """Does the job in a new directory, after making what is to be read or listed."""
    with tempfile.TemporaryDirectory(dir=IN_MEMORY if os.access(IN_MEMORY, os.W_OK) else None) as folder:
        if job["CASE"] == "load-read":
            contender.run(guest, {**job, "CASE": "load-write", "FOLDER": folder})
        if job["CASE"] == "load-list":
            for number in range(int(job["COUNT"])):
                Path(folder, f"file-{number}").touch()
        return contender.run(guest, {**job, "FOLDER": folder})
