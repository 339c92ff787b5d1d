"""Guests that misuse WASI 0.2: as the reference implementation, or a limit; others go on, and nothing is left."""

from __future__ import annotations

import asyncio
import functools
import os
import socket
from typing import Any

import pytest
import wasmtime

from tests.guests.harness import load, passes
from tests.hostile.harness import SYNC, attack, attacked, core
from wasihost import Component, GuestTimeout, GuestTrap, Host, LimitError, Limits, allow_all

F = '(func (export "f") (result i32)'
FOR_EVER = "(loop $again {body} (br $again)) (i32.const 1))"

CODES = """
unknown access-denied not-supported invalid-argument out-of-memory timeout concurrency-conflict not-in-progress
would-block invalid-state new-socket-limit address-not-bindable address-in-use remote-unreachable connection-refused
connection-reset connection-aborted datagram-too-large name-unresolvable temporary-resolver-failure
permanent-resolver-failure""".split()
CODE = f"(enum {' '.join(map(repr, CODES))})".replace("'", '"')

IMPORTS = f"""
  (import "wasi:io/poll@0.2.12" (instance $poll
    (export "pollable" (type $p (sub resource)))
    (export "[method]pollable.ready" (func (param "self" (borrow $p)) (result bool)))
    (export "poll" (func (param "in" (list (borrow $p))) (result (list u32))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:clocks/monotonic-clock@0.2.12" (instance $clock
    (export "pollable" (type $p (eq $pollable)))
    (export "subscribe-duration" (func (param "when" u64) (result (own $p))))))
  (import "wasi:io/error@0.2.12" (instance $errors (export "error" (type $e (sub resource)))))
  (alias export $errors "error" (type $error))
  (import "wasi:io/streams@0.2.12" (instance $streams
    (export "error" (type $e (eq $error)))
    (type $f (variant (case "last-operation-failed" (own $e)) (case "closed")))
    (export "stream-error" (type $failure (eq $f)))
    (export "input-stream" (type $i (sub resource)))
    (export "output-stream" (type $o (sub resource)))
    (export "[method]input-stream.read" (func (param "self" (borrow $i)) (param "len" u64)
      (result (result (list u8) (error $failure)))))
    (export "[method]output-stream.write" (func (param "self" (borrow $o)) (param "contents" (list u8))
      (result (result (error $failure)))))
    (export "[method]output-stream.write-zeroes" (func (param "self" (borrow $o)) (param "len" u64)
      (result (result (error $failure)))))))
  (alias export $streams "input-stream" (type $input)) (alias export $streams "output-stream" (type $output))
  (import "wasi:cli/stdin@0.2.12" (instance $stdin
    (export "input-stream" (type $i (eq $input))) (export "get-stdin" (func (result (own $i))))))
  (import "wasi:cli/stdout@0.2.12" (instance $stdout
    (export "output-stream" (type $o (eq $output))) (export "get-stdout" (func (result (own $o))))))
  (import "wasi:random/random@0.2.12" (instance $random
    (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
  (import "wasi:sockets/network@0.2.12" (instance $network
    (export "network" (type (sub resource)))
    (type $c {CODE}) (export "error-code" (type (eq $c)))))
  (alias export $network "network" (type $net)) (alias export $network "error-code" (type $code))
  (import "wasi:sockets/instance-network@0.2.12" (instance $instance-network
    (export "network" (type $n (eq $net))) (export "instance-network" (func (result (own $n))))))
  (import "wasi:sockets/ip-name-lookup@0.2.12" (instance $lookup
    (export "network" (type $n (eq $net))) (export "error-code" (type $c (eq $code)))
    (export "resolve-address-stream" (type $s (sub resource)))
    (export "resolve-addresses" (func (param "network" (borrow $n)) (param "name" string)
      (result (result (own $s) (error $c)))))))
"""
FUNCS = {
    "poll": ('lower (func $poll "poll") (memory $memory) (realloc $realloc)', "(param i32 i32 i32)"),
    "ready": ('lower (func $poll "[method]pollable.ready")', "(param i32) (result i32)"),
    "timer": ('lower (func $clock "subscribe-duration")', "(param i64) (result i32)"),
    "drop-pollable": ("resource.drop $pollable", "(param i32)"),
    "read": (
        'lower (func $streams "[method]input-stream.read") (memory $memory) (realloc $realloc)',
        "(param i32 i64 i32)",
    ),
    "write": ('lower (func $streams "[method]output-stream.write") (memory $memory)', "(param i32 i32 i32 i32)"),
    "zeroes": ('lower (func $streams "[method]output-stream.write-zeroes") (memory $memory)', "(param i32 i64 i32)"),
    "stdin": ('lower (func $stdin "get-stdin")', "(result i32)"),
    "stdout": ('lower (func $stdout "get-stdout")', "(result i32)"),
    "random": ('lower (func $random "get-random-bytes") (memory $memory) (realloc $realloc)', "(param i64 i32)"),
    "network": ('lower (func $instance-network "instance-network")', "(result i32)"),
    "resolve": (
        'lower (func $lookup "resolve-addresses") (memory $memory) (realloc $realloc)',
        "(param i32 i32 i32 i32)",
    ),
}


