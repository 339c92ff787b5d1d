"""The puppet's strings pulled in any order, with handles that exist or not.

So reads, writes, drops and cancels of streams, futures, calls and resources come at every state.
"""

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
MOST = 80


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


# What each string takes: the kind of a handle, and sizes; what it leaves: the kinds of those it makes.
STRINGS: dict[str, tuple[str, Sequence[int] | None, str]] = {
    "source": ("", None, "reads"),
    "stream-new": ("", None, "reads writes"),
    "future-source": ("", None, "future-reads"),
    "future-new": ("", None, "future-reads future-writes"),
    "make": ("", None, "things"),
    "poll": ("", None, ""),
    "read": ("reads", SIZES, ""),
    "write": ("writes", SIZES, ""),
    "cancel-read": ("reads", None, ""),
    "cancel-write": ("writes", None, ""),
    "drop-readable": ("reads", None, "-"),
    "drop-writable": ("writes", None, "-"),
    "sink": ("reads", None, "-"),
    "future-sink": ("future-reads", None, "-"),
    "future-cancel-write": ("future-writes", None, ""),
    "future-drop-readable": ("future-reads", None, "-"),
    "future-drop-writable": ("future-writes", None, "-"),
    "future-write": ("future-writes", SIZES, ""),
    "work": ("", (0, 1), "calls"),
    "slow-look": ("things", None, "calls"),
    "swap": ("things", None, "- calls"),
    "cancel-call": ("calls", None, ""),
    "drop-call": ("calls", None, "-"),
    "consume": ("things", None, "-"),
    "look": ("things", None, ""),
    "drop-thing": ("things", None, "-"),
}


class Puller:
    """Pulls strings at random, mostly with handles of the right kind."""

    def __init__(self, choose: random.Random) -> None:
        self.choose = choose
        self.known: dict[str, list[int]] = {}

    def next(self) -> tuple[str, list[int]]:
        is_wild = self.choose.random() < 0.02
        while True:
            name = self.choose.choice(list(STRINGS))
            kind, sizes, left = STRINGS[name]
            if is_wild or not kind or self.known.get(kind):
                break
        args = []
        if kind:
            handles = HANDLES if is_wild else self.known[kind]
            args.append(self.choose.choice(handles))
            if left.startswith("-") and args[0] in self.known.get(kind, ()):
                self.known[kind].remove(args[0])
        if sizes is not None:
            args.append(self.choose.choice(sizes))
        return name, args

    def made(self, name: str, found: Any) -> None:
        kinds = [kind for kind in STRINGS[name][2].split() if kind != "-"]
        for position, kind in enumerate(kinds if found else ()):
            handle = found >> 4 if kind == "calls" else found >> 32 * position & 0xFFFF_FFFF
            if handle:
                self.known.setdefault(kind, []).append(handle)


async def pull(seed: int) -> int:
    """Pulls until the guest traps; gives how many strings."""
    choose = random.Random(seed)
    provider, puller = AnyProvider(choose), Puller(choose)
    Thing.drops = 0
    async with attacked(PUPPET, provider, origin="test:wat/host", limits=Limits(run_time_s=300)) as instance:
        for count in range(MOST):
            name, args = puller.next()
            try:
                puller.made(name, await instance.call(name, *args))
            except GuestTrap:
                return count
            provider.step()
            if choose.random() < 0.3:
                await asyncio.sleep(0)
        return MOST


@pytest.mark.parametrize("part", range(8))
async def test_any_order_of_operations_is_a_trap_or_fine(part: int) -> None:
    counts = [await pull(seed) for seed in range(part * 40, part * 40 + 40)]
    assert sum(counts) > 40 * 5
