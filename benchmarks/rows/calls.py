"""Calls between host and guest, one after another and many at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import cache, partial
from typing import Any

from benchmarks.contenders.add_func import API, PlainCalls
from benchmarks.contenders.base import Figures
from benchmarks.contenders.guests import load
from benchmarks.work import OURS, Metric, Suite, Work, at_least, at_most
from wasihost import Host, Instance, allow_all

DIRECT, ASYNC = "Calls of the host", "Async calls"
PLAIN = "wasmtime-py"
EXPORTS = "test:exports/api@1.0.0"
UNDER_WAY = 1000

# name in wit/calls.wit: what the row is called, and how many times faster than add_func it shall be
CALLS = {
    "nothing": ("func()", None),
    "next": ("func(u32) -> u32", 5.5),
    "get-hop-limit": ("get-hop-limit", None),
    "get-local-address": ("get-local-address", 8.0),
    "bind-error": ("bind that fails", None),
    "pass-ten": ("a record of ten fields, there and back", None),
    "take-strings": ("a list of 1,000 strings to the host", None),
    "take-bytes": ("list<u8> of 1 MiB to the host", 200.0),
    "give-bytes": ("list<u8> of 1 MiB from the host", None),
}


def works(suite: Suite) -> Iterator[Work]:
    seconds, rounds = suite.scale.seconds, suite.scale.rounds
    for name, (title, limit) in CALLS.items():
        targets = (at_least(limit, PLAIN),) if limit else ()
        contestants = {OURS: partial(direct, name, seconds), PLAIN: partial(plain, name, seconds)}
        yield Work(f"call-{name}", DIRECT, contestants, (Metric(title, "calls/s", rate, targets),), rounds)
    for name, title, ms in (("at-once", "that completes at once", 0), ("waiting", "that waits for the loop", 1)):
        contestants = {OURS: partial(host_calls, ms, seconds), "asyncio task": partial(tasks, ms, seconds)}
        yield Work(f"async-host-{name}", ASYNC, contestants, (Metric(f"async host call {title}", "µs", cost),), rounds)
    for count, limit in ((1, 2.0), (UNDER_WAY, 1.0)):
        contestants = {OURS: partial(exported, count, seconds), PLAIN: partial(plain_export, seconds)}
        title = f"exported async call, {'one at a time' if count == 1 else f'{count:,} under way'}"
        metric = Metric(title, "µs", cost, (at_most(limit, PLAIN),))
        yield Work(f"async-export-{count}", ASYNC, contestants, (metric,), rounds)


def rate(found: Figures) -> float:
    """Calls per second."""
    return found["calls"] / found["ns"] * 1e9


def cost(found: Figures) -> float:
    """µs per call."""
    return found["ns"] / found["calls"] / 1000


# ---- measuring


def timed(call: Callable[[int], object], seconds: float) -> Figures:
    """The time of as many calls as take about so long; what went before is the warm-up."""
    times = 1
    while True:
        start = time.perf_counter_ns()
        call(times)
        nanoseconds = time.perf_counter_ns() - start
        if nanoseconds > seconds * 2.5e8:
            return {"calls": times, "ns": nanoseconds}
        times *= 4


async def timed_async(call: Callable[[int], Awaitable[object]], seconds: float) -> Figures:
    times = 1
    while True:
        start = time.perf_counter_ns()
        await call(times)
        nanoseconds = time.perf_counter_ns() - start
        if nanoseconds > seconds * 2.5e8:
            return {"calls": times, "ns": nanoseconds}
        times *= 4


def in_instance(
    guest: str, provider: dict[str, object], seconds: float, call: Callable[[Instance, int], Any]
) -> Figures:
    async def main() -> Figures:
        async with Host(policy=allow_all, providers=provider).open(load(guest)) as instance:
            return await timed_async(partial(call, instance), seconds)

    return asyncio.run(main())


# ---- calls of the host


class CallsHost:
    """`test:calls/host`."""

    def nothing(self) -> None:
        """WIT: `nothing: func()`."""

    def next(self, n: int) -> int:
        """WIT: `next: func(n: u32) -> u32`."""
        return n + 1

    def pass_ten(self, value: object) -> object:
        """WIT: `pass-ten: func(value: ten) -> ten`."""
        return value

    def take_strings(self, value: list[str]) -> None:
        """WIT: `take-strings: func(value: list<string>)`."""

    def take_bytes(self, value: bytes) -> None:
        """WIT: `take-bytes: func(value: list<u8>)`."""

    def give_bytes(self, size: int) -> bytes:
        """WIT: `give-bytes: func(size: u32) -> list<u8>`."""
        return bytes(size)


def direct(name: str, seconds: float) -> Figures:
    def repeat(instance: Instance, times: int) -> Awaitable[Any]:
        return instance.call(f"{API}#repeat", name, times)

    return in_instance("rust-calls", {"test:calls/host": CallsHost()}, seconds, repeat)


plain_calls = cache(PlainCalls)


def plain(name: str, seconds: float) -> Figures:
    return timed(partial(plain_calls().repeat, name), seconds)


class Sleeper:
    """`test:exports/host`, whose sleeps last one pass of the event loop, and those of 0 ms not even that."""

    async def sleep(self, ms: int) -> None:
        """WIT: `sleep: async func(ms: u32)`."""
        if ms:
            await asyncio.sleep(0)


def host_calls(ms: int, seconds: float) -> Figures:
    def sleep_times(instance: Instance, times: int) -> Awaitable[Any]:
        return instance.call(f"{EXPORTS}#sleep-times", times, ms)

    return in_instance("rust-exports", {"test:exports/host": Sleeper()}, seconds, sleep_times)


def tasks(ms: int, seconds: float) -> Figures:
    """What asyncio itself takes to run the same coroutine as a task."""

    async def sleep_times(times: int) -> None:
        sleeper = Sleeper()
        for _ in range(times):
            await asyncio.create_task(sleeper.sleep(ms))

    return asyncio.run(timed_async(sleep_times, seconds))


# ---- calls of the guest


def exported(count: int, seconds: float) -> Figures:
    """So many calls under way at a time."""

    path = f"{EXPORTS}#async-echo-u32"

    async def call_one(instance: Instance, times: int) -> None:
        for n in range(times):
            await instance.call(path, n)

    async def call_all(instance: Instance, times: int) -> None:
        for _ in range(times):
            await asyncio.gather(*(instance.call(path, n) for n in range(count)))

    call = call_one if count == 1 else call_all
    found = in_instance("rust-exports", {"test:exports/host": Sleeper()}, seconds, call)
    return {**found, "calls": found["calls"] * count}


def plain_export(seconds: float) -> Figures:
    """wasmtime-py's own call of a sync export."""

    echo = plain_calls().echo

    def call(times: int) -> None:
        for n in range(times):
            echo(n)

    return timed(call, seconds)
