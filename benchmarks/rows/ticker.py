"""A ticker in the same event loop while bulk data moves: how late its ticks are."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

from benchmarks.contenders import streams
from benchmarks.contenders.base import Figures, Job, percentile
from benchmarks.contenders.guests import Lines, Wasihost, load
from benchmarks.rows.bulk import LISTENS
from benchmarks.work import OURS, Metric, Suite, Work, at_most

TICK_S = 0.005
GUEST = "rust-tcp-client"


def works(suite: Suite) -> Iterator[Work]:
    for mode in LISTENS:
        contestants = {
            OURS: partial(measure, suite, mode, 1, run_guest),
            "asyncio streams": partial(measure, suite, mode, streams.AsyncioStreams.share, streams.do),
        }
        metric = Metric(
            f"5 ms ticker beside {mode}, lateness p99", "ms", lambda found: found["p99"] / 1e6, (at_most(20),)
        )
        yield Work(f"ticker-{mode}", "The embedder's own tasks", contestants, (metric,), suite.scale.rounds)


def measure(suite: Suite, mode: str, share: int, do: Callable[[Job], Awaitable[object]]) -> Figures:
    size = max(suite.scale.bytes // share, 1)
    load(GUEST)
    with suite.other_side.listening(f"flood {size}" if mode == "receive" else LISTENS[mode]) as address:
        return asyncio.run(tick_beside(do({"MODE": mode, "ADDRESS": address, "BYTES": size, "CHUNK": 65536})))


async def run_guest(job: Job) -> None:
    await Wasihost().host(job, Lines(lambda _: None)).run_async(load(GUEST))


async def tick_beside(work: Awaitable[object]) -> Figures:
    moving, late = asyncio.ensure_future(work), [0]
    while not moving.done():
        start = time.perf_counter_ns()
        await asyncio.sleep(TICK_S)
        late.append(time.perf_counter_ns() - start - int(TICK_S * 1e9))
    await moving
    return {"p99": percentile(late, 99)}
