"""Results that come after the embedder gave the call up."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.abi.echo import HOST, guest
from tests.abi.running import assemble, running
from wasihost._component.world import types

THING = types.Resource("thing")


class Thing:
    drops = 0

    def drop(self) -> None:
        Thing.drops += 1


class Provider:
    T0 = Thing

    def __init__(self) -> None:
        self.began, self.gate = asyncio.Event(), asyncio.Event()

    def echo_0(self, x: Any, fill: Any = None) -> Any:
        return x

    all = cecho_0 = wait_0 = echo_0

    async def aecho_0(self, x: Any) -> Any:
        self.began.set()
        await self.gate.wait()
        return x


async def test_a_resource_in_a_result_that_nobody_waits_for_is_dropped() -> None:
    Thing.drops = 0
    provider = Provider()
    t = types.Tuple((types.STRING, types.List(types.Own(THING))))
    async with running(assemble(guest([t])), {HOST: provider}) as instance:
        # This export stands still in its import: it cannot be cancelled there, and returns all the same.
        call = asyncio.create_task(instance.call("aecho-0", ("x", [Thing(), Thing()])))
        await provider.began.wait()
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        provider.gate.set()
        await instance.call("echo-0", ("x", []))
        for _ in range(10):
            await asyncio.sleep(0.001)
        assert Thing.drops == 2
