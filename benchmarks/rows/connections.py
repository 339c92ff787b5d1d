"""Many connections: one after another, one active among silent ones, all busy."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from benchmarks.contenders.base import Contender, Figures, Job, figures
from benchmarks.machine import cores_apart
from benchmarks.other_side import ROOT
from benchmarks.rows.bulk import speed
from benchmarks.work import OURS, Metric, Suite, Target, Work, at_least, at_most

ROUND_TRIP = "1 byte there and back"
GROUP, IDLE, BUSY = (
    "Connections and round trips",
    "One active connection among idle ones",
    "All connections busy at once",
)
CLIENT, LOAD = "rust-tcp-client", "rust-tcp-load"
FEW = 10
FEW_IDLE = f"{OURS}, {FEW} idle"


def works(suite: Suite) -> Iterator[Work]:
    scale = suite.scale
    targets = (at_least(0.5, "wasmtime CLI"), at_least(8, "jco"))
    # The system decides where both sides run, which doubles or halves the rate from run to run: hence more rounds.
    metric = Metric("connect and close", "per s", rate, targets)
    yield Work("connect", GROUP, _each(suite, connect), (metric,), 3 * scale.rounds)
    apart = Metric("connect and close, a core for each side", "per s", rate)
    yield Work("connect-apart", GROUP, _each(suite, connect_apart), (apart,), scale.rounds)
    yield Work("accept", GROUP, _each(suite, accept), (Metric("accept and close", "per s", rate),), scale.rounds)
    metrics = _latencies(ROUND_TRIP, at_most(1.3, "asyncio streams"))
    yield Work("pingpong", GROUP, _each(suite, pingpong), metrics, 3 * scale.rounds)
    for count in scale.idle:
        yield from idle_works(suite, count)
    for count in scale.idle[1:]:
        yield memory_work(suite, count)
    for count in scale.busy:
        yield busy_work(suite, count)


def _each(suite: Suite, do: Callable[[Suite, Contender], Figures]) -> Mapping[str, Callable[[], Figures]]:
    return {each.name: partial(do, suite, each) for each in suite.contenders}


def _latencies(title: str, *targets: Target) -> tuple[Metric, ...]:
    return (
        Metric(f"{title}, p50", "µs", lambda found: found["p50"] / 1000, targets),
        Metric(f"{title}, p99", "µs", lambda found: found["p99"] / 1000),
    )


# ---- one after another


def connect(suite: Suite, contender: Contender) -> Figures:
    rounds = max(suite.scale.connections // contender.slower, 1)
    with suite.other_side.listening("drop") as address:
        found = contender.run(CLIENT, {"MODE": "connect", "ADDRESS": address, "ROUNDS": rounds})
    return {**found, "connections": rounds}


def connect_apart(suite: Suite, contender: Contender) -> Figures:
    with cores_apart(suite.other_side.process):
        return connect(suite, contender)


def accept(suite: Suite, contender: Contender) -> Figures:
    rounds = max(suite.scale.connections // contender.slower, 1)

    def knock(line: str) -> None:
        if line.startswith("listening on "):
            suite.other_side.knock(line.split()[-1], rounds + 1)

    return contender.run(LOAD, {"MODE": "accept", "ROUNDS": rounds}, knock)


def pingpong(suite: Suite, contender: Contender) -> Figures:
    rounds = max(suite.scale.pings // contender.slower, 1)
    with suite.other_side.listening("echo") as address, cores_apart(suite.other_side.process):
        return contender.run(CLIENT, {"MODE": "pingpong", "ADDRESS": address, "CHUNK": 1, "ROUNDS": rounds})


def rate(found: Figures) -> float:
    """Connections per second."""
    return found["connections"] / found["ns"] * 1e9


# ---- one active among silent ones


def idle_works(suite: Suite, count: int) -> Iterator[Work]:
    """Throughput, and round trips with a core for each side; both beside ourselves with few idle ones."""
    many = count > FEW
    echo = (Metric(f"echo among {count:,} idle", "MiB/s", speed, (at_least(0.9, FEW_IDLE),) * many),)
    round_trip = _latencies(f"{ROUND_TRIP} among {count:,} idle", *(at_most(1.1, FEW_IDLE),) * many)
    for name, do, metrics in (("throughput", throughput, echo), ("latency", latency, round_trip)):
        contestants = {
            each.name: partial(do, suite, each, count) for each in suite.contenders if each.does({"CONNECTIONS": count})
        }
        if many:
            (ours,) = (each for each in suite.contenders if each.name == OURS)
            contestants[FEW_IDLE] = partial(do, suite, ours, FEW)
        yield Work(f"idle-{name}-{count}", IDLE, contestants, metrics, suite.scale.rounds)


def throughput(suite: Suite, contender: Contender, count: int) -> Figures:
    size = max(suite.scale.bytes // 8 // contender.share, 1)
    with suite.other_side.listening("echo") as address:
        job: Job = {"MODE": "idle", "ADDRESS": address, "CONNECTIONS": count, "BYTES": size, "ROUNDS": 1}
        return {**contender.run(LOAD, job), "bytes": size}


def latency(suite: Suite, contender: Contender, count: int) -> Figures:
    rounds = max(suite.scale.pings // contender.slower, 1)
    with suite.other_side.listening("echo") as address, cores_apart(suite.other_side.process):
        job: Job = {"MODE": "idle", "ADDRESS": address, "CONNECTIONS": count, "BYTES": 1, "ROUNDS": rounds}
        return contender.run(LOAD, job)


def memory_work(suite: Suite, count: int) -> Work:
    contestants = {name: partial(memory, suite, name, count) for name in (OURS, "asyncio streams")}
    metrics = (
        Metric(f"Python memory for each of {count:,} idle", "bytes", lambda found: found["python"], (at_most(8192),)),
        Metric(f"memory of the process for each of {count:,} idle", "bytes", lambda found: found["process"]),
    )
    return Work(f"memory-{count}", IDLE, contestants, metrics, 1)


def memory(suite: Suite, name: str, count: int) -> Figures:
    """In a process of its own: see `idle_memory`."""
    found: Figures = {}
    for what in ("python", "process"):
        with suite.other_side.listening("echo") as address:
            command = [sys.executable, "-m", "benchmarks.idle_memory", what, name, address, str(count)]
            done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
            found |= figures(done.stdout)
    return found


# ---- all busy


def busy_work(suite: Suite, count: int) -> Work:
    contestants = {
        each.name: partial(busy, suite, each, count)
        for each in suite.contenders
        if each.does({"MODE": "busy", "CONNECTIONS": count})
    }
    metrics = (
        Metric(f"echo on {count:,} at once, all together", "MiB/s", speed),
        Metric(f"echo on {count:,} at once, speed of the slowest to the fastest", "", fairness),
    )
    return Work(f"busy-{count}", BUSY, contestants, metrics, suite.scale.rounds)


def busy(suite: Suite, contender: Contender, count: int) -> Figures:
    size = max(suite.scale.bytes // 4 // contender.share // count, 1)
    with suite.other_side.listening("echo") as address:
        job: Job = {"MODE": "busy", "ADDRESS": address, "CONNECTIONS": count, "BYTES": size}
        return {**contender.run(LOAD, job), "bytes": size * count}


def fairness(found: Figures) -> float:
    """1 if all connections were done at the same time."""
    return found["fastest"] / found["slowest"]
