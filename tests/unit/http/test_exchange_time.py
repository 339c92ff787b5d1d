"""The time of an exchange, whatever of it is awaited."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.http.peers import code
from wasihost._base.clock import NS_PER_S, VirtualClock
from wasihost._http.errors import ErrorCode
from wasihost._http.exchange_time import ExchangeTime, TimedBody
from wasihost._http.messages import EMPTY, BytesBody


async def test_a_wait_ends_when_the_time_has_passed() -> None:
    clock = VirtualClock()
    time = ExchangeTime(clock, 2)
    asyncio.get_running_loop().call_soon(clock.advance, 2 * NS_PER_S)
    with code(ErrorCode.HTTP_RESPONSE_TIMEOUT):
        async with time:
            await asyncio.Event().wait()


async def test_a_wait_that_begins_later_ends_at_once() -> None:
    clock = VirtualClock()
    time = ExchangeTime(clock, 2)
    async with time:
        clock.advance(NS_PER_S)
        await asyncio.sleep(0)
    clock.advance(NS_PER_S)
    with code(ErrorCode.HTTP_RESPONSE_TIMEOUT):
        async with time:
            await asyncio.Event().wait()


async def test_what_is_there_is_had_when_the_time_has_passed() -> None:
    clock = VirtualClock()
    body = TimedBody(BytesBody(b"content"), ExchangeTime(clock, 2))
    clock.advance(2 * NS_PER_S)
    assert await body.read() == b"content"


async def test_a_time_out_within_goes_on_by_itself() -> None:
    with pytest.raises(TimeoutError):
        async with ExchangeTime(VirtualClock(), 2):
            raise TimeoutError


async def test_the_end_of_the_body_is_that_of_the_timer() -> None:
    clock = VirtualClock()
    body = TimedBody(EMPTY, ExchangeTime(clock, 2))
    assert clock.next_ns == 2 * NS_PER_S
    body.close()
    assert clock.next_ns is None
