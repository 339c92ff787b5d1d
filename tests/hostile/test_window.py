"""A guest with a window (`composition/window.py`) gets and gives what it does without one, whatever it passes."""

from __future__ import annotations

import functools
from typing import Any

import pytest
import wasmtime

from tests.hostile.harness import attack, attacked
from wasihost import Component, GuestTrap, Host, LimitError, Limits, ProviderError
from wasihost._component.adapt import adapt, wiring_of
from wasihost._component.running.engine import default_engine
from wasihost._host.loading import of_wasi

IN_ORDER, WINDOWED = of_wasi().values()
MEMORY = 2 << 16
RESULT = 16
PLACE = 4096

INSTANCES = {
    "error": "wasi:io/error@0.2.12",
    "streams": "wasi:io/streams@0.2.12",
    "stdin": "wasi:cli/stdin@0.2.12",
    "stdout": "wasi:cli/stdout@0.2.12",
}
IMPORTS = """
  (import "wasi:io/error@0.2.12" (instance $error (export "error" (type (sub resource)))))
  (alias export $error "error" (type $e))
  (import "wasi:io/streams@0.2.12" (instance $streams
    (export "error" (type $error (eq $e)))
    (type $f (variant (case "last-operation-failed" (own $error)) (case "closed")))
    (export "stream-error" (type $failure (eq $f)))
    (export "input-stream" (type $i (sub resource)))
    (export "output-stream" (type $o (sub resource)))
    (export "[method]input-stream.read" (func (param "self" (borrow $i)) (param "len" u64)
      (result (result (list u8) (error $failure)))))
    (export "[method]output-stream.write" (func (param "self" (borrow $o)) (param "contents" (list u8))
      (result (result (error $failure)))))))
  (alias export $streams "input-stream" (type $input)) (alias export $streams "output-stream" (type $output))
  (import "wasi:cli/stdin@0.2.12" (instance $stdin
    (export "input-stream" (type $i (eq $input))) (export "get-stdin" (func (result (own $i))))))
  (import "wasi:cli/stdout@0.2.12" (instance $stdout
    (export "output-stream" (type $o (eq $output))) (export "get-stdout" (func (result (own $o))))))
"""
GUEST = f"""
  (core module $libc
    (memory (export "memory") 2)
    (data (i32.const 0) "0123456789")
    (table $hooks (export "hooks") 1 funcref)
    (global $place (export "place") (mut i32) (i32.const {PLACE}))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (if (i32.eqz (ref.is_null (table.get $hooks (i32.const 0)))) (then (call_indirect (i32.const 0))))
      (global.get $place)))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (alias core export $libc "realloc" (core func $realloc))
  (core func $stdin (canon lower (func $stdin "get-stdin")))
  (core func $read (canon lower (func $streams "[method]input-stream.read") (memory $memory) (realloc $realloc)))
  (core func $stdout (canon lower (func $stdout "get-stdout")))
  (core func $write (canon lower (func $streams "[method]output-stream.write") (memory $memory)))
  (core func $drop (canon resource.drop $output))
  (core module $m
    (import "libc" "memory" (memory 0))
    (import "libc" "hooks" (table $hooks 1 funcref))
    (import "libc" "place" (global $place (mut i32)))
    (import "" "stdin" (func $stdin (result i32)))
    (import "" "read" (func $read (param i32 i64 i32)))
    (import "" "stdout" (func $stdout (result i32)))
    (import "" "write" (func $write (param i32 i32 i32 i32)))
    (import "" "drop" (func $drop (param i32)))
    (elem declare func $again)
    (func (export "write") (param $p i32) (param $n i32) (param $result i32) (result i32) (local $out i32)
      (local.set $out (call $stdout))
      (call $write (local.get $out) (local.get $p) (local.get $n) (local.get $result))
      (call $drop (local.get $out))
      (i32.load8_u (local.get $result)))
    (func (export "write-to") (param $out i32) (result i32)
      (call $write (local.get $out) (i32.const 0) (i32.const 1) (i32.const {RESULT}))
      (i32.const 1))
    (func $read-on (export "read") (param $most i64) (param $place i32) (param $result i32) (result i32)
      (global.set $place (local.get $place))
      (call $read (call $stdin) (local.get $most) (local.get $result))
      (local.get $result))
    (func $again
      (table.set $hooks (i32.const 0) (ref.null func))
      (drop (call $read-on (i64.const 3) (i32.const 5000) (i32.const 64))))
    (func (export "read-in-realloc") (result i32)
      (table.set $hooks (i32.const 0) (ref.func $again))
      (call $read (call $stdin) (i64.const 3) (i32.const {RESULT}))
      (i32.const {RESULT}))
    (func (export "grow") (result i32) (memory.grow (i32.const 1)))
    (func (export "post") (param i32)))
  (core instance $i (instantiate $m (with "libc" (instance $libc)) (with "" (instance
    (export "stdin" (func $stdin)) (export "read" (func $read))
    (export "stdout" (func $stdout)) (export "write" (func $write)) (export "drop" (func $drop))))))
  (func (export "write") (param "p" u32) (param "n" u32) (param "result" u32) (result u32)
    (canon lift (core func $i "write")))
  (func (export "write-to") (param "out" u32) (result u32) (canon lift (core func $i "write-to")))
  (func (export "read") (param "most" u64) (param "place" u32) (param "result" u32)
    (result (tuple u8 (list u8)))
    (canon lift (core func $i "read") (memory $memory) (post-return (core func $i "post"))))
  (func (export "read-in-realloc") (result (tuple u8 (list u8)))
    (canon lift (core func $i "read-in-realloc") (memory $memory) (post-return (core func $i "post"))))
  (func (export "grow") (result u32) (canon lift (core func $i "grow")))
"""
"""A result is given as it stands in memory."""
FUNCS = ("write", "write-to", "read", "read-in-realloc", "grow")
PASSED = " ".join(f'(with "{name}" (instance ${symbol}))' for symbol, name in INSTANCES.items())
EXPORTED = " ".join(f'(export "{name}" (func $guest "{name}"))' for name in FUNCS)
INSIDE = f"""{IMPORTS}
  (component $inner {IMPORTS} {GUEST})
  (instance $guest (instantiate $inner {PASSED}))
  {EXPORTED}"""


