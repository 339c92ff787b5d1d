"""The same guest, seed and plan of faults give the same transcript in every run under the virtual loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from tests.guests.harness import Guest, load
from tests.soak.counting import Counting
from wasihost import GuestExit, Host, allow_all
from wasihost._network.base import Network
from wasihost._network.faults import FaultyNetwork, RandomFaults
from wasihost._network.virtual import VirtualNetwork
from wasihost._recording import Recording
from wasihost._testing import run_virtual

Run = Callable[[VirtualNetwork, Recording], Coroutine[Any, Any, None]]

AT_ONCE: dict[str, float] = {}
SLOW: dict[str, float] = {"latency_s": 0.01, "bytes_per_second": 10_000_000}


async def _everything(net: VirtualNetwork, recording: Recording) -> None:
    """Timers, random numbers, names, TCP, UDP and standard streams, all at once, in two guests."""
    net.name("db", ["10.0.0.2", "10.0.0.1"])
    server = net.serve("echo:7", lambda data: data)
    address = f"{net.host('echo').addresses[0]}:7"
    env = {"ADDRESS": address, "MS": "20", "CONNECTIONS": "2", "NAME": "db", "NAME_IS": "10.0.0.1"}
    hosts = [net.host(name) for name in ("one", "two")]
    guests = [Guest("rust-everything", env=env, network=host, stdin=Counting(), recording=recording) for host in hosts]
    await asyncio.gather(*(guest.run_async() for guest in guests))
    server.close()


async def _load(net: VirtualNetwork, recording: Recording) -> None:
    """Many connections between two guests, with bytes on all of them."""
    env: dict[str, object] = {"ADDRESS": "0.0.0.0:7", "CONNECTIONS": 8}
    async with asyncio.TaskGroup() as group:
        server = Guest("rust-echo-server", env=env, network=net.host("server"), recording=recording)
        group.create_task(server.run_async())
        await net.listening("server:7")
        env = {"ADDRESS": f"{net.host('server').addresses[0]}:7", "CONNECTIONS": 8, "BYTES": 50_000, "VERIFY": 1}
        await Guest("rust-tcp-client", env=env, network=net.host("client"), recording=recording).run_async()


async def _alone(net: VirtualNetwork, recording: Recording) -> None:
    """A guest that is its own peer."""
    for name in ("rust-tcp-streams", "rust-udp", "c-tcp-methods"):
        await Guest(name, network=net, recording=recording).run_async()


async def _faulty(net: VirtualNetwork, recording: Recording) -> None:
    """Guests whose network breaks at random, most of which fail."""
    server = net.serve("echo:7", lambda data: data)
    for seed in range(10):
        network: Network = FaultyNetwork(net, RandomFaults(seed, rate=0.3))
        env = {"ADDRESS": f"{net.host('echo').addresses[0]}:7", "CONNECTIONS": "4", "BYTES": "50000"}
        host = Host(policy=allow_all, network=network, env=env, recording=recording, stdout=_nobody, stderr=_nobody)
        with contextlib.suppress(GuestExit):
            await host.run_async(load("rust-tcp-client"))
    server.close()


def _nobody(_: bytes) -> None:
    """Takes what a guest writes; the recording has it."""


@pytest.mark.parametrize(
    "count", [pytest.param(3, marks=pytest.mark.slow), pytest.param(20, marks=pytest.mark.nightly)]
)
@pytest.mark.parametrize("run", [_everything, _load, _alone, _faulty])
@pytest.mark.parametrize("link", [AT_ONCE, SLOW], ids=["at once", "slow"])
def test_the_transcripts_of_all_runs_are_one(run: Run, link: dict[str, Any], count: int, tmp_path: Path) -> None:
    transcripts = set()
    for _ in range(count):
        recording = Recording()
        run_virtual(run(VirtualNetwork(**link), recording))
        recording.save(tmp_path / "run.jsonl")
        transcripts.add((tmp_path / "run.jsonl").read_bytes())
    assert len(transcripts) == 1
    assert len(transcripts.pop().splitlines()) > 100
