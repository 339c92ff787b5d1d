"""Guests on the event loop of uvloop, as docs/reference/concurrency.md says: calls, pools, sockets, streams."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from importlib import import_module
from typing import Any

import pytest

from tests.guests.exports import API, HOST, Sleeper
from tests.guests.harness import load
from wasihost import Host, Rules, allow_all

pytestmark = pytest.mark.nightly


def run(main: Coroutine[Any, Any, Any]) -> Any:
    uvloop = import_module("uvloop")  # which has types only where it is installed
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


def test_calls_streams_and_pools() -> None:
    async def main() -> None:
        host = Host(providers={HOST: Sleeper()})
        async with host.open(load("rust-exports")) as instance:
            numbers, total = await instance.exports.api.count_to(4)
            assert (await numbers.read(9), await total) == ([0, 1, 2, 3], 6)
            with pytest.raises(TimeoutError):
                await instance.call(f"{API}#wait", 1, timeout=0.001)
        async with host.pool(load("rust-exports"), size=5) as pool:
            calls = [pool.call(f"{API}#async-echo-u32", n) for n in range(50)]
            assert await asyncio.gather(*calls) == list(range(50))

    run(main())


@pytest.mark.parametrize("guest", ["rust-cat", "rust-std-p2"])
def test_pipes_as_standard_streams(guest: str) -> None:
    async def main() -> None:
        read, write = os.pipe()
        try:
            host = Host(env={"CASE": "copy", "MODE": "copy"}, stdin=read)
            running = asyncio.create_task(host.run_async(load(guest), capture=True))
            await asyncio.to_thread(os.write, write, b"x" * 50_000)
            os.close(write)
            assert (await running).stdout == "x" * 50_000
        finally:
            os.close(read)

    run(main())


def test_a_server_and_a_client_over_sockets() -> None:
    async def main() -> None:
        listening = asyncio.get_running_loop().create_future()
        server = Host(
            policy=Rules(inbound=["tcp://127.0.0.1:*"]), env={"CONNECTIONS": "1"}, stdout=listening.set_result
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(server.run_async(load("rust-echo-server")))
            address = (await listening).split()[-1].decode()
            client = Host(policy=allow_all, env={"ADDRESS": address})
            assert (await client.run_async(load("c-echo-client"), capture=True)).stdout == "echoed 1000000 bytes\n"

    run(main())