@functools.cache
def guest(body: str) -> Component:
    text = core(f"{F} (local $p i32) (local $n i32) {body}", SYNC, IMPORTS, FUNCS)
    return Host().load(bytes(wasmtime.wat2wasm(text)))


TIMER = "(local.set $p (call $timer (i64.const 0)))"
DROP = "(call $drop-pollable (local.get $p))"
READY = "(call $ready (local.get $p))"
POLL_ONE = "(i32.store (i32.const 64) (local.get $p)) (call $poll (i32.const 64) (i32.const 1) (i32.const 16))"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("(call $poll (i32.const 64) (i32.const 0) (i32.const 16)) (i32.const 1))", "empty poll list"),
        ("(call $ready (i32.const 77)))", "unknown handle index 77"),
        (f"(local.set $p (call $network)) {READY})", "handle index"),
        (
            f"{TIMER} {DROP} {READY})",
            "unknown handle index",
        ),
        (
            "(call $write (call $stdout) (i32.const 0) (i32.const 65537) (i32.const 16)) (i32.const 1))",
            "write: 65537 bytes, but check-write permitted 65536",
        ),
        (
            "(call $zeroes (call $stdout) (i64.const -1) (i32.const 16)) (i32.const 1))",
            "write-zeroes: 18446744073709551615 bytes, but check-write permits 65536",
        ),
    ],
)
async def test_what_the_wit_forbids_is_a_trap(body: str, message: str) -> None:
    found = await attack(guest(body), stdout=lambda _: None)
    assert isinstance(found, GuestTrap)
    assert message in str(found)


@pytest.mark.parametrize(
    ("name", "case"),
    [
        ("rust-p2-io", "trap-empty-poll"),
        ("rust-p2-io", "trap-stdin-before-pollable"),
        ("rust-p2-io", "trap-write-4097-and-flush"),
        ("rust-p2-tcp", "trap-write-without-permit"),
        ("rust-p2-tcp", "trap-second-write"),
        ("rust-p2-tcp", "trap-socket-before-streams"),
        ("rust-p2-tcp", "trap-socket-before-pollable"),
        ("rust-p2-tcp", "trap-stream-before-pollable"),
        ("rust-p2-udp", "trap-send-without-permit"),
        ("rust-p2-udp", "trap-stream-while-streams-live"),
        ("rust-p2-udp", "trap-socket-before-streams"),
    ],
)
async def test_a_trap_leaves_no_socket_and_no_stream(name: str, case: str) -> None:
    options: dict[str, Any] = {"policy": allow_all, "env": {"CASE": case}, "stdin": b"", "stdout": lambda _: None}
    found = await attack(load(name), name="wasi:cli/run#run", **options)
    assert isinstance(found, GuestTrap)


# ---- for ever


@pytest.mark.parametrize(
    "body",
    [
        f"{TIMER} {POLL_ONE} {DROP}",
        f"{TIMER} (drop {READY}) {DROP}",
        "(call $read (call $stdin) (i64.const -1) (i32.const 16))",
    ],
    ids=["polls zero timers", "looks at zero timers", "reads nothing"],
)
async def test_who_goes_round_for_ever_is_ended_by_its_time_and_others_go_on(body: str) -> None:
    here, there = socket.socketpair()
    with here, there:
        options: dict[str, Any] = {"stdin": here.fileno(), "limits": Limits(cpu_time_s=0.1, resources=10_000_000)}
        found = await attack(guest(FOR_EVER.format(body=body)), **options)
    assert isinstance(found, GuestTimeout | LimitError)


async def test_a_guest_that_polls_zero_timers_leaves_the_event_loop_to_others() -> None:
    body = f"{TIMER} {POLL_ONE} {DROP}"
    async with attacked(guest(FOR_EVER.format(body=body))) as instance:
        spinning = asyncio.create_task(instance.call("f"))
        for _ in range(100):
            await asyncio.sleep(0)
        assert not spinning.done()
        spinning.cancel()
        await asyncio.wait([spinning])


