"""WASI 0.2 served from Python: std's sockets, output, clock and sleep, beside 0.3 and beside Wasmtime's own 0.2."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import IO, Literal

import wasmtime
from wasmtime.component import Component, Linker

import wasihost
from benchmarks.contenders.base import PREBUILT, Contender, Figures, Job, figures
from benchmarks.contenders.guests import Process, load
from benchmarks.machine import cores_apart
from benchmarks.rows.bulk import speed
from benchmarks.rows.calls import cost, timed
from benchmarks.work import OURS, Metric, Suite, Work, at_least, at_most
from wasihost import Host, Limits, allow_all
from wasihost._component.running.engine import default_engine

GROUP = "WASI 0.2"
GUEST, MANY = "rust-p2-net", "rust-p2-tokio"
CLI, OF_0_3, NATIVE, COPY, ONE = "wasmtime CLI", "wasihost, 0.3", "native 0.2", "Wasmtime's copy", "one guest"
CHUNK = 1 << 16
TOGETHER, EXCHANGES = 50, 20


def works(suite: Suite) -> Iterator[Work]:
    rounds = suite.scale.rounds
    guests = {each.name: each for each in suite.contenders if each.name in (OURS, CLI)}
    yield Work("p2-pingpong", GROUP, _pingpongs(suite, guests), _round_trip(), 3 * rounds)
    for case in ("send", "receive"):
        contestants = {name: partial(move, suite, each, case) for name, each in guests.items()}
        contestants[OF_0_3] = partial(move_with_0_3, suite, guests[OURS], case)
        contestants[COPY] = partial(copy, suite.scale.seconds)
        metric = Metric(f"std::net, {case}", "MiB/s", speed, (at_least(0.15, CLI), at_least(0.8, COPY)))
        yield Work(f"p2-{case}", GROUP, contestants, (metric,), rounds)
    for case, title, limit in (("print", "println!", 10), ("now", "Instant::now", 25)):
        hosts: dict[str, Callable[[Job], Figures]] = {OURS: partial(serve, "python"), NATIVE: partial(serve, "native")}
        hosts |= {name: partial(run_alone, each) for name, each in guests.items() if isinstance(each, Process)}
        repeats = {name: partial(repeat, suite, case, run) for name, run in hosts.items()}
        metric = Metric(title, "µs", cost, (at_most(limit, NATIVE),))
        yield Work(f"p2-{case}", GROUP, repeats, (metric,), rounds)
    asleep = {OURS: partial(sleep, TOGETHER), ONE: partial(sleep, 1)}
    metric = Metric(f"{TOGETHER} guests asleep for a second at once", "ms", milliseconds, (at_most(1.2, ONE),))
    yield Work("p2-sleep", GROUP, asleep, (metric,), rounds)
    for count in suite.scale.busy:
        polled = {name: partial(exchange, suite, each, count) for name, each in guests.items()}
        title = f"1 KB there and back on each of {count:,} connections of a guest with itself, through one poll"
        yield Work(f"p2-poll-{count}", GROUP, polled, (Metric(title, "ms", milliseconds),), rounds)


def milliseconds(found: Figures) -> float:
    return found["ns"] / 1e6


# ---- sockets


def _round_trip() -> tuple[Metric, ...]:
    title = "std::net, 1 byte there and back"
    return (
        Metric(f"{title}, p50", "µs", lambda found: found["p50"] / 1000, (at_most(1.5, OF_0_3),)),
        Metric(f"{title}, p99", "µs", lambda found: found["p99"] / 1000),
    )


def _pingpongs(suite: Suite, guests: Mapping[str, Contender]) -> Mapping[str, Callable[[], Figures]]:
    job: Job = {"CASE": "pingpong"}
    contestants = {name: partial(pingpong, suite, each, GUEST, job) for name, each in guests.items()}
    of_0_3: Job = {"MODE": "pingpong", "CHUNK": 1}
    return {**contestants, OF_0_3: partial(pingpong, suite, guests[OURS], "rust-tcp-client", of_0_3)}


def pingpong(suite: Suite, contender: Contender, guest: str, job: Job) -> Figures:
    with suite.other_side.listening("echo") as address, cores_apart(suite.other_side.process):
        return contender.run(guest, {**job, "ADDRESS": address, "ROUNDS": suite.scale.pings})


def move(suite: Suite, contender: Contender, case: str) -> Figures:
    size = max(suite.scale.bytes // 4, CHUNK)
    with suite.other_side.listening("sink" if case == "send" else f"flood {size}") as address:
        return contender.run(GUEST, {"CASE": case, "ADDRESS": address, "BYTES": size, "CHUNK": CHUNK})


def move_with_0_3(suite: Suite, contender: Contender, case: str) -> Figures:
    size = max(suite.scale.bytes // 4, CHUNK)
    with suite.other_side.listening("sink" if case == "send" else f"flood {size}") as address:
        job: Job = {"MODE": case, "ADDRESS": address, "BYTES": size, "CHUNK": CHUNK}
        return {**contender.run("rust-tcp-client", job), "bytes": size}


def copy(seconds: float) -> Figures:
    """What a `list<u8>` costs from one component to another, in the engine of a `Host` and with no host in it."""
    engine = default_engine(Limits().stack_bytes)
    text = (Path(__file__).parents[1] / "contenders" / "copy.wat").read_text(encoding="utf-8")
    store = wasmtime.Store(engine)
    store.set_epoch_deadline(1 << 40)
    instance = Linker(engine).instantiate(store, Component(engine, bytes(wasmtime.wat2wasm(text))))
    repeated = instance.get_func(store, "repeat")
    assert repeated is not None
    found = timed(partial(repeated, store), seconds)
    return {"bytes": found["calls"] * CHUNK, "ns": found["ns"]}


def exchange(suite: Suite, contender: Contender, count: int) -> Figures:
    """What one message on each connection takes, of so many ends that are all waited for in each poll."""
    few, more = 1, 1 + EXCHANGES
    seconds = [_seconds(contender, {"CLIENTS": count // 2, "MESSAGES": messages}) for messages in (few, more)]
    return {"ns": max(seconds[1] - seconds[0], 1e-6) / (more - few) * 1e9}


def _seconds(contender: Contender, job: Job) -> float:
    """CPU time: the guest's connections overflow its backlog, and are tried again after a second."""
    who = resource.RUSAGE_CHILDREN if isinstance(contender, Process) else resource.RUSAGE_SELF
    before = resource.getrusage(who)
    contender.run(MANY, job)
    after = resource.getrusage(who)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


