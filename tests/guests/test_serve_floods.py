"""Thousands of requests among which clients leave and guests trap or hang: each is answered, or cut."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from tests.guests.serve import Served, served
from wasihost._http.errors import HttpError
from wasihost._http.messages import BytesBody
from wasihost._testing.loop import run_virtual

CASES: Mapping[str, set[int]] = {
    "hello": {200},
    "copy": {200},
    "trap": {500},
    "trap-after": set(),
    "hang": {504, 404},  # which the fixture of 0.2 does not do
    "error": {500},
}
"""What each case may be answered with, if its instance is not ended by another request."""


async def _one(guest: Served, case: str, leaves_after: int | None, outcomes: Counter[str]) -> None:
    asking = asyncio.ensure_future(guest.answer(case, BytesBody(b"x" * 1000), code="internal-error"))
    if leaves_after is not None:
        for _ in range(leaves_after):
            await asyncio.sleep(0)
        asking.cancel()
    try:
        status, content = await asking
    except asyncio.CancelledError:
        outcomes["left"] += 1
    except HttpError:
        outcomes["cut"] += 1
    else:
        assert status in CASES[case] | {500}
        assert status != 200 or content == (b"hello" if case == "hello" else b"x" * 1000)
        outcomes[str(status)] += 1


def _flood(requests: int, seed: int, **options: Any) -> Counter[str]:
    """So many requests of random cases, fifty at a time, and then one that has to work."""
    chance = random.Random(seed)

    async def main() -> Counter[str]:
        outcomes: Counter[str] = Counter()
        async with served(instances=10, timeout_s=20, **options) as guest:
            for _ in range(requests // 50):
                cases = chance.choices(list(CASES), weights=(8, 8, 1, 1, 1, 2), k=50)
                leaving = [chance.randrange(60) if chance.random() < 0.2 else None for _ in cases]
                await asyncio.gather(*(_one(guest, *each, outcomes) for each in zip(cases, leaving, strict=True)))
            assert await guest.answer("hello") == (200, b"hello")
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return outcomes

    return run_virtual(main())


@pytest.mark.slow
def test_a_few_hundred_requests_end_as_they_should() -> None:
    outcomes = _flood(300, seed=1)
    assert outcomes.total() == 300
    assert min(outcomes["200"], outcomes["500"], outcomes["cut"], outcomes["left"]) > 0


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(4))
def test_thousands_do_on_each_version(seed: int) -> None:
    component = ("rust-http", "rust-p2-http")[seed % 2]
    assert _flood(2500, seed, component=component).total() == 2500
