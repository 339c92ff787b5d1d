"""The puppet's strings pulled in any order, with handles that exist or not: reads, writes, drops and cancels of streams,
futures, calls and resources at every state."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import pytest

from tests.abi.test_puppet import PUPPET, Pipe, Provider, Sink, Thing
from tests.hostile.harness import attacked
from wasihost import GuestTrap, Limits

HANDLES = range(12)
SIZES = (0, 1, 7, 100, 70_000)


class AnyProvider(Provider):
    """Gives and takes whatever comes, and reads it or not."""

    def __init__(self, choose: random.Random) -> None:
        super().__init__()
        self._choose = choose
        self.readers: list[Any] = []
        self.pipes: list[Pipe] = []

    def source(self) -> Any:
        pipe = Pipe()
        pipe.give(bytes(self._choose.choice(SIZES)), end=self._choose.random() < 0.5)
        self.pipes.append(pipe)
        return pipe

    def sink(self, x: Any) -> None:
        if self._choose.random() < 0.6:
            x.forward(Sink())
        else:
            self.readers.append(x)

    def future_source(self) -> Any:
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        if self._choose.random() < 0.5:
            future.set_result(1)
        return future

    def step(self) -> None:
        """The host's side does something too."""
        for call in self.calls:
            if not call.done() and self._choose.random() < 0.2:
                call.set_result(5)
        for pipe in self.pipes:
            if self._choose.random() < 0.2 and not pipe.ended and not pipe.closed:
                pipe.give(b"x" * self._choose.choice(SIZES), end=self._choose.random() < 0.3)
        if self.readers and self._choose.random() < 0.2:
            self.readers.pop().close()

    def index(self, thing: Thing) -> int:
        return 0

    def consume(self, x: Thing) -> int:
        return 0

    look = consume

    async def slow_look(self, x: Thing) -> int:
        await self._wait()
        return 0


STRINGS: Sequence[tuple[str, tuple[Any, ...]]] = (
    *[(name, ()) for name in ("source", "stream-new", "future-source", "future-new", "make", "poll")] * 3,
    *[("read", (HANDLES, SIZES)), ("write", (HANDLES, SIZES))] * 4,
    *[(name, (HANDLES,)) for name in ("cancel-read", "cancel-write", "drop-readable", "drop-writable", "sink")] * 2,
    *[(name, (HANDLES,)) for name in ("future-sink", "future-cancel-write", "future-drop-readable")],
    ("future-drop-writable", (HANDLES,)),
    ("future-write", (HANDLES, SIZES)),
    *[("work", (range(2),))] * 3,
    *[(name, (HANDLES,)) for name in ("slow-look", "swap", "cancel-call", "drop-call", "consume", "look", "drop-thing")],
)


async def pull(seed: int) -> int:
    """Pulls until the guest traps; gives how many strings."""
    choose = random.Random(seed)
    provider = AnyProvider(choose)
    Thing.drops = 0
    async with attacked(PUPPET, provider, origin="test:wat/host", limits=Limits(run_time_s=5)) as instance:
        known: list[int] = []
        for count in range(80):
            name, ranges = choose.choice(STRINGS)
            args = [choose.choice(list(each)) for each in ranges]
            if known and args and choose.random() < 0.97:  # mostly one that there is
                args[0] = choose.choice(known)
            try:
                made = await instance.call(name, *args)
            except GuestTrap:
                return count
            if name in ("source", "future-source", "make"):
                known.append(made)
            elif name in ("stream-new", "future-new"):
                known += [made & 0xFFFF_FFFF, made >> 32]
            elif name in ("work", "slow-look", "swap") and made >> 4:
                known.append(made >> 4)
            provider.step()
            if choose.random() < 0.3:
                await asyncio.sleep(0)
        return 80


@pytest.mark.parametrize("part", range(8))
async def test_any_order_of_operations_is_a_trap_or_fine(part: int) -> None:
    counts = [await pull(seed) for seed in range(part * 40, part * 40 + 40)]
    assert sum(counts) > 40 * 3
