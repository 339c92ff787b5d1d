"""Stackful async lifts: exports without a callback, which wait within their call."""

from __future__ import annotations

import asyncio

from tests.abi.running import assemble, running

# Calls the host's `wait` and waits for what it gives.
STACKFUL = """(component
  (import "wait" (func $wait async (param "n" u32) (result u32)))
  (core module $libc (memory (export "memory") 1)) (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (core func $lowered (canon lower (func $wait) async (memory $memory)))
  (core func $new (canon waitable-set.new))
  (core func $wait-for (canon waitable-set.wait (memory $memory)))
  (core func $drop-set (canon waitable-set.drop))
  (core func $join (canon waitable.join))
  (core func $drop (canon subtask.drop))
  (core func $yield (canon thread.yield))
  (core func $return (canon task.return (result u32)))
  (core module $m
    (import "libc" "memory" (memory 1))
    (import "" "wait" (func $wait (param i32 i32) (result i32)))
    (import "" "new" (func $new (result i32)))
    (import "" "wait-for" (func $wait-for (param i32 i32) (result i32)))
    (import "" "drop-set" (func $drop-set (param i32)))
    (import "" "join" (func $join (param i32 i32)))
    (import "" "drop" (func $drop (param i32)))
    (import "" "yield" (func $yield (result i32)))
    (import "" "return" (func $return (param i32)))
    (func (export "f") (param $n i32) (local $status i32) (local $set i32) (local $subtask i32)
      (drop (call $yield))
      (local.set $status (call $wait (local.get $n) (i32.mul (local.get $n) (i32.const 16))))
      (if (i32.ne (i32.and (local.get $status) (i32.const 15)) (i32.const 2)) (then
        (local.set $subtask (i32.shr_u (local.get $status) (i32.const 4)))
        (local.set $set (call $new))
        (call $join (local.get $subtask) (local.get $set))
        (loop $again
          (drop (call $wait-for (local.get $set) (i32.const 0)))
          (br_if $again (i32.ne (i32.load (i32.const 4)) (i32.const 2))))
        (call $drop (local.get $subtask))
        (call $drop-set (local.get $set))))
      (call $return (i32.load (i32.mul (local.get $n) (i32.const 16))))))
  (core instance $i (instantiate $m (with "libc" (instance $libc)) (with "" (instance
    (export "wait" (func $lowered)) (export "new" (func $new)) (export "wait-for" (func $wait-for))
    (export "drop-set" (func $drop-set)) (export "join" (func $join)) (export "drop" (func $drop))
    (export "yield" (func $yield)) (export "return" (func $return))))))
  (func (export "f") async (param "n" u32) (result u32) (canon lift (core func $i "f") async)))"""


class Provider:
    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.waiting = asyncio.Semaphore(0)

    async def wait(self, n: int) -> int:
        if n > 1:
            self.waiting.release()
            await self.gate.wait()
        return n * 10


async def test_a_stackful_export_waits_for_the_host_while_others_run() -> None:
    provider = Provider()
    async with running(assemble(STACKFUL), {"": provider}) as instance:
        assert await instance.call("f", 1) == 10
        calls = [asyncio.ensure_future(instance.call("f", n)) for n in range(2, 12)]
        for _ in calls:
            await provider.waiting.acquire()
        assert await instance.call("f", 1) == 10
        provider.gate.set()
        assert await asyncio.gather(*calls) == [n * 10 for n in range(2, 12)]


async def test_a_stackful_export_that_waits_can_be_given_up() -> None:
    provider = Provider()
    async with running(assemble(STACKFUL), {"": provider}) as instance:
        call = asyncio.ensure_future(instance.call("f", 2))
        await provider.waiting.acquire()
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        assert call.cancelled()
        assert await instance.call("f", 1) == 10
        provider.gate.set()
