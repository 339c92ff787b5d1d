"""Jobs done over and over: a guest moves bytes, opens connections, does everything at once; instances come and go."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tests.guests.exports import API, HOST, Sleeper
from tests.guests.harness import CountedTable, counted_tables, load
from tests.soak.counting import Counting
from tests.soak.growth import state
from wasihost import Host, Rules

LOOPBACK = ["tcp://127.0.0.1:*", "udp://127.0.0.1:*"]


class Job(NamedTuple):
    """A guest, and what one run of it does."""

    guest: str
    env: dict[str, str]
    amount: int
    unit: str


JOBS = [
    Job("rust-tcp-client", {"MODE": "echo", "BYTES": str(64 << 20)}, 128, "MiB moved"),
    Job("rust-tcp-client", {"MODE": "connect", "ROUNDS": "500"}, 500, "connections opened"),
    Job("rust-everything", {"MS": "1000", "NAME": "db", "NAME_IS": "10.0.0.1"}, 1, "s of everything at once"),
]


INSTANCES = 1000


async def do_all(seconds: float) -> bool:
    """Does each job for its share of the time, and prints how much it did; whether nothing grew."""
    share = seconds / (len(JOBS) + 1)
    async with echo_server() as address:
        with counted_tables() as tables:
            runs = [await _repeat(partial(_do, job, address), job.amount, job.unit, share, tables) for job in JOBS]
    # Without the tables: counting keeps each of them.
    return all([*runs, await _repeat(_open_instances, INSTANCES, "instances opened and closed", share)])


async def _repeat(
    do: Callable[[], Awaitable[None]], amount: int, unit: str, seconds: float, tables: Sequence[CountedTable] = ()
) -> bool:
    await do()  # what is made once is there
    before, until, done = state(tables), time.monotonic() + seconds, 0
    while time.monotonic() < until:
        await do()
        done += amount
    after = state(tables)
    flat = after.is_flat(before)
    print(f"{done:,} {unit}: {'flat' if flat else 'GREW'}, {after.since(before)}", flush=True)
    return flat


async def _open_instances() -> None:
    """As a server does for its requests: every second one is called."""
    host = Host(providers={HOST: Sleeper()})
    component = load("rust-exports")
    for number in range(INSTANCES):
        async with host.open(component) as instance:
            if number % 2:
                await instance.call(f"{API}#async-divide", 7, 2)


async def _do(job: Job, address: str) -> None:
    host = Host(
        policy=Rules(outbound=LOOPBACK, inbound=LOOPBACK),
        host_names={"db": "10.0.0.1"},
        env={"ADDRESS": address, **job.env},
        stdin=Counting(),
        stdout=lambda _: None,
    )
    await host.run_async(load(job.guest))


@contextlib.asynccontextmanager
async def echo_server() -> AsyncIterator[str]:
    """An echo server in a process of its own: its memory is not what is measured here."""
    server = Path(__file__).with_name("server.py")
    process = await asyncio.create_subprocess_exec(sys.executable, str(server), stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield f"127.0.0.1:{(await process.stdout.readline()).decode().strip()}"
    finally:
        process.kill()
        await process.wait()
