"""The same guests with the same seed do the same in every run under the virtual loop."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.guests.harness import Guest
from tests.soak.counting import Counting
from wasihost.network.virtual import VirtualNetwork
from wasihost.testing import run_virtual

RUNS = 20


class _Seen:
    """All that a peer and the guests' outputs saw, in its order and with the time that it came."""

    def __init__(self) -> None:
        self._digest, self.events = hashlib.sha256(), 0

    def see(self, *what: object) -> None:
        self.events += 1
        self._digest.update(repr((asyncio.get_running_loop().time(), *what)).encode())

    def __str__(self) -> str:
        return f"{self.events} {self._digest.hexdigest()}"


def _echo(seen: _Seen) -> Callable[[bytes], bytes]:
    def echo(data: bytes) -> bytes:
        seen.see("echo", len(data), data[:64])
        return data

    return echo


async def _everything(link: dict[str, float]) -> str:
    """Timers, random numbers, names, TCP, UDP and standard streams, all at once, in two guests."""
    seen, net = _Seen(), VirtualNetwork(**link)  # type: ignore[arg-type]
    net.name("db", ["10.0.0.2", "10.0.0.1"])
    server = net.serve("echo:7", _echo(seen))
    address = f"{net.host('echo').addresses[0]}:7"
    env = {"ADDRESS": address, "MS": "20", "CONNECTIONS": "2", "NAME": "db", "NAME_IS": "10.0.0.1"}
    guests = [Guest("rust-everything", env=env, network=net.host(name), stdin=Counting()) for name in ("one", "two")]
    for printed in await asyncio.gather(*(guest.run_async() for guest in guests)):
        seen.see(printed)
    server.close()
    seen.see(net.connections)
    return str(seen)


async def _load(link: dict[str, float]) -> str:
    """Many connections between two guests, with bytes on all of them."""
    seen, net = _Seen(), VirtualNetwork(**link)  # type: ignore[arg-type]
    env: dict[str, object] = {"ADDRESS": "0.0.0.0:7", "CONNECTIONS": 8}
    async with asyncio.TaskGroup() as group:
        group.create_task(Guest("rust-echo-server", env=env, network=net.host("server")).run_async())
        await net.listening("server:7")
        env = {"ADDRESS": f"{net.host('server').addresses[0]}:7", "CONNECTIONS": 8, "BYTES": 50_000, "VERIFY": 1}
        client = Guest("rust-tcp-client", env=env, network=net.host("client"))
        await client.run_async()
    seen.see(str(client.stdout), net.connections)
    return str(seen)


@pytest.mark.slow
@pytest.mark.parametrize("run", [_everything, _load])
@pytest.mark.parametrize("link", [{}, {"latency_s": 0.01, "bytes_per_second": 10_000_000}], ids=["at once", "slow"])
def test_twenty_runs_are_one(
    run: Callable[[dict[str, float]], Coroutine[Any, Any, str]], link: dict[str, float]
) -> None:
    assert len({run_virtual(run(link)) for _ in range(RUNS)}) == 1