def adapted(text: str, windowed: tuple[str, ...] = WINDOWED) -> Component:
    engine = default_engine(Limits().stack_bytes)
    return adapt(engine, bytes(wasmtime.wat2wasm(f"(component {text})")), in_order=IN_ORDER, windowed=windowed)


@functools.cache
def guest(has_window: bool) -> Component:
    component = adapted(IMPORTS + GUEST, WINDOWED if has_window else ())
    assert bool(wiring_of(component).windowed) is has_window
    return component


both = pytest.mark.parametrize("has_window", [True, False])


@both
async def test_bytes_arrive_whatever_their_number(has_window: bool) -> None:
    written: list[bytes] = []
    data = bytes(range(251)) * 300
    async with attacked(guest(has_window), stdin=data, stdout=written.append) as instance:
        for n in (0, 1, 10, 65536):
            assert await instance.call("write", 0, n, 1 << 16) == 0
        assert list(map(len, written)) == [1, 10, 65536]
        assert written[1] == b"0123456789"
        found = b""
        for most in (0, 1, 1000, 1 << 40):
            _, some = await instance.call("read", most, 1 << 16, RESULT)
            assert len(some) == min(most, 1 << 16, len(data) - len(found))
            found += some
        assert found == data[: len(found)]


@both
@pytest.mark.parametrize(
    ("p", "n", "result"),
    [
        (MEMORY, 1, RESULT),
        (MEMORY - 1, 2, RESULT),
        (2**32 - 1, 2, RESULT),
        (1, 2**32 - 1, RESULT),
        (0, MEMORY + 1, RESULT),
        (MEMORY + 1, 0, RESULT),
        (0, 4, MEMORY - 8),
        (0, 4, 2**32 - 4),
        (0, 4, RESULT + 2),
    ],
)
async def test_a_list_or_result_that_is_not_inside_the_memory_is_a_trap(
    p: int, n: int, result: int, has_window: bool
) -> None:
    written: list[bytes] = []
    found = await attack(guest(has_window), None, p, n, result, name="write", stdout=written.append)
    assert isinstance(found, GuestTrap)
    assert all(len(data) <= 4 for data in written)


