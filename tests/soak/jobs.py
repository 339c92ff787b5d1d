"""Three jobs that a guest does over and over: moving bytes, opening connections, everything at once."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

from tests.guests.harness import counted_tables, load
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


async def do_all(seconds: float) -> bool:
    """Does each job for a third of the time, and prints what it came to; whether nothing grew."""
    async with echo_server() as address:
        return all([await _repeat(job, address, seconds / len(JOBS)) for job in JOBS])


async def _repeat(job: Job, address: str, seconds: float) -> bool:
    with counted_tables() as tables:
        await _do(job, address)  # what is made once is there
        before, until, done = state(tables), time.monotonic() + seconds, 0
        while time.monotonic() < until:
            await _do(job, address)
            done += job.amount
        after = state(tables)
    flat = after.is_flat(before)
    print(f"{done:,} {job.unit}: {'flat' if flat else 'GREW'}, {after.since(before)}", flush=True)
    return flat


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
