"""Fewer data segments, and the same memory."""

from __future__ import annotations

from typing import Any

import pytest
import wasmtime
from hypothesis import given, note, settings
from hypothesis import strategies as st

from wasihost._base.errors import LimitError
from wasihost._base.limits import Limits
from wasihost._component.composition.segments import LARGEST_GAP, merge, merge_module
from wasihost._component.world.sections import DATA, section

ENGINE = wasmtime.Engine()
GLOBAL = 40


def module(*fields: str) -> bytes:
    return bytes(wasmtime.wat2wasm(f"(module {' '.join(fields)})"))


def data(offset: int, text: str = "x", memory: str = "") -> str:
    return f'(data {memory} (i32.const {offset}) "{text}")'


MEMORY = '(memory (export "memory") 1)'


def count(wasm: bytes) -> int:
    return merge_module(wasm)[1]


def outcome(wasm: bytes) -> list[Any]:
    """The memories of an instance, and for each of its exports `init-N` whether it traps; or that it does not start."""
    store = wasmtime.Store(ENGINE)
    compiled = wasmtime.Module(ENGINE, wasm)
    value = wasmtime.Global(store, wasmtime.GlobalType(wasmtime.ValType.i32(), False), wasmtime.Val.i32(GLOBAL))
    try:
        exports = wasmtime.Instance(store, compiled, [value] * len(compiled.imports)).exports(store)
    except wasmtime.Trap as trap:
        return [trap.trap_code]
    found: list[Any] = []
    for name, item in exports.items():
        if isinstance(item, wasmtime.Func):
            try:
                found.append((name, item(store)))
            except wasmtime.Trap as trap:
                found.append((name, trap.trap_code))
    return found + [bytes(item.read(store)) for item in exports.values() if isinstance(item, wasmtime.Memory)]


TEXTS = st.text("abc", max_size=9)
OFFSETS = st.integers(0, 99) | st.integers(0, 300) | st.integers(65_530, 65_540) | st.sampled_from([-1, 1 << 30])
SEGMENTS = st.one_of(
    st.builds(data, OFFSETS, TEXTS),
    st.builds(data, OFFSETS, TEXTS),
    st.builds(data, OFFSETS, TEXTS, st.sampled_from(["(memory 0)", "(memory 1)"])),
    TEXTS.map(lambda text: f'(data (global.get $g) "{text}")'),
    TEXTS.map(lambda text: f'(data (offset (i32.add (i32.const 9) (i32.const 3))) "{text}")'),
    TEXTS.map(lambda text: f'(data "{text}")'),
)


@pytest.mark.slow
@given(st.lists(SEGMENTS, max_size=12), st.booleans(), st.booleans())
@settings(max_examples=300, deadline=None, database=None, derandomize=True)
def test_memories_hold_the_same(segments: list[str], ascending: bool, numbered: bool) -> None:
    if ascending:
        segments = [data(40 * n, "ab" * (n % 3)) for n in range(len(segments))] + segments
    uses = [
        f'(func (export "init-{n}") (memory.init {n} (i32.const 500) (i32.const 0) (i32.const 1)))'
        f' (func (export "none-{n}") (memory.init {n} (i32.const 0) (i32.const 0) (i32.const 0)) (data.drop {n}))'
        for n in range(len(segments) if numbered else 0)
    ]
    imported = '(import "" "g" (global $g i32))'
    text = [imported, MEMORY, '(memory (export "other") 1)', *segments, *uses]
    note("\n".join(text))
    before = module(*text)
    after, left = merge_module(before)
    assert left <= len(segments)
    assert outcome(after) == outcome(before)
    assert merge_module(after)[1] <= left + numbered * len(segments)