# ---- output and clock


def repeat(suite: Suite, case: str, run: Callable[[Job], Figures]) -> Figures:
    """A line, or a look at the clock, as often as takes long enough; output goes to a file."""
    found = run({"CASE": case, "ROUNDS": max(int(suite.scale.seconds * 100_000), 100)})
    return {"ns": found["ns"], "calls": found["rounds"]}


def serve(wasip2: Literal["python", "native"], job: Job) -> Figures:
    """Under a `Host`, in this process."""
    with tempfile.TemporaryFile() as file:
        Host(policy=allow_all, env=_environment(job), stdout=file.fileno(), wasip2=wasip2).run(_load(wasip2))
        return _summary(file)


@cache
def _load(wasip2: Literal["python", "native"]) -> wasihost.Component:
    return Host(wasip2=wasip2).load(PREBUILT / f"{GUEST}.wasm")


def run_alone(contender: Process, job: Job) -> Figures:
    """Under another host, in a process."""
    with tempfile.TemporaryFile() as file:
        subprocess.run(contender.command(GUEST, job), check=True, stdout=file)
        return _summary(file)


def _summary(file: IO[bytes]) -> Figures:
    file.seek(0)
    return figures(file.read().decode().splitlines()[-2])  # the last line says that the case is done


def _environment(job: Job) -> dict[str, str]:
    return {name: str(value) for name, value in job.items()}


# ---- sleep


def sleep(count: int) -> Figures:
    """So many guests, each in an instance of its own, in one event loop."""
    host = Host(env={"CASE": "sleep", "ROUNDS": "1000"}, stdout=lambda _: None)

    async def together() -> int:
        async with contextlib.AsyncExitStack() as stack:
            opened = [await stack.enter_async_context(host.open(load(GUEST))) for _ in range(count)]
            start = time.perf_counter_ns()
            await asyncio.gather(*(instance.call("wasi:cli/run#run") for instance in opened))
            return time.perf_counter_ns() - start

    return {"ns": asyncio.run(together())}
