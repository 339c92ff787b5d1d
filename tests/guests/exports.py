"""What the tests of `rust-exports` share: its provider, and calling by short names."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from tests.guests.harness import opened
from wasihost import Instance

API = "test:exports/api@1.0.0"
HOST = "test:exports/host@1.0.0"


class Sleeper:
    """Provider of `test:exports/host` whose sleeps end when the test says so; those of 0 ms at once."""

    def __init__(self) -> None:
        self.sleeping = 0
        self.cancelled = 0
        self._alarm = asyncio.Event()

    async def sleep(self, ms: int) -> None:
        if not ms:
            return
        self.sleeping += 1
        try:
            await self._alarm.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.sleeping -= 1

    def wake_all(self) -> None:
        self._alarm.set()


class Api:
    """`test:exports/api` of a running instance."""

    def __init__(self, instance: Instance, sleeper: Sleeper) -> None:
        self.instance, self.sleeper = instance, sleeper

    async def call(self, function: str, *args: Any) -> Any:
        return await self.instance.call(f"{API}#{function}", *args)

    def begin(self, function: str, *args: Any) -> asyncio.Task[Any]:
        return asyncio.create_task(self.call(function, *args))


@contextlib.asynccontextmanager
async def opened_api() -> AsyncIterator[Api]:
    sleeper = Sleeper()
    async with opened("rust-exports", {HOST: sleeper}) as instance:
        yield Api(instance, sleeper)
