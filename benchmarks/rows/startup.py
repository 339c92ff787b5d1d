"""From nothing to a guest's first line of output, and the parts of that."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from wasmtime.component import Component

from benchmarks.contenders.base import PREBUILT, Figures
from benchmarks.contenders.guests import Process
from benchmarks.work import OURS, Metric, Suite, Work, at_most
from wasihost.component.composition.compose import compose
from wasihost.component.running.engine import default_engine
from wasihost.component.world.reflect import reflect
from wasihost.component.world.wiring import Wiring

GROUP = "Start-up"
GUEST = "rust-tcp-load"  # says hello, and has the size of what a toolchain makes
BARE = "bare import"  # python -c 'import asyncio, wasmtime.component'
BARE_COMMAND = [sys.executable, "-c", "import asyncio, wasmtime.component; print('hello')"]
OUR_COMMAND: list[str | Path] = [sys.executable, "-m", "wasihost", "run", PREBUILT / f"{GUEST}.wasm"]
IMPORT = (
    "import asyncio, time, wasmtime.component; start = time.perf_counter_ns(); "
    "import wasihost; print(time.perf_counter_ns() - start)"
)


def works(suite: Suite) -> Iterator[Work]:
    rounds = max(suite.scale.rounds * 3, 1)
    yield start_work(suite, "warm", "with compiled-component caches", rounds)
    yield start_work(suite, "cold", "without caches", rounds)
    yield Work(
        "compose",
        GROUP,
        {OURS: compose_alone, "wasmtime-py": compile_alone},
        (Metric("reflect and compose, beside compiling the guest", "ms", milliseconds),),
        rounds,
    )
    yield Work(
        "import", GROUP, {OURS: import_alone}, (Metric("import wasihost", "ms", milliseconds, (at_most(15),)),), rounds
    )


def start_work(suite: Suite, name: str, title: str, rounds: int) -> Work:
    """Caches are below XDG_CACHE_HOME: ours, and that of the wasmtime CLI."""
    commands: dict[str, Sequence[str | Path]] = {BARE: BARE_COMMAND, OURS: OUR_COMMAND}
    commands |= {each.name: each.command(GUEST, {}) for each in suite.contenders if isinstance(each, Process)}
    cache = tempfile.TemporaryDirectory() if name == "warm" else None
    contestants = {each: partial(start, command, cache) for each, command in commands.items()}
    if cache:
        for run in contestants.values():
            run()
    targets = (at_most(1.6, BARE),) if cache else ()
    metric = Metric(f"process start to the guest's first output, {title}", "ms", milliseconds, targets)
    return Work(f"start-{name}", GROUP, contestants, (metric,), rounds)


def start(command: Sequence[str | Path], cache: tempfile.TemporaryDirectory[str] | None) -> Figures:
    """The time to the first byte of output."""
    with tempfile.TemporaryDirectory() as empty:
        environment = {**os.environ, "XDG_CACHE_HOME": cache.name if cache else empty}
        begin = time.perf_counter_ns()
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
            assert process.stdout is not None
            first = process.stdout.read(1)
            nanoseconds = time.perf_counter_ns() - begin
            process.stdout.read()
    assert first, f"{command} printed nothing"
    return {"ns": nanoseconds}


def compose_alone() -> Figures:
    wasm = (PREBUILT / f"{GUEST}.wasm").read_bytes()
    begin = time.perf_counter_ns()
    compose(Wiring(reflect(default_engine(), wasm)), wasm)
    return {"ns": time.perf_counter_ns() - begin}


def compile_alone() -> Figures:
    wasm = (PREBUILT / f"{GUEST}.wasm").read_bytes()
    begin = time.perf_counter_ns()
    Component(default_engine(), wasm)
    return {"ns": time.perf_counter_ns() - begin}


def import_alone() -> Figures:
    printed = subprocess.run([sys.executable, "-c", IMPORT], check=True, stdout=subprocess.PIPE, text=True).stdout
    return {"ns": float(printed)}


def milliseconds(found: Figures) -> float:
    return found["ns"] / 1e6
