"""Components made to be expensive to load, or to break the loader."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
import wasmtime

from wasihost import ComponentError, Host, LimitError, Limits, LinkError
from wasihost._component.adapt import wiring_of
from wasihost._component.world.nesting import Nesting
from wasihost._component.world.sections import CANONICAL, COMPONENT_VERSION, MAGIC, leb, section, sections

PREAMBLE = MAGIC + COMPONENT_VERSION
CORE = MAGIC + b"\1\0\0\0"


def load(wasm: str | bytes, **limits: int) -> object:
    if isinstance(wasm, str):
        wasm = bytes(wasmtime.wat2wasm(wasm))
    return Host(limits=Limits(**limits)).load(wasm)


def module(*sections: bytes) -> bytes:
    """A component of nothing but a core module."""
    return PREAMBLE + section(1, CORE + b"".join(sections))


# ---- size


def big() -> bytes:
    """A component of 50 MB: one function of a few instructions, 160,000 times."""
    body = b"\0" + b"\x41\1\x1a" * 100 + b"\x0b"
    body = leb(len(body)) + body
    count = 50_000_000 // len(body)
    return module(
        section(1, b"\1\x60\0\0"), section(3, leb(count) + b"\0" * count), section(10, leb(count) + body * count)
    )


@pytest.mark.nightly
async def test_a_component_of_50_mb_loads_while_the_event_loop_goes_on() -> None:
    loading = asyncio.create_task(asyncio.to_thread(load, big()))
    passes = 0
    while not loading.done():
        await asyncio.sleep(0.01)
        passes += 1
    async with Host().open(await loading):  # type: ignore[arg-type]
        pass
    assert passes > 20


def test_a_component_larger_than_the_limit_is_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "big.wasm"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # takes no room on the disk, and would in memory
    with pytest.raises(LimitError, match=f"{re.escape(str(path))} has 1099511627776 bytes: the limit component_bytes"):
        Host().load(path)
    with pytest.raises(LimitError, match="component_bytes is 10"):
        load(PREAMBLE + b"\0" * 3, component_bytes=10)


# ---- types


def doubling(times: int) -> str:
    """A type of a few bytes that has 2^times parts."""
    pairs = "".join(f"(type $t{n + 1} (tuple $t{n} $t{n}))" for n in range(times))
    return f'(component (type $t0 (tuple u8 u8)) {pairs} (import "f" (func (param "x" $t{times}))))'


def nested(depth: int) -> str:
    lists = "".join(f"(type $t{n + 1} (list $t{n}))" for n in range(depth))
    return f'(component (type $t0 (list string)) {lists} (import "f" (func (param "x" $t{depth}))))'


@pytest.mark.parametrize("times", [14, 17, 25])
def test_a_type_that_doubles_again_and_again_is_a_limit_error_or_no_component(times: int) -> None:
    with pytest.raises((LimitError, ComponentError)):
        load(doubling(times))


def test_what_is_beyond_world_parts_is_a_limit_error() -> None:
    assert load(doubling(5), world_parts=150)
    with pytest.raises(LimitError, match="world_parts is 100"):
        load(doubling(5), world_parts=100)


@pytest.mark.parametrize("depth", [50, 95])
async def test_a_type_that_is_nested_deep_is_one_like_any_other(depth: int) -> None:
    loaded = Host().load(bytes(wasmtime.wat2wasm(nested(depth))))
    async with Host(providers={"": type("Root", (), {"f": lambda self, x: None})()}).open(loaded):
        pass


@pytest.mark.parametrize("depth", [150, 10_000])
def test_a_type_that_is_nested_too_deep_is_no_component(depth: int) -> None:
    with pytest.raises(ComponentError, match="nesting is too deep"):
        load(nested(depth))


@pytest.mark.slow
@pytest.mark.parametrize(
    "item",
    [
        '(export "i{n}" (func))',
        pytest.param('(export "i{n}" (func async (param "x" string)))', marks=pytest.mark.nightly),
        '(export "i{n}" (type (sub resource)))',
    ],
)
def test_10_000_imports_load_or_are_a_limit_error(item: str) -> None:
    items = " ".join(item.replace("{n}", str(n)) for n in range(10_000))
    wasm = bytes(wasmtime.wat2wasm(f'(component (import "a:b/i" (instance {items})))'))
    if "resource" in item:
        with pytest.raises(LimitError, match="world_parts"):
            load(wasm)
    else:
        assert len(wiring_of(Host().load(wasm)).world.imports["a:b/i"].items) == 10_000


async def test_1000_imports_that_nothing_provides_are_one_short_line() -> None:
    imports = " ".join(f'(import "a:b/i{n}" (instance (export "f" (func))))' for n in range(1000))
    listed = ", ".join(f"a:b/i{n} (f)" for n in range(10))
    with pytest.raises(LinkError, match=rf"^{re.escape(f'nothing provides a:b: {listed} and 990 more')}$"):
        async with Host().open(bytes(wasmtime.wat2wasm(f"(component {imports})"))):
            pass


@pytest.mark.slow
def test_a_variant_of_10_000_cases_is_a_limit_error() -> None:
    cases = " ".join(f'(case "c{n}" u8)' for n in range(10_000))
    body = f'(type $v (variant {cases})) (export "v" (type $e (eq $v))) (export "f" (func (param "x" $e)))'
    with pytest.raises(LimitError, match="world_parts"):
        load(f'(component (import "a:b/i" (instance {body})))')


# ---- the binary


@pytest.mark.parametrize("depth", [101, 1000, 50_000])
def test_components_inside_of_components_are_refused_beyond_100(depth: int) -> None:
    wasm = PREAMBLE
    for _ in range(depth):
        wasm = PREAMBLE + section(4, wasm)
    with pytest.raises(ComponentError, match="more than 100 deep"):
        load(wasm)


@pytest.mark.parametrize(
    "wasm",
    [
        module(section(10, leb(2**32 - 1))),  # says to have four thousand million functions
        module(section(10, b"\xff" * 1_000_000)),
        PREAMBLE + b"\1" + b"\x80" * 1_000_000,  # a length that never ends
        PREAMBLE + b"\1" + leb(2**32 - 1),
        PREAMBLE + b"\4" + leb(2**31) + PREAMBLE,
        module(section(6, leb(2**32 - 1))),
        *(module(section(11, contents)) for contents in (b"", b"\x80", leb(3) + b"\0", leb(2) + b"\1\0\7")),
        *(PREAMBLE + section(number, leb(2**32 - 1)) for number in range(1, 13)),
        *(PREAMBLE + section(number, leb(1) + b"\xff" * 20) for number in range(1, 13)),
    ],
)
def test_numbers_that_lie_are_refused_at_once(wasm: bytes) -> None:
    with pytest.raises((ComponentError, LimitError)):
        load(wasm)


def test_a_name_is_never_taken_for_the_place_of_the_guest() -> None:
    for name in ("guest", "wasihost-guest-stands-here"):
        load(
            f'(component (import "a:b/i" (instance (export "{name}" (func async (param "x" string)))))'
            f' (import "{name}:{name}/{name}" (instance (export "{name}" (func async)))))'
        )


@pytest.mark.parametrize("name", ["wasihost:adapter/host", "wasihost:driver/host"])
def test_a_guest_cannot_import_what_the_adapter_component_does(name: str) -> None:
    with pytest.raises(ComponentError):
        load(f'(component (import "{name}" (instance (export "next" (func)) (export "turn" (func)))))')


def test_too_many_data_segments_are_a_limit_error() -> None:
    backwards = "".join(f'(data (i32.const {2 * number}) "x")' for number in range(200, 0, -1))
    wasm = f"(component (core module (memory 1) {backwards}))"
    with pytest.raises(LimitError, match="200 data segments that cannot be merged") as caught:
        load(wasm, data_segments=199)
    assert caught.value.limit == "data_segments"
    assert load(wasm, data_segments=200)


# ---- compositions

RETURNS_AT_ONCE = """(component {name}
  (core func $return (canon task.return))
  (core module $m (import "" "return" (func $return))
    (func (export "f") (result i32) (call $return) (i32.const 0))
    (func (export "callback") (param i32 i32 i32) (result i32) (i32.const 0)))
  (core instance $i (instantiate $m (with "" (instance (export "return" (func $return))))))
  (func (export "f") async (canon lift (core func $i "f") async (callback (core func $i "callback")))))"""
CALLS_FOR_EVER = """(component {name} (import "f" (func $f async))
  (core module $libc (memory (export "memory") 1)) (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (core func $call (canon lower (func $f) async (memory $memory)))
  (core module $m (import "" "f" (func $f (result i32)))
    (func (export "g") (loop $again (drop (call $f)) (br $again))))
  (core instance $i (instantiate $m (with "" (instance (export "f" (func $call))))))
  (func (export "g") async (canon lift (core func $i "g"))))"""
COMPOSED = f"""(component {RETURNS_AT_ONCE.format(name="$a")} {CALLS_FOR_EVER.format(name="$b")}
  (instance $a (instantiate $a)) (instance $b (instantiate $b (with "f" (func $a "f"))))
  (export "g" (func $b "g")))"""


def test_components_that_could_call_each_other_until_wasmtime_panics_are_a_limit_error() -> None:
    with pytest.raises(LimitError, match="call each other asynchronously") as caught:
        load(COMPOSED)
    assert caught.value.limit == "async_components"
    assert load(COMPOSED, async_components=10)


def test_a_component_that_is_instantiated_twice_could_call_itself() -> None:
    both = (
        CALLS_FOR_EVER.format(name="$b")
        .replace("(core instance $i", '(func (export "f") async (canon lift (core func $n "f"))) (core instance $i', 1)
        .replace(
            "(core module $m",
            '(core module $n (func (export "f"))) (core instance $n (instantiate $n)) (core module $m',
        )
    )
    with pytest.raises(LimitError, match="async_components"):
        load(f"(component {both})")


def test_the_async_imports_of_the_outermost_component_are_fine() -> None:
    inner = '(component (import "x" (func)) (export "y" (func 0)))'
    alone = CALLS_FOR_EVER.format(name="").replace("(core module $libc", f"{inner} (core module $libc", 1)
    assert load(alone)


@pytest.mark.parametrize("options", [b"\2\6\3\0", b"\2\3\0\6", b"\x82\0\6\3\0", b"\4\0\4\1\3\x80\0\6", b"\3\2\6\3\1"])
@pytest.mark.parametrize("func", [b"\0", b"\x80\1", b"\x85\x80\0"])
def test_an_async_lowering_is_found_however_it_is_written(func: bytes, options: bytes) -> None:
    nesting = Nesting()
    nesting.saw([b"\3\5" + b"\x09\1\0\0" + b"\1\0" + func + options], is_inner=True)
    assert nesting.callers == 2


BUILTINS = """
    (core func (canon resource.new $r)) (core func (canon resource.rep $r)) (core func (canon resource.drop $r))
    (core func (canon task.return)) (core func (canon task.return (result u32))) (core func (canon task.cancel))
    (core func (canon task.return (result $list) (memory $m)))
    (core func (canon context.get i32 0)) (core func (canon context.set i32 0)) (core func (canon thread.yield))
    (core func (canon backpressure.inc)) (core func (canon backpressure.dec))
    (core func (canon subtask.cancel)) (core func (canon subtask.cancel async)) (core func (canon subtask.drop))
    (core func (canon stream.new $s)) (core func (canon stream.read $s async (memory $m)))
    (core func (canon stream.write $s (memory $m))) (core func (canon stream.cancel-read $s async))
    (core func (canon stream.cancel-write $s)) (core func (canon stream.drop-readable $s))
    (core func (canon stream.drop-writable $s))
    (core func (canon future.new $f)) (core func (canon future.read $f async (memory $m)))
    (core func (canon future.write $f async (memory $m))) (core func (canon future.cancel-read $f))
    (core func (canon future.cancel-write $f async)) (core func (canon future.drop-readable $f))
    (core func (canon future.drop-writable $f))
    (core func (canon waitable-set.new)) (core func (canon waitable-set.wait (memory $m)))
    (core func (canon waitable-set.poll (memory $m))) (core func (canon waitable-set.drop))
    (core func (canon waitable.join))
    (core func (canon lower (func $f0))) (core func (canon lower (func $f1) string-encoding=utf16 (memory $m)))
    (core func (canon lower (func $f2) (memory $m))) (core func (canon lower (func $f6)))"""


@pytest.mark.parametrize("option", ["", "async"])
def test_an_async_lowering_and_no_other_is_found_after_any_canonical_function(option: str) -> None:
    functions = " ".join(f'(import "f{number}" (func $f{number}))' for number in range(7))
    wasm = wasmtime.wat2wasm(
        f"""(component {functions} (core module $c (memory (export "m") 1)) (core instance $c (instantiate $c))
        (alias core export $c "m" (core memory $m))
        (type $r (resource (rep i32))) (type $s (stream u8)) (type $f (future u32)) (type $list (list u8)) {BUILTINS}
        (core func (canon lower (func $f6) {option})))"""
    )
    nesting = Nesting()
    nesting.saw([contents for number, contents in sections(bytes(wasm)) if number == CANONICAL], is_inner=True)
    assert nesting.callers == (2 if option else 1)


def test_plain_lowerings_in_a_component_inside_are_none_that_call_asynchronously() -> None:
    imports = " ".join(f'(import "f{number}" (func $f{number}))' for number in range(7))
    lowered = " ".join(f"(core func $l{number} (canon lower (func $f{number})))" for number in range(7))
    arguments = " ".join(f'(with "f{number}" (func $log))' for number in range(7))
    assert load(
        f"""(component (component $inner {imports} {lowered}
          (core module $m (import "" "f" (func $f)) (func (export "run") (call $f)))
          (core instance $i (instantiate $m (with "" (instance (export "f" (func $l6))))))
          (func (export "go") (canon lift (core func $i "run"))))
        (import "log" (func $log)) (instance $a (instantiate $inner {arguments})) (export "go" (func $a "go")))"""
    )