@pytest.mark.parametrize(
    ("segments", "left"),
    [
        ([], 0),
        ([data(0)], 1),
        ([data(0), data(1)], 1),
        ([data(0), data(1 + LARGEST_GAP)], 1),
        ([data(0), data(2 + LARGEST_GAP)], 2),
        ([data(0, "ab"), data(1)], 2),
        ([data(9), data(0)], 2),
        ([data(0), data(9), data(18), data(500), data(509)], 2),
        ([data(10), data(0), data(20)], 3),  # the zeros would be written over what is at 10
        ([data(10), data(0), data(1), data(5)], 2),
        ([data(20), data(0), data(10), data(30)], 3),
        ([data(0), '(data "x")', data(1)], 3),
        ([data(0), "(data (global.get $g))", data(1), data(2), data(9)], 4),
        ([data(0, memory="(memory 1)"), data(1, memory="(memory 1)"), data(2)], 2),
        ([data(-2), data(-1)], 1),
        ([data(0, ""), data(3, ""), data(70_000, "")], 2),
    ],
)
def test_what_adjoins_is_one(segments: list[str], left: int) -> None:
    imported = '(import "" "g" (global $g i32))'
    wasm = module(imported, MEMORY, '(memory (export "other") 1)', *segments)
    assert count(wasm) == left
    assert outcome(merge_module(wasm)[0]) == outcome(wasm)


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        (['(import "" "m" (memory 1))'], 2),
        (['(import "" "m" (memory 1))', "(memory 1)"], 2),
        (["(memory i64 1)"], 2),
        (['(import "" "f" (func))', '(import "" "t" (table 1 (ref null extern)))', MEMORY], 1),
        (['(import "" "g" (global (ref null func)))', '(import "" "t" (tag (param i32)))', MEMORY], 1),
        (['(import "" "t" (table 1 2 funcref))', '(import "" "g" (global (mut v128)))', "(memory 1 2 shared)"], 1),
    ],
)
def test_only_memories_of_32_bits_of_the_module_itself_count(fields: list[str], left: int) -> None:
    offset = "(i64.const {})" if "i64" in fields[0] else "(i32.const {})"
    wasm = module(*fields, *(f'(data {offset.format(at)} "x")' for at in (0, 1)))
    merged, found = merge_module(wasm)
    assert found == left
    wasmtime.Module.validate(ENGINE, merged)


def test_a_second_memory_behind_an_imported_one_is_the_modules_own() -> None:
    own = [data(at, memory="(memory 1)") for at in (0, 1)]
    assert count(module('(import "" "m" (memory 1))', "(memory 1)", *own)) == 1


def test_a_module_that_is_cut_off_is_left_as_it_is() -> None:
    wasm = module(MEMORY, data(0), data(1))
    broken = wasm.replace(b"\x0b\x01x", b"\x0b\x7fx")
    assert merge_module(broken)[0] == broken


def test_a_number_that_is_too_long_is_left_for_wasmtime_to_refuse() -> None:
    wasm = module(MEMORY, data(0), data(1))
    number = b"\x80" * 100_000 + b"\0"
    contents = b"\2\0\x41\0\x0b\1x\0\x41" + number + b"\x0b\1x"
    broken = wasm[: wasm.index(b"\x0b\x0d\2")] + section(DATA, contents)
    assert merge_module(broken)[0] == broken


def component(*modules: str) -> bytes:
    inside = " ".join(f"(component (core module {fields}))" for fields in modules)
    return bytes(wasmtime.wat2wasm(f"(component {inside} {inside})"))


def test_modules_are_found_however_deep_and_their_segments_count_together() -> None:
    apart = " ".join(data(100 * n) for n in range(10))
    close = " ".join(data(n) for n in range(10))
    merged = merge(component(f"{MEMORY} {apart}", f"{MEMORY} {close}"))
    with pytest.raises(LimitError, match="the component has 22 data segments that cannot be merged"):
        merge(component(f"{MEMORY} {apart}", f"{MEMORY} {close}"), limits=Limits(data_segments=21))
    assert merge(merged, limits=Limits(data_segments=22)) == merged