@both
@pytest.mark.parametrize(
    ("place", "result"),
    [(MEMORY - 1, RESULT), (MEMORY + 1, RESULT), (2**32 - 1, RESULT), (PLACE, MEMORY - 4), (PLACE, RESULT + 1)],
)
async def test_where_realloc_or_the_result_points_outside_of_the_memory_is_a_trap(
    place: int, result: int, has_window: bool
) -> None:
    found = await attack(guest(has_window), None, 10, place, result, name="read", stdin=b"0123456789")
    assert isinstance(found, GuestTrap)


@both
async def test_a_forged_handle_is_a_trap(has_window: bool) -> None:
    found = await attack(guest(has_window), None, 77, name="write-to", stdout=lambda _: None)
    assert isinstance(found, GuestTrap)
    assert "unknown handle index 77" in str(found)


@both
async def test_memory_that_a_guest_grew_by_can_be_given_and_filled(has_window: bool) -> None:
    written: list[bytes] = []
    async with attacked(guest(has_window), stdin=b"abc", stdout=written.append) as instance:
        await instance.call("grow")
        assert await instance.call("read", 3, MEMORY + 1, RESULT) == (0, b"abc")
        assert await instance.call("write", MEMORY, 4, RESULT) == 0
    assert written == [b"\0abc"]


async def test_a_realloc_that_reads_on_harms_only_its_own_guest() -> None:
    async with attacked(guest(True), stdin=b"abcdef") as instance:
        assert await instance.call("read-in-realloc") == (0, b"def")


# ---- providers of one's own, which are not bound to 64 KiB


class Streams:
    """Serves `wasi:io/streams`, and stdin and stdout with it."""

    class InputStream:
        def __init__(self, streams: Streams) -> None:
            self._streams = streams

        def read(self, len: int) -> Any:
            return self._streams.data

    class OutputStream:
        def __init__(self, streams: Streams) -> None:
            self._streams = streams

        def write(self, contents: bytes) -> None:
            self._streams.data = contents

    def __init__(self, data: Any) -> None:
        self.data = data

    def get_stdin(self) -> InputStream:
        return self.InputStream(self)

    def get_stdout(self) -> OutputStream:
        return self.OutputStream(self)


def providers(streams: Streams) -> dict[str, object]:
    return dict.fromkeys(("wasi:io/streams", "wasi:cli/stdin", "wasi:cli/stdout"), streams)


@both
@pytest.mark.parametrize("size", [(2 << 16) - 1, 2 << 16, 200_000])
async def test_a_provider_of_its_own_gives_and_takes_as_much_as_it_likes(size: int, has_window: bool) -> None:
    data = bytes(range(250)) * 1000
    served = Streams(data[:size])
    async with Host(providers=providers(served)).open(guest(has_window)) as instance:
        for _ in range(4):
            await instance.call("grow")
        assert await instance.call("read", 1, MEMORY, RESULT) == (0, data[:size])
        await instance.call("write", MEMORY + 1, size, RESULT)
        assert served.data == data[1:size] + bytes(1)


@both
@pytest.mark.parametrize("data", ["text", 5, None, [1, 2, 256]])
async def test_what_is_no_list_of_bytes_is_the_providers_error(data: object, has_window: bool) -> None:
    async with Host(providers=providers(Streams(data))).open(guest(has_window)) as instance:
        with pytest.raises(ProviderError, match=r"streams@0.2.12#\[method\]input-stream.read: .*expected"):
            await instance.call("read", 1, PLACE, RESULT)


@both
@pytest.mark.parametrize("limits", [Limits(list_bytes=1 << 17), Limits(values_in_flight_bytes=1 << 20)])
async def test_a_list_beyond_a_limit_is_a_limit_error(limits: Limits, has_window: bool) -> None:
    async with Host(limits=limits, providers=providers(Streams(bytes(4 << 20)))).open(guest(has_window)) as instance:
        with pytest.raises(LimitError):
            await instance.call("read", 1, PLACE, RESULT)


# ---- guests without


async def test_a_guest_that_hands_its_streams_to_a_component_inside_runs_without_a_window() -> None:
    component = adapted(INSIDE)
    assert not wiring_of(component).windowed
    written: list[bytes] = []
    async with attacked(component, stdin=b"abc", stdout=written.append) as instance:
        assert await instance.call("read", 3, PLACE, RESULT) == (0, b"abc")
        assert await instance.call("write", PLACE, 3, RESULT) == 0
    assert written == [b"abc"]