# ---- as much as there is


async def test_too_many_pollables_are_a_limit_error() -> None:
    found = await attack(
        guest(FOR_EVER.format(body="(drop (call $timer (i64.const 1)))")), limits=Limits(resources=1000)
    )
    assert isinstance(found, LimitError)
    assert (found.limit, found.value) == ("resources", 1000)


@pytest.mark.slow
async def test_100_000_pollables_are_what_the_limits_allow() -> None:
    found = await attack(guest(FOR_EVER.format(body="(drop (call $timer (i64.const 1)))")))
    assert isinstance(found, LimitError)
    assert "100,000" in str(found)


async def test_a_read_of_2_to_the_64_bytes_gives_at_most_64_kib() -> None:
    body = "(call $read (call $stdin) (i64.const -1) (i32.const 16)) (i32.load (i32.const 24)))"
    assert await attack(guest(body), stdin=bytes(1 << 20)) == 1 << 16


async def test_random_bytes_are_all_that_was_asked_or_none() -> None:
    ask = "(call $random (i64.const {n}) (i32.const 16)) (i32.load (i32.const 20)))"
    limits = Limits(list_bytes=1 << 20)
    assert await attack(guest(ask.format(n=65536)), limits=limits) == 65536
    found = await attack(guest(ask.format(n=2 << 20)), limits=limits)
    assert isinstance(found, LimitError)
    assert found.limit == "list_bytes"
    for n in (128 << 20, -1):
        found = await attack(guest(ask.format(n=n)), limits=limits)
        assert isinstance(found, GuestTrap)


@pytest.mark.parametrize("length", [300, 100_000])
async def test_a_huge_name_is_an_invalid_argument(length: int) -> None:
    body = f"""(memory.fill (i32.const 64) (i32.const 97) (i32.const {length}))
      (call $resolve (call $network) (i32.const 64) (i32.const {length}) (i32.const 16))
      (i32.load8_u (i32.const 20)))"""
    assert await attack(guest(body), policy=allow_all) == CODES.index("invalid-argument")


WRITE_TWICE = """
  (local.set $p (call $stdout))
  (call $write (local.get $p) (i32.const 0) (i32.const 65536) (i32.const 16))
  (call $write (local.get $p) (i32.const 0) (i32.const 65536) (i32.const 16))
  (i32.const 1))"""
"""More than a pipe takes; the guest ends without a flush."""


async def test_what_a_pipe_never_takes_is_given_up_with_the_guest() -> None:
    reader, writer = os.pipe()
    try:
        assert await attack(guest(WRITE_TWICE), stdout=writer) == 1
    finally:
        os.close(reader)
        os.close(writer)


async def test_what_a_guest_wrote_before_it_ended_is_waited_for() -> None:
    reader, writer = os.pipe()
    async with attacked(guest(WRITE_TWICE), stdout=writer) as instance:
        assert await instance.call("f") == 1
        draining = asyncio.create_task(instance.drain())
        await asyncio.sleep(0)
        assert not draining.done()
        received = 0
        while not draining.done():
            received += len(await asyncio.to_thread(os.read, reader, 1 << 16))
            await passes(3)
    os.close(writer)
    while data := os.read(reader, 1 << 16):
        received += len(data)
    os.close(reader)
    assert received == 2 << 16


async def test_streams_that_are_never_dropped_go_with_the_guest() -> None:
    body = """(loop $again
        (drop (call $stdout)) (drop (call $stdin)) (drop (call $network))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $n) (i32.const 1000))))
      (i32.const 7))"""
    assert await attack(guest(body), stdin=b"", stdout=lambda _: None) == 7


@pytest.mark.parametrize("resources", range(1, 9))
@pytest.mark.parametrize(("name", "case"), [("rust-p2-tcp", "accept-two"), ("rust-p2-udp", "connected-filters")])
async def test_a_limit_between_a_socket_and_its_streams_leaves_nothing(name: str, case: str, resources: int) -> None:
    options: dict[str, Any] = {"policy": allow_all, "env": {"CASE": case}, "stdout": lambda _: None}
    async with attacked(load(name), limits=Limits(resources=resources), **options) as instance:
        with pytest.raises(LimitError, match=f"resources is {resources}"):
            await instance.call("wasi:cli/run#run")
