"""Streams and futures inside records, lists, options and results, see nested.wat."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from tests.abi.running import WAT, assemble, running
from wasihost._base.errors import ProviderError
from wasihost._component.values import Err, Ok, Some

NESTED = assemble((WAT / "nested.wat").read_text(encoding="utf-8"))


async def chunks(*found: bytes) -> AsyncIterator[bytes]:
    for chunk in found:
        await asyncio.sleep(0)
        yield chunk


async def number(n: int) -> int:
    await asyncio.sleep(0)
    return n


NONE = Err("none")


def bundle(maybe: Any = None, some: Any = (), either: Any = NONE, twice: Any = None) -> Any:
    return SimpleNamespace(maybe=maybe, some=list(some), either=either, twice=twice)


class Provider:
    def __init__(self, made: Any) -> None:
        self.made, self.got = made, None

    def take(self) -> Any:
        return self.made

    async def slow_take(self) -> Any:
        await asyncio.sleep(0)
        return self.made

    def give(self, x: Any) -> None:
        self.got = x

    async def slow_give(self, x: Any) -> int:
        await asyncio.sleep(0)
        self.got = x
        return 1


async def pass_on(provider: Provider, name: str) -> Any:
    """What comes back, its streams and futures read."""
    async with running(NESTED, {"test:wat/host": provider}) as instance:
        await instance.call(name)
        got: Any = provider.got

        async def read(stream: Any) -> bytes:
            return b"".join([chunk async for chunk in stream])

        maybe = None if got.maybe is None else await read(got.maybe)
        some = [await future for future in got.some]
        either = Ok(await read(got.either.value)) if isinstance(got.either, Ok) else got.either
        twice = Some(await read(got.twice.value)) if got.twice and got.twice.value else got.twice
        return maybe, some, either, twice


@pytest.mark.parametrize("name", ["pass", "slow-pass"])
async def test_all_of_a_bundle_comes_through(name: str) -> None:
    made = bundle(chunks(b"ab", b"c"), [number(7), number(8), number(9)], Ok(chunks(b"d", b"ef")), Some(chunks(b"gh")))
    found = await pass_on(Provider(made), name)
    assert found == (b"abc", [7, 8, 9], Ok(b"def"), Some(b"gh"))


@pytest.mark.parametrize("name", ["pass", "slow-pass"])
async def test_a_bundle_may_be_empty(name: str) -> None:
    assert await pass_on(Provider(bundle()), name) == (None, [], Err("none"), None)
    assert await pass_on(Provider(bundle(twice=Some(None))), name) == (None, [], Err("none"), Some(None))


async def test_many_futures_in_one_result_are_all_resolved() -> None:
    made = bundle(some=[number(n) for n in range(200)])
    assert (await pass_on(Provider(made), "slow-pass"))[1] == list(range(200))


@pytest.mark.parametrize("name", ["pass", "slow-pass"])
@pytest.mark.parametrize(
    ("made", "message"),
    [
        (None, "bundle"),
        (bundle(maybe=5), "stream"),
        (bundle(some=[5]), "future"),
        (bundle(either=5), "either"),
        (SimpleNamespace(maybe=None), "some"),
    ],
)
async def test_a_wrong_bundle_is_a_provider_error_that_names_what_is_wrong(name: str, made: Any, message: str) -> None:
    with pytest.raises(ProviderError, match=message):
        await pass_on(Provider(made), name)
