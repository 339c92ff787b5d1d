"""SIGINT at 1,000 random moments: KeyboardInterrupt each time, nothing is left, and the next run works."""

from __future__ import annotations

import pytest

from tests.processes import printed

TRIES = """
import asyncio, gc, os, random, signal
from tests.guests.exports import API, HOST, Sleeper
from tests.guests.harness import Guest, load, open_fds, opened, run
from wasihost import Instance

async def call(function):
    async with opened("rust-exports", {HOST: Sleeper()}) as instance:
        await instance.call(f"{API}#{function}", 0)

async def transfer():
    server = Guest("rust-echo-server")
    serving = asyncio.create_task(server.run_async())
    address = (await server.stdout.first_line()).rpartition(" ")[2]
    await Guest("rust-tcp-client", env={"ADDRESS": address, "BYTES": 10**12}).run_async()

async def main(job, delay):
    signal.setitimer(signal.ITIMER_REAL, delay)
    await job()

JOBS = {
    "computing": lambda: call("spin"),
    "yielding": lambda: call("yield-times"),
    "transfer": transfer,
}
signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
for name in ("rust-exports", "rust-echo-server", "rust-tcp-client"):
    load(name)
moments, ended, before = random.Random(7), 0, len(open_fds())
for _ in range(count):
    try:
        asyncio.run(main(JOBS[job], moments.uniform(1e-5, longest)))
    except KeyboardInterrupt:
        ended += 1
gc.collect()
left = [found for found in gc.get_objects() if isinstance(found, Instance)]
print(ended, len(open_fds()) - before, len(left), run("rust-two-versions"), end="")
"""


@pytest.mark.slow
@pytest.mark.parametrize("count", [100, pytest.param(1000, marks=pytest.mark.nightly)])
@pytest.mark.parametrize(("job", "longest"), [("computing", 4e-3), ("yielding", 4e-3), ("transfer", 2e-2)])
def test_sigint_at_random_moments_is_keyboard_interrupt_and_nothing_else(job: str, count: int, longest: float) -> None:
    script = f"job, count, longest = {job!r}, {count}, {longest}\n{TRIES}"
    assert printed(script) == f"{count} 0 0 both versions work\n"
