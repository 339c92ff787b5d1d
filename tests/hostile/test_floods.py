"""Guests that make as much as they can of everything: handles, resources, streams, calls, values."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.hostile.harness import ASYNC, HOST, LIBC, SYNC, attack, attacked, core
from wasihost import ByteSink, ByteSource, GuestTimeout, LimitError, Limits, WitError

F = '(func (export "f") (result i32)'
FOR_EVER = F + " (loop $again {body} (br $again)) (i32.const 1))"


class Thing:
    alive = 0

    def __init__(self) -> None:
        Thing.alive += 1

    def drop(self) -> None:
        Thing.alive -= 1


class Sink(ByteSink):
    """Takes nothing until it may."""

    def __init__(self) -> None:
        self.is_open = True
        self._callback: Any = None
        self.taken = 0

    def write(self, view: memoryview) -> int:
        raise BlockingIOError

    def wait_writable(self, callback: Any) -> None:
        self._callback = callback

    def close(self, error: BaseException | None) -> None:
        self.is_open = False


class Source(ByteSource):
    """Gives as much as it is asked for."""

    def __init__(self) -> None:
        self.is_open = True

    def read_into(self, view: memoryview) -> int:
        return len(view)

    def wait_readable(self, callback: Any) -> None:
        raise AssertionError

    def close(self, error: BaseException | None) -> None:
        self.is_open = False


class Provider:
    def __init__(self) -> None:
        self.Thing = Thing
        Thing.alive = 0
        self.kept: list[Any] = []
        self.sources: list[Source] = []
        self.cancelled = 0

    def make(self) -> Thing:
        return Thing()

    async def slow(self, n: int) -> int:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return n

    def keep(self, x: Any) -> None:
        self.kept.append(x)

    def block(self, x: Any) -> None:
        sink = Sink()
        self.kept.append(sink)
        x.forward(sink)

    def source(self) -> Source:
        self.sources.append(Source())
        return self.sources[-1]


IMPORTS = f"""(import "{HOST}" (instance $host
    (export "thing" (type $thing (sub resource)))
    (export "make" (func (result (own $thing))))
    (export "slow" (func async (param "n" u32) (result u32)))
    (export "keep" (func (param "x" (stream u8))))
    (export "block" (func (param "x" (stream u8))))
    (export "source" (func (result (stream u8))))))
  (alias export $host "thing" (type $thing)) (type $stream (stream u8)) (type $future (future u32))
  (type $own (resource (rep i32)))"""
FUNCS = {
    "make": ('lower (func $host "make")', "(result i32)"),
    "slow": ('lower (func $host "slow") async (memory $memory)', "(param i32 i32) (result i32)"),
    "keep": ('lower (func $host "keep")', "(param i32)"),
    "block": ('lower (func $host "block")', "(param i32)"),
    "source": ('lower (func $host "source")', "(result i32)"),
    "stream-new": ("stream.new $stream", "(result i64)"),
    "future-new": ("future.new $future", "(result i64)"),
    "read": ("stream.read $stream (memory $memory) async", "(param i32 i32 i32) (result i32)"),
    "write": ("stream.write $stream (memory $memory) async", "(param i32 i32 i32) (result i32)"),
    "write-all": ("stream.write $stream (memory $memory)", "(param i32 i32 i32) (result i32)"),
    "set": ("waitable-set.new", "(result i32)"),
    "new": ("resource.new $own", "(param i32) (result i32)"),
    "join": ("waitable.join", "(param i32 i32)"),
}
READABLE, WRITABLE = "(i32.wrap_i64 (local.get $p))", "(i32.wrap_i64 (i64.shr_u (local.get $p) (i64.const 32)))"


def guest(body: str, lift: str = ASYNC) -> str:
    return core(body, lift, IMPORTS, FUNCS)


def flood(body: str) -> str:
    return guest(f"{F} (local $p i64) (loop $again {body} (br $again)) (i32.const 1))")


@pytest.mark.parametrize(
    "body",
    [
        "(drop (call $stream-new))",
        "(drop (call $future-new))",
        "(drop (call $set))",
        "(drop (call $new (i32.const 1)))",
    ],
)
async def test_wasmtime_ends_who_takes_100_000_handles(body: str) -> None:
    found = await attack(flood(body), Provider())
    assert isinstance(found, LimitError)
    assert "100,000 handles" in str(found)


async def test_too_many_resources_of_providers_are_a_limit_error_and_all_are_dropped() -> None:
    found = await attack(flood("(drop (call $make))"), Provider(), limits=Limits(resources=1000))
    assert isinstance(found, LimitError)
    assert (found.limit, found.value) == ("resources", 1000)
    assert Thing.alive == 0


async def test_too_many_streams_that_reach_the_host_are_a_limit_error_and_all_are_closed() -> None:
    body = f"(local.set $p (call $stream-new)) (call $keep {READABLE})"
    provider = Provider()
    found = await attack(flood(body), provider, limits=Limits(streams=500))
    assert isinstance(found, LimitError)
    assert found.limit == "streams"
    with pytest.raises((LimitError, RuntimeError)):
        await provider.kept[0].read(1)


async def test_too_many_streams_that_the_host_gives_are_a_limit_error_and_all_are_closed() -> None:
    provider = Provider()
    found = await attack(flood("(drop (call $source))"), provider, limits=Limits(streams=500))
    assert isinstance(found, LimitError)
    assert found.limit == "streams"
    assert not any(source.is_open for source in provider.sources)


async def test_too_many_calls_under_way_are_a_limit_error_and_all_are_cancelled() -> None:
    provider = Provider()
    body = "(drop (call $slow (i32.const 1) (i32.const 64)))"
    found = await attack(flood(body), provider, limits=Limits(pending_calls=300))
    assert isinstance(found, LimitError)
    assert found.limit == "pending_calls"
    assert provider.cancelled >= 300


async def test_too_many_calls_of_exports_are_a_limit_error_and_the_others_go_on() -> None:
    waits = guest(f"{F} (drop (call $slow (i32.const 1) (i32.const 64))) (loop $again (br $again)) (i32.const 1))")
    async with attacked(waits, Provider(), limits=Limits(pending_calls=10)) as instance:
        calls = [asyncio.create_task(instance.call("f")) for _ in range(10)]
        await asyncio.sleep(0)
        with pytest.raises(LimitError, match="pending_calls is 10"):
            await instance.call("f")
        assert not any(call.done() for call in calls)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)


# ---- streams


async def test_a_write_to_a_stream_that_nobody_reads_costs_the_host_nothing() -> None:
    body = f"""{F} (local $p i64) (local.set $p (call $stream-new)) (call $keep {READABLE})
      (call $write-all {WRITABLE} (i32.const 0) (i32.const 65536)))"""
    provider = Provider()
    async with attacked(guest(body), provider, limits=Limits(run_time_s=0.1)) as instance:
        with pytest.raises(GuestTimeout):
            await instance.call("f")
        assert instance._machine.rings.blocks._taken == 0


async def test_bytes_that_nobody_takes_are_bounded() -> None:
    body = f"""{F} (local $p i64) (local $i i32)
      (loop $again
        (local.set $p (call $stream-new)) (call $block {READABLE})
        (drop (call $write {WRITABLE} (i32.const 0) (i32.const 65536)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $i) (i32.const 50))))
      (i32.const 50))"""
    provider = Provider()
    async with attacked(guest(body), provider, limits=Limits(buffered_bytes=5 << 16)) as instance:
        assert await instance.call("f") == 50
        for _ in range(50):
            await asyncio.sleep(0)
        assert 0 < instance._machine.rings.blocks._taken <= 5
    assert not any(sink.is_open for sink in provider.kept)


async def test_a_guest_gets_all_bytes_with_one_block_for_all_its_streams() -> None:
    body = f"""{F} (local $s i32) (local $n i32) (local.set $s (call $source))
      (loop $again
        (drop (call $read-all (local.get $s) (i32.const 0) (i32.const 1000)))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $n) (i32.const 100))))
      (local.get $n))"""
    funcs = {**FUNCS, "read-all": ("stream.read $stream (memory $memory)", "(param i32 i32 i32) (result i32)")}
    found = await attack(core(body, ASYNC, IMPORTS, funcs), Provider(), limits=Limits(buffered_bytes=1 << 16))
    assert found == 100


# ---- values

TAKES = """(component
  (import "test:hostile/host" (instance $host (export "take" (func {way} (param "x" {type}) (result u32)))))
  (core module $libc (memory (export "memory") {pages}) (func (export "realloc") (param i32 i32 i32 i32) (result i32)
    unreachable))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (core func $take (canon lower (func $host "take") (memory $memory)))
  (core module $m (import "" "take" (func $take (param i32 i32) (result i32)))
    (func (export "f") (param i32 i32) (result i32) (call $take (local.get 0) (local.get 1))))
  (core instance $i (instantiate $m (with "" (instance (export "take" (func $take))))))
  (func (export "f") (param "p" u32) (param "n" u32) (result u32) (canon lift (core func $i "f"))))"""


class Takes:
    def take(self, x: Any) -> int:
        return len(x)


def takes(t: str, pages: int = 16, way: str = "") -> str:
    return TAKES.format(type=t, pages=pages, way=way)


@pytest.mark.parametrize(("t", "width"), [("(list u8)", 1), ("(list f64)", 8)])
async def test_a_list_of_numbers_larger_than_a_value_may_be_is_a_limit_error(t: str, width: int) -> None:
    limits = Limits(list_bytes=1 << 16)
    assert await attack(takes(t), Takes(), 0, (1 << 16) // width, limits=limits) == (1 << 16) // width
    found = await attack(takes(t), Takes(), 0, (1 << 16) // width + 1, limits=limits)
    assert isinstance(found, LimitError)
    assert found.limit == "list_bytes"


async def test_lists_of_numbers_larger_than_all_values_may_be_are_a_limit_error() -> None:
    found = await attack(takes("(list u8)", 160), Takes(), 0, 10 << 20, limits=Limits(values_in_flight_bytes=1 << 20))
    assert isinstance(found, LimitError)
    assert found.limit == "values_in_flight_bytes"


@pytest.mark.parametrize(
    ("t", "n"),
    [
        ("string", 160 << 20),
        ("(list string)", 10_000_000),
        ("(list bool)", 100 << 20),
        ("(list (list u8))", 10_000_000),
    ],
)
@pytest.mark.parametrize("way", ["", "async"])
async def test_strings_and_lists_of_values_that_take_too_much_are_a_limit_error(t: str, n: int, way: str) -> None:
    found = await attack(takes(t, 3000, way), Takes(), 0, n)
    assert isinstance(found, LimitError)
    assert "128 MiB" in str(found) or found.limit in ("list_bytes", "values_in_flight_bytes")


class Gives:
    def __init__(self, value: Any) -> None:
        self.value = value

    def give(self) -> Any:
        if isinstance(self.value, WitError):
            raise self.value
        return self.value


@pytest.mark.parametrize("way", ["", "async"])
async def test_a_result_larger_than_a_value_may_be_is_a_limit_error(way: str) -> None:
    text = f"""(component
      (import "{HOST}" (instance $host (export "give" (func {way} (result (list u8)))))) {LIBC}
      (core func $give (canon lower (func $host "give") (memory $memory) (realloc $realloc)))
      (core module $m (import "" "give" (func $give (param i32)))
        {F} (call $give (i32.const 16)) (i32.const 1)))
      (core instance $i (instantiate $m (with "" (instance (export "give" (func $give))))))
      {ASYNC})"""
    limits = Limits(list_bytes=1000)
    assert await attack(text, Gives(bytes(1000)), limits=limits) == 1
    found = await attack(text, Gives(bytes(1001)), limits=limits)
    assert isinstance(found, LimitError)
    assert found.limit == "list_bytes"


async def test_a_guest_that_passes_nothing_on_leaves_nothing() -> None:
    assert await attack(guest(f"{F} (i32.const 1))", SYNC), Provider()) == 1
