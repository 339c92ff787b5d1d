"""Streams and futures of any element type as arguments and results of exports."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from tests.abi.export_flow import guest
from tests.abi.running import assemble, running
from tests.abi.shapes import same
from tests.abi.sources import in_chunks, later, one_by_one
from tests.abi.test_flow import SETTINGS, Batches, settled
from tests.strategies import val_types, values
from wasihost._component.values import Classes
from wasihost._component.world import types
from wasihost._component.world.types import ValType


async def check(t: ValType, batches: Sequence[Sequence[Any]], n: int, iterate: bool) -> None:
    """Sends the elements into the guest and out of it, in batches one way and n at once the other."""
    elements = [element for batch in batches for element in batch]
    stream = in_chunks(batches) if t == types.U8 else one_by_one(elements) if iterate else Batches(batches)
    async with running(assemble(guest(t)), {}) as instance:
        assert same(types.List(t), await instance.call("collect", stream, n, len(elements)), elements)
        delivered = await instance.call("deliver", elements)
        found: list[Any] = []
        while some := await delivered.read(n):
            found += some
        assert same(types.List(t), found, elements)
        assert same(types.List(t), await instance.call("fcollect", later(elements[0])), elements[:1])
        assert same(t, await (await instance.call("fdeliver", elements[:1])), elements[0])


@pytest.mark.slow
@given(st.data())
@SETTINGS
def test_elements_go_into_exports_and_out_of_them_as_they_were(data: st.DataObject) -> None:
    t = data.draw(val_types(max_leaves=6).filter(lambda t: t != types.CHAR), label="type")
    element = values(t, Classes(types.Interface({})))
    batches = data.draw(st.lists(st.lists(element, min_size=1, max_size=5), min_size=1, max_size=4), label="batches")
    note(guest(t))
    asyncio.run(check(t, batches, data.draw(st.integers(1, 8), label="n"), data.draw(st.booleans(), label="iterator")))


HOLDS = """(component
  (core func $inc (canon backpressure.inc))
  (core module $m
    (import "" "inc" (func $inc))
    (func (export "hold") (call $inc))
    (func (export "take") (param i32 i32) (result i32) unreachable)
    (func (export "callback") (param i32 i32 i32) (result i32) unreachable))
  (core instance $i (instantiate $m (with "" (instance (export "inc" (func $inc))))))
  (func (export "hold") (canon lift (core func $i "hold")))
  (type $stream (stream u16)) (type $future (future u8))
  (func (export "take") async (param "x" $stream) (param "y" $future)
    (canon lift (core func $i "take") async (callback (core func $i "callback")))))"""


async def test_a_call_cancelled_before_it_started_closes_what_it_was_given() -> None:
    async with running(assemble(HOLDS), {}) as instance:
        await instance.call("hold")
        source = Batches([[1]])
        call = asyncio.create_task(instance.call("take", source, later(1)))
        for _ in range(10):
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        await settled()
        assert source.closed == 1
        assert not instance._machine.guest_calls
