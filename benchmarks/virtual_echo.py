"""TCP echo through a guest, on the virtual network beside the operating system's loopback, in one process each time.

`python -m benchmarks.virtual_echo [--rounds N] [--mib N]`. The guest is `rust-echo-server`, copying and splicing; the
peer is a Python program on asyncio streams (`streams`) or on a protocol that only counts (`protocol`), and the same
on both networks. The networks take turns, so only the ratios within one run mean something.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeAlias

from wasihost import Component, Host, allow_all
from wasihost._network.virtual import VirtualNetwork

GUEST = Path(__file__).parents[1] / "guest-fixtures/prebuilt/rust-echo-server.wasm"
BLOCK = bytes(1 << 18)
Network: TypeAlias = "VirtualNetwork | None"


async def streams(net: Network, port: int, size: int) -> None:
    """The peer on asyncio's streams."""
    address = "127.0.0.1", port
    reader, writer = await (net.guest.connect(address) if net else asyncio.open_connection(*address))

    async def send() -> None:
        for _ in range(size // len(BLOCK)):
            writer.write(BLOCK)
            await writer.drain()
        writer.write_eof()

    sending = asyncio.create_task(send())
    left = size
    while data := await reader.read(1 << 18):
        left -= len(data)
    await sending
    assert not left
    writer.close()
    await writer.wait_closed()


class _Counting(asyncio.Protocol):
    """Sends blocks as long as there is room, and counts what comes back."""

    def __init__(self, size: int) -> None:
        self.left, self._unsent = size, size
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._is_paused = False

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        self.left -= len(data)

    def pause_writing(self) -> None:
        self._is_paused = True

    def resume_writing(self) -> None:
        self._is_paused = False
        while self._unsent and not self._is_paused:
            self._unsent -= len(BLOCK)
            self._transport.write(BLOCK)
            if not self._unsent:
                self._transport.write_eof()

    def connection_lost(self, error: Exception | None) -> None:
        self.over.set_result(None)


async def protocol(net: Network, port: int, size: int) -> None:
    """The peer on a protocol."""
    loop, address = asyncio.get_running_loop(), ("127.0.0.1", port)

    def make() -> _Counting:
        return _Counting(size)

    if net:
        _, made = await net.guest.create_connection(make, address)
    else:
        _, made = await loop.create_connection(make, *address)
    await made.over
    assert not made.left


PEERS: dict[str, Callable[[Network, int, int], Coroutine[Any, Any, None]]] = {"streams": streams, "protocol": protocol}


async def seconds(guest: Component, peer: str, splice: bool, net: Network, size: int) -> float:
    """How long it takes to send `size` bytes there and back."""
    listening = asyncio.get_running_loop().create_future()
    env = {"ADDRESS": "127.0.0.1:0", "CONNECTIONS": "1", "CHUNK": str(1 << 20)} | ({"SPLICE": "1"} if splice else {})
    host = Host(network=net, policy=allow_all, env=env, stdout=listening.set_result)
    async with asyncio.TaskGroup() as group:
        group.create_task(host.run_async(guest))
        port = int((await listening).rpartition(b":")[2])
        started = time.perf_counter()
        await PEERS[peer](net, port, size)
        return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mib", type=int, default=1024)
    options = parser.parse_args()
    guest, size = Host().load(GUEST), options.mib << 20
    for peer in PEERS:
        for splice in (False, True):
            taken: dict[str, list[float]] = {"os": [], "virtual": []}
            for _ in range(options.rounds):
                for name, found in taken.items():
                    net = VirtualNetwork() if name == "virtual" else None
                    found.append(asyncio.run(seconds(guest, peer, splice, net, size)))
            ratio = statistics.median(os / virtual for os, virtual in zip(*taken.values(), strict=True))
            speeds = "  ".join(
                f"{name} {options.mib / statistics.median(found):5.0f} MiB/s" for name, found in taken.items()
            )
            what = f"{peer:8} {'splicing' if splice else 'copying':8}"
            print(f"{what}  {speeds}  virtual is {ratio:4.2f} x as fast", flush=True)


if __name__ == "__main__":
    main()
