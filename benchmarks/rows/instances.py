"""Instances of a loaded component: opened and closed, called for the first time, and from a pool."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

import wasmtime

from benchmarks.contenders.base import Figures
from benchmarks.contenders.guests import load
from benchmarks.rows.calls import EXPORTS, Sleeper, cost, rate, timed, timed_async
from benchmarks.work import OURS, Metric, Suite, Work, at_most
from wasihost import Component, Host
from wasihost._component import ffi
from wasihost._component.running.linked import Linked

GROUP = "Instances"
BARE = "Wasmtime alone"  # store, `instantiate` and close of the same composed component, with a linker made once
SECOND = "its second call"
GUESTS = {"rust-cat": "cat", "rust-cli": "cli", "rust-echo-server": "echo server"}
CALL = f"{EXPORTS}#async-divide"
REUSED = "128 requests an instance, 16 at once"


def works(suite: Suite) -> Iterator[Work]:
    seconds, rounds = suite.scale.seconds, suite.scale.rounds
    for guest, name in GUESTS.items():
        contestants = {OURS: partial(opened, guest, seconds), BARE: partial(instantiated, guest, seconds)}
        metric = Metric(f"open and close an instance, {name}", "µs", cost, (at_most(2, BARE),))
        yield Work(f"open-{guest}", GROUP, contestants, (metric,), rounds)
    calls = {OURS: partial(called, 0, seconds), SECOND: partial(called, 1, seconds)}
    metric = Metric("first call of an export in a further instance", "µs", cost, (at_most(2, SECOND),))
    yield Work("first-call", GROUP, calls, (metric,), rounds)
    pools = {OURS: partial(pooled, seconds), REUSED: partial(pooled, seconds, reuse=128, at_once=16)}
    metric = Metric("requests to a pool, a fresh instance for each", "requests/s", rate)
    yield Work("pool", GROUP, pools, (metric,), rounds)


def host() -> Host:
    return Host(providers={"test:exports/host@1.0.0": Sleeper()})


def opened(guest: str, seconds: float) -> Figures:
    component = load(guest)

    async def repeat(times: int) -> None:
        for _ in range(times):
            async with ours.open(component):
                pass

    ours = host()
    return asyncio.run(timed_async(repeat, seconds))


def instantiated(guest: str, seconds: float) -> Figures:
    component = load(guest)
    linked = _linked(component)

    def repeat(times: int) -> None:
        for _ in range(times):
            store = wasmtime.Store(component.engine)
            ffi.yield_on_epochs(store)
            call, _ = ffi.instantiate(linked.linker, store, linked.component)
            while not call.poll():
                pass
            store.close()

    return timed(repeat, seconds)


def _linked(component: Component) -> Linked:
    """The linker that opening the component made."""

    async def main() -> None:
        async with host().open(component):
            pass

    asyncio.run(main())
    return component._linked[0]


def called(earlier: int, seconds: float) -> Figures:
    """One call in each instance, after so many that do not count."""

    async def main() -> Figures:
        ours = host()
        component = load("rust-exports")
        spent = 0
        count = 0
        end = time.perf_counter() + seconds
        while not count or time.perf_counter() < end:
            async with ours.open(component) as instance:
                for _ in range(earlier):
                    await instance.call(CALL, 7, 2)
                begin = time.perf_counter_ns()
                await instance.call(CALL, 7, 2)
                spent += time.perf_counter_ns() - begin
                count += 1
        return {"calls": count, "ns": spent}

    return asyncio.run(main())


def pooled(seconds: float, **options: Any) -> Figures:
    async def main() -> Figures:
        async with host().pool(load("rust-exports"), **options) as pool:
            return await timed_async(partial(_requests, lambda: pool.call(CALL, 7, 2)), seconds)

    return asyncio.run(main())


async def _requests(call: Callable[[], Awaitable[object]], times: int) -> None:
    for _ in range(times):
        await call()
