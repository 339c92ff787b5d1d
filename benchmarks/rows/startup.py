"""From nothing to a guest's first line of output, and the parts of that."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeAlias

from wasmtime.component import Component

from benchmarks.contenders.base import PREBUILT, Figures
from benchmarks.contenders.guests import Process
from benchmarks.work import OURS, Metric, Suite, Target, Work, at_most
from wasihost._component.composition.compose import compose
from wasihost._component.running.engine import default_engine
from wasihost._component.world.reflect import reflect
from wasihost._component.world.wiring import Wiring

Command: TypeAlias = Sequence[str | Path]

GROUP = "Start-up"
GUEST = "rust-tcp-load"  # says hello, and has the size of what a toolchain makes
BARE = "bare import"  # python -c 'import asyncio, wasmtime.component'
BARE_COMMAND: Command = [sys.executable, "-c", "import asyncio, wasmtime.component; print('hello')"]
OUR_COMMAND: Command = [sys.executable, "-m", "wasihost", "run", PREBUILT / f"{GUEST}.wasm"]
IMPORT = (
    "import asyncio, time, wasmtime.component; start = time.perf_counter_ns(); "
    "import wasihost; print(time.perf_counter_ns() - start)"
)


def works(suite: Suite) -> Iterator[Work]:
    rounds = suite.scale.starts
    with tempfile.TemporaryDirectory() as cache:
        warm = start_contestants(suite, partial(start_warm, cache))
        yield Work("start-warm", GROUP, warm, _metric("with compiled-component caches", at_most(1.6, BARE)), rounds)
    cold = start_contestants(suite, start_cold)
    yield Work("start-cold", GROUP, cold, _metric("without caches"), rounds)
    composing = Metric("reflect and compose, beside compiling the guest", "ms", milliseconds)
    yield Work("compose", GROUP, {OURS: compose_alone, "wasmtime-py": compile_alone}, (composing,), rounds)
    importing = Metric("import wasihost", "ms", milliseconds, (at_most(15),))
    yield Work("import", GROUP, {OURS: import_alone}, (importing,), rounds)


def _metric(title: str, *targets: Target) -> tuple[Metric, ...]:
    return (Metric(f"process start to the guest's first output, {title}", "ms", milliseconds, targets),)


def start_contestants(suite: Suite, how: Callable[[Command], Figures]) -> dict[str, Callable[[], Figures]]:
    commands: dict[str, Command] = {BARE: BARE_COMMAND, OURS: OUR_COMMAND}
    commands |= {each.name: each.command(GUEST, {}) for each in suite.contenders if isinstance(each, Process)}
    return {name: partial(how, command) for name, command in commands.items()}


def start_cold(command: Command) -> Figures:
    """Where nothing was kept."""
    with tempfile.TemporaryDirectory() as cache:
        return start(cache, command)


def start_warm(cache: str, command: Command) -> Figures:
    """Where another start was just before."""
    start(cache, command)
    return start(cache, command)


def start(cache: str, command: Command) -> Figures:
    """The time to the first byte of output. All caches are below XDG_CACHE_HOME: ours, and that of the wasmtime CLI."""
    begin = time.perf_counter_ns()
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment(XDG_CACHE_HOME=cache)) as process:
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
    command = [sys.executable, "-c", IMPORT]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment()).stdout
    return {"ns": float(printed)}


def environment(**more: str) -> dict[str, str]:
    """Python keeps its compiled modules, as it does for everybody who does not forbid it."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, **more}


def milliseconds(found: Figures) -> float:
    return found["ns"] / 1e6
