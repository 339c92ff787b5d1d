"""How many workers a rate of requests needs: `python -m benchmarks.workers --rate 700 --cost-ms 2.4 --p99-ms 50`.

Theory of operation. A request costs a worker that much time of one core: a second divided by the requests per second of
one busy worker, which `python -m benchmarks.http_load` gives for `wasihost serve`, or what a task of a job takes less
its waiting. Connections stay with the worker that accepted them, so each worker has a queue of its own, and gets an
equal part of the rate. With arrivals and costs by chance (M/M/1) a worker that is busy for the part b of its time
answers after cost / (1 - b) on average, and 99 % of all after ln(100) times that. More workers than there are cores
share them.

`--check` measures the cost of a guest behind `wasihost serve --workers 1` on this machine, as the CPU time of the
worker, and then asks at several rates as many workers as are said to be needed, and one less. How busy they are with
what they answer can be compared on any machine; how much they answer, and when, only where two cores are idle.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks import machine
from benchmarks.contenders.base import PREBUILT
from benchmarks.http_load import arriving, request, turn

GUEST = PREBUILT / "rust-http.wasm"
CASE = "fields"  # which computes for some milliseconds
CONNECTIONS = 64
SHARES = (0.4, 0.7, 1.2, 1.5)  # of the rate of one busy worker


@dataclass(frozen=True)
class Load:
    """So many workers under a rate of requests per second that cost so many seconds of a core."""

    workers: int
    rate: float
    cost_s: float

    @property
    def busy(self) -> float:
        """The part of its time for which a worker computes; from 1 on, requests pile up."""
        return self.rate * self.cost_s / self.workers

    @property
    def mean_s(self) -> float:
        """How long an answer takes on average."""
        return self.cost_s / (1 - self.busy) if self.busy < 1 else math.inf

    @property
    def p99_s(self) -> float:
        """How long all but one in a hundred take at most."""
        return self.mean_s * math.log(100)


def needed(rate: float, cost_s: float, *, busy: float = 0.8, p99_s: float = math.inf) -> Load:
    """The fewest workers of which none is busier, and which answer in that time. Errors: ValueError if none do."""
    if cost_s * math.log(100) > p99_s:
        raise ValueError(f"a request that costs {cost_s * 1000:g} ms is not answered in {p99_s * 1000:g} ms")
    workers = max(1, math.ceil(rate * cost_s / busy))
    while (load := Load(workers, rate, cost_s)).p99_s > p99_s:
        workers += 1
    return load


def table(best: Load) -> Iterator[str]:
    """What is needed, and what a worker less and more would do."""
    yield f"{'workers':>8} {'busy':>6} {'mean ms':>8} {'p99 ms':>8}"
    for workers in range(max(1, best.workers - 1), best.workers + 3):
        load = Load(workers, best.rate, best.cost_s)
        mark = "  needed" if workers == best.workers else ""
        yield f"{workers:8} {load.busy:6.0%} {load.mean_s * 1000:8.1f} {load.p99_s * 1000:8.1f}{mark}"
    if best.workers > (cores := os.cpu_count() or 1):
        yield f"This machine has {cores} cores: {best.workers} workers need as many."


# ---- checking it against `wasihost serve`


@contextlib.contextmanager
def serving(workers: int) -> Iterator[tuple[int, int]]:
    """The port of `wasihost serve` with so many workers, and its process."""
    options = ["--addr", "127.0.0.1:0", "--workers", str(workers), "--no-access-log"]
    command = [sys.executable, "-m", "wasihost", "serve", *options, str(GUEST)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        url = re.search(r":(\d+)/", process.stderr.readline())
        assert url is not None
        yield int(url[1]), process.pid
    finally:
        process.terminate()
        process.stderr.close()
        process.wait()


def check(seconds: float) -> Iterator[str]:
    """Asks at several rates, and says what was expected and what came."""
    with serving(1) as (port, process):
        asking = request(port, case=CASE)
        turn(port, CONNECTIONS, 1, asking)
        start = machine.cpu_ns_of(process)
        answers = len(turn(port, CONNECTIONS, seconds, asking).latencies)
        cost_s = (machine.cpu_ns_of(process) - start) / 1e9 / answers
    yield f"a request costs {cost_s * 1000:.2f} ms of CPU; one busy worker answers {answers / seconds:,.0f} a second"
    yield "  rate  workers   busy  expected  answered  mean ms  expected   p99 ms  expected"
    for share in SHARES:
        best = needed(share / cost_s, cost_s, busy=0.9)
        for workers in range(max(1, best.workers - 1), best.workers + 1):
            yield measured(Load(workers, best.rate, cost_s), seconds)


def measured(load: Load, seconds: float) -> str:
    """What a load of `wasihost serve` gives, beside what is expected of it."""
    with serving(load.workers) as (port, process):
        asking = request(port, case=CASE)
        turn(port, CONNECTIONS, 1, asking)
        start = machine.cpu_ns_of(process)
        found = arriving(port, CONNECTIONS, seconds, load.rate, asking)
        busy = (machine.cpu_ns_of(process) - start) / 1e9 / found.seconds / load.workers
    mean_ms = statistics.mean(found.latencies) * 1000
    expected = Load(load.workers, found.rate, load.cost_s).busy
    return (
        f"{load.rate:6.0f} {load.workers:8} {busy:6.0%} {expected:9.0%} {found.rate / load.rate:9.0%} {mean_ms:8.1f} "
        f"{load.mean_s * 1000:9.1f} {found.percentile(99):8.1f} {load.p99_s * 1000:9.1f}"
    )


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workers", description="Workers that a rate needs.")
    parser.add_argument("--rate", type=float, help="requests per second")
    parser.add_argument("--cost-ms", type=float, help="what each costs a core")
    parser.add_argument("--busy", type=float, default=80, help="percent of its time that a worker may compute (80)")
    parser.add_argument("--p99-ms", type=float, default=math.inf, help="how long 99 %% of the answers may take")
    parser.add_argument("--check", action="store_true", help="compare with wasihost serve on this machine")
    parser.add_argument("--seconds", type=float, default=5, help="for each line of --check")
    options = parser.parse_args()
    if options.check:
        for line in check(options.seconds):
            print(line, flush=True)
        return
    if not options.rate or not options.cost_ms:
        parser.error("--rate and --cost-ms are required, or --check")
    try:
        best = needed(options.rate, options.cost_ms / 1000, busy=options.busy / 100, p99_s=options.p99_ms / 1000)
    except ValueError as error:
        parser.error(str(error))
    print("\n".join(table(best)))


if __name__ == "__main__":
    main()
