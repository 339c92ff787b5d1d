"""Imports under unusual names, see names.wat."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from tests.abi.running import running


class Thing:
    alive = 0

    def __init__(self, provider: object, n: int) -> None:
        self.n = n
        Thing.alive += 1

    def get(self) -> int:
        return self.n

    async def slow_get(self) -> int:
        await asyncio.sleep(0)
        return self.n

    def drop(self) -> None:
        Thing.alive -= 1

    @staticmethod
    async def make(provider: object, n: int) -> Thing:
        await asyncio.sleep(0)
        return Thing(provider, n)


class Types:
    Thing = Thing


class Users:
    def __init__(self) -> None:
        self.Thing = Thing

    def use(self, x: Thing) -> int:
        return x.n

    async def slow_use(self, x: Thing) -> int:
        await asyncio.sleep(0)
        x.drop()
        return x.n


class Root:
    def root_sync(self, n: int) -> int:
        return n + 1

    async def root_async(self, n: int) -> int:
        await asyncio.sleep(0)
        return n * 10

    def root_stream(self) -> AsyncIterator[bytes]:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"never asked for"

        return chunks()


class Twice:
    def __init__(self, number: int) -> None:
        self.number = number

    async def which(self) -> int:
        return self.number


class Original:
    def get(self) -> int:
        return 7


class Alias:
    def __init__(self) -> None:
        self.Original = self.Other = Original

    async def make(self) -> Original:
        return Original()


PROVIDERS: dict[str, Any] = {
    "": Root(),
    "test:names/types": Types(),
    "test:names/users": Users(),
    "test:names/twice@1.0.0": Twice(1),
    "test:names/twice@2.0.0": Twice(2),
    "test:names/alias": Alias(),
}


async def test_functions_outside_of_any_interface_are_the_root_providers() -> None:
    async with running("names", PROVIDERS) as instance:
        assert await instance.call("root", 4) == 50


async def test_interfaces_share_a_resource() -> None:
    Thing.alive = 0
    async with running("names", PROVIDERS) as instance:
        assert await instance.call("things", 7) == 4
        assert Thing.alive == 0


async def test_versions_of_an_interface_have_a_provider_each() -> None:
    async with running("names", PROVIDERS) as instance:
        assert await instance.call("twice") == 12


async def test_a_resource_may_have_two_names() -> None:
    async with running("names", PROVIDERS) as instance:
        assert await instance.call("other") == 7
