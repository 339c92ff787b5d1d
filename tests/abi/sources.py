"""What tests give as streams and futures: each waits for a pass of the event loop before whatever it gives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any


async def one_by_one(elements: Sequence[Any]) -> AsyncIterator[Any]:
    for element in elements:
        await asyncio.sleep(0)
        yield element


async def in_chunks(batches: Sequence[Sequence[int]]) -> AsyncIterator[bytes]:
    for batch in batches:
        await asyncio.sleep(0)
        yield bytes(batch)


async def later(value: Any) -> Any:
    await asyncio.sleep(0)
    return value
