"""Reads of no elements, by which a guest waits until a stream has some: what becomes of them where it ends."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.abi.running import assemble, running
from tests.hostile.harness import HOST, core
from wasihost import GuestTrap
from wasihost._component.instance import Instance

ELEMENTS: dict[str, list[object]] = {"u8": [b"ab", b"c"], "u32": [1, 2, 3], "string": ["a", "b", "c"]}
COMPLETED, DROPPED, CANCELLED, BLOCKED, NO_EVENT = 0, 1, 2, -1, -2
AFTER_THE_END = "cannot read from stream after being notified that the writable end dropped"


def counting(element: str, reads_on: bool) -> str:
    """A guest that counts the elements of a stream and waits before each read by one of nothing.

    `reads_on` says whether it reads once more after that was answered with DROPPED.
    """
    body = f"""
      (func $count (export "taken") (param $end i32) (result i32) (local $code i32) (local $count i32)
        (loop $again
          (local.set $code (call $read (local.get $end) (i32.const 64) (i32.const 0)))
          (if (i32.or (i32.eqz (i32.and (local.get $code) (i32.const 15))) (i32.const {int(reads_on)})) (then
            (local.set $code (call $read (local.get $end) (i32.const 64) (i32.const 2)))
            (local.set $count (i32.add (local.get $count) (i32.shr_u (local.get $code) (i32.const 4))))
            (br_if $again (i32.eqz (i32.and (local.get $code) (i32.const 15)))))))
        (call $drop (local.get $end))
        (local.get $count))
      (func (export "given") (result i32) (call $count (call $source)))"""
    lifts = """
      (func (export "taken") async (param "x" $stream) (result u32) (canon lift (core func $i "taken")))
      (func (export "given") async (result u32) (canon lift (core func $i "given")))"""
    funcs = {
        "source": ('lower (func $host "source")', "(result i32)"),
        "read": ("stream.read $stream (memory $memory) (realloc $realloc)", "(param i32 i32 i32) (result i32)"),
        "drop": ("stream.drop-readable $stream", "(param i32)"),
    }
    imports = f"""(import "{HOST}" (instance $host (export "source" (func (result (stream {element}))))))
      (type $stream (stream {element}))"""
    return core(body, lifts, imports, funcs)


class Source:
    def __init__(self, element: str) -> None:
        self._element = element

    async def source(self) -> AsyncIterator[object]:
        for value in ELEMENTS[self._element]:
            yield value


async def count(element: str, is_given: bool, reads_on: bool) -> int:
    """What the guest counts in a stream that the provider gives, or a call of the guest."""
    provider = Source(element)
    async with running(assemble(counting(element, reads_on)), {HOST: provider}) as instance:
        return int(await (instance.call("given") if is_given else instance.call("taken", provider.source())))


streams = pytest.mark.parametrize("is_given", [True, False], ids=["given by a provider", "passed to an export"])
elements = pytest.mark.parametrize("element", ELEMENTS)


@streams
@elements
async def test_dropped_answers_a_read_of_nothing_at_the_end(element: str, is_given: bool) -> None:
    assert await count(element, is_given, reads_on=False) == 3


@streams
@elements
async def test_a_read_after_that_is_a_trap_that_says_so(element: str, is_given: bool) -> None:
    with pytest.raises(GuestTrap, match=AFTER_THE_END):
        await count(element, is_given, reads_on=True)


# ---- why: what Wasmtime lets a writer know, see two-ends.wat


async def codes(instance: Instance, *calls: tuple[str, int] | tuple[str]) -> list[int | None]:
    return [await instance.call(*call) for call in calls]


@pytest.mark.parametrize("size", [0, 4])
async def test_a_write_of_nothing_does_not_tell_what_is_being_read(size: int) -> None:
    async with running("two-ends", {}) as ends:
        found = await codes(ends, ("read", size), ("write", 0), ("write", 0), ("poll",))
    assert found == [BLOCKED, COMPLETED, COMPLETED, NO_EVENT]
    async with running("two-ends", {}) as ends:
        assert await codes(ends, ("write", 0), ("read", size), ("poll",)) == [BLOCKED, BLOCKED, NO_EVENT]


async def test_a_write_of_something_that_is_cancelled_would_complete_a_read_of_nothing() -> None:
    async with running("two-ends", {}) as ends:
        found = await codes(ends, ("read", 0), ("write", 1), ("cancel",), ("poll",), ("drop",), ("read", 4))
    assert found == [BLOCKED, BLOCKED, CANCELLED, COMPLETED, None, DROPPED]


async def test_but_any_other_read_would_take_it() -> None:
    async with running("two-ends", {}) as ends:
        assert await codes(ends, ("read", 4), ("write", 1), ("poll",)) == [BLOCKED, 1 << 4, 1 << 4]
