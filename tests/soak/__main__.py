"""Long runs, for `make soak`: memory, file descriptors and tasks stay flat however much is moved.

`python -m tests.soak [--gib N] [--connections N] [--seconds N]`. Loopback only. Each job first runs in small, so that
what is made once is there, then in pieces; after each piece the resident set, the open files and the tasks are compared
with those before the first.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from tests.soak.counting import Counting
from wasihost import Host, Rules

FIXTURES = Path(__file__).parents[2] / "guest-fixtures" / "prebuilt"
LOOPBACK = ["tcp://127.0.0.1:*", "udp://127.0.0.1:*"]
PIECES = 10
MAX_GROWTH = 8 << 20
"""Bytes of the resident set: allocators keep what they once had, but not more with each piece."""

Job = Callable[[str, int], Awaitable[None]]
"""Does so many units of something with a guest and the server at an address."""


async def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__.splitlines()[0])
    parser.add_argument("--gib", type=float, default=10, help="GiB to move, half of it each way (10)")
    parser.add_argument("--connections", type=int, default=100_000, help="to open and close (100000)")
    parser.add_argument("--seconds", type=float, default=60, help="of a guest that does everything at once (60)")
    options = parser.parse_args()
    failed = 0
    async with echo_server() as address:
        failed += await soak("bytes", echo, address, int(options.gib * 2**30) // 2)
        failed += await soak("connections", connect, address, options.connections)
        failed += await soak("everything, ms", everything, address, int(options.seconds * 1000))
    return failed


async def echo(address: str, count: int) -> None:
    await run("rust-tcp-client", {"MODE": "echo", "ADDRESS": address, "BYTES": count})


async def connect(address: str, count: int) -> None:
    await run("rust-tcp-client", {"MODE": "connect", "ADDRESS": address, "ROUNDS": count})


async def everything(address: str, count: int) -> None:
    await run("rust-everything", {"ADDRESS": address, "MS": count, "NAME": "db", "NAME_IS": "10.0.0.1"})


async def run(name: str, env: dict[str, object]) -> None:
    host = Host(
        policy=Rules(outbound=LOOPBACK, inbound=LOOPBACK),
        hosts={"db": "10.0.0.1"},
        env={name: str(value) for name, value in env.items()},
        stdin=Counting(),
        stdout=lambda _: None,
    )
    await host.run_async(FIXTURES / f"{name}.wasm")


async def soak(name: str, job: Job, address: str, total: int) -> int:
    """Prints a line for each piece; 1 if something grew."""
    await job(address, max(total // 1000, 1))
    before = state()
    grown = False
    for piece in range(1, PIECES + 1):
        started = time.monotonic()
        await job(address, total // PIECES)
        memory, files, tasks = after = state()
        grown = memory - before[0] > MAX_GROWTH or after[1:] != before[1:]
        print(
            f"{name} {piece}/{PIECES}: {total // PIECES:,} in {time.monotonic() - started:.1f} s, "
            f"{(memory - before[0]) / 2**20:+.1f} MiB, {files} files, {tasks} tasks",
            flush=True,
        )
    print(f"{name}: {'GREW' if grown else 'flat'}", flush=True)
    return int(grown)


def state() -> tuple[int, int, int]:
    """Resident set in bytes, open files, tasks."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE"), len(os.listdir("/proc/self/fd")), len(asyncio.all_tasks())


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


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
