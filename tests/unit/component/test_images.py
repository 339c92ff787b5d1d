"""Data that is taken out of a component, and given to the memories of its instances."""

from __future__ import annotations

import mmap
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.component.test_segments import SEGMENTS, data, module, outcome
from wasihost._component.code import Data
from wasihost._component.composition import images
from wasihost._component.running import mappings
from wasihost._component.running.images import Image
from wasihost._component.world.sections import COMPONENT_VERSION, CORE_MODULE, MAGIC, PREAMBLE, section, sections

PAGE = 1 << 16
LARGE = "abcd" * (images.LEAST // 4)
MEMORY = '(memory (export "memory") 9)'
AS_LARGE = Data(9 * PAGE, 100, LARGE.encode())


def component(*modules: bytes) -> bytes:
    return MAGIC + COMPONENT_VERSION + b"".join(section(CORE_MODULE, wasm) for wasm in modules)


def take_out(*modules: bytes) -> tuple[list[bytes], list[Data]]:
    wasm, taken = images.take_out(component(*modules))
    assert wasm[:PREAMBLE] == component()
    return [contents for _, contents in sections(wasm)], taken


@pytest.mark.parametrize(
    ("segments", "taken"),
    [
        ([data(100, LARGE)], AS_LARGE),
        ([data(100, LARGE), data(102, "xy")], Data(9 * PAGE, 100, f"abxy{LARGE[4:]}".encode())),
        ([data(100, LARGE), data(90, "x")], Data(9 * PAGE, 90, b"x" + bytes(9) + LARGE.encode())),
        ([data(100, LARGE), '(data "passive")'], AS_LARGE),
        ([data(100, LARGE[:-4])], None),
        ([data(100, LARGE), data(9 * PAGE - 1, "xy")], None),
        ([data(100, LARGE), '(data (offset (i32.add (i32.const 1) (i32.const 2))) "x")'], None),
    ],
)
def test_large_data_at_known_places_is_taken_out(segments: list[str], taken: Data | None) -> None:
    wasm = module(MEMORY, *segments)
    (left,), found = take_out(wasm)
    assert found == ([taken] if taken else [])
    assert (left == wasm) is (taken is None)


def test_sparse_data_stays() -> None:
    far = 5 * images.LEAST
    _, found = take_out(module('(memory (export "memory") 30)', data(0, LARGE), data(far, "x")))
    assert found == []


@pytest.mark.parametrize(
    "other",
    ["(memory 9)", "(memory i64 1)", "(memory 1 2 shared)"],
    ids=["of the same size", "of 64 bits", "shared"],
)
def test_data_stays_where_its_memory_could_be_taken_for_another(other: str) -> None:
    wasm = module(MEMORY, data(100, LARGE))
    assert take_out(wasm, module("(memory 8)"))[1] == [AS_LARGE]
    assert take_out(wasm, module(other))[1] == []


def test_data_of_an_imported_memory_stays() -> None:
    assert take_out(module('(import "" "m" (memory 9))', data(100, LARGE)))[1] == []


@given(st.lists(SEGMENTS, max_size=5))
@settings(max_examples=100, deadline=None, database=None, derandomize=True)
def test_with_the_data_a_memory_is_as_before(segments: list[str]) -> None:
    used = "".join(
        f'(func (export "init-{number}") (memory.init {number} (i32.const 0) (i32.const 0) (i32.const 1)))'
        for number in range(len(segments))
    )
    wasm = module('(import "" "g" (global $g i32))', MEMORY, '(memory (export "other") 1)', *segments, used)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(images, "LEAST", 0)
        patched.setattr(images, "SPARSEST", 1 << 30)
        (left,), taken = take_out(wasm)
    before = outcome(wasm)
    after = outcome(left)
    for each in taken if isinstance(after[-1], bytes) else ():  # else it does not start
        at = -2 if each.size == 9 * PAGE else -1
        whole = bytearray(after[at])
        whole[each.start : each.start + len(each.data)] = each.data
        after[at] = bytes(whole)
    assert after == before


def test_each_memory_begins_with_the_data_and_has_its_own_afterwards() -> None:
    image = Image(PAGE + 100, b"data")
    first, shown = mappings.make(11 * PAGE, 13 * PAGE, image)
    assert (first[PAGE + 98 : PAGE + 106], shown) == (b"\0\0data\0\0", None)
    second, _ = mappings.make(11 * PAGE, 13 * PAGE, image)
    third, _ = mappings.make(11 * PAGE, 13 * PAGE, image)
    second[PAGE + 101] = ord("X")
    assert (second[PAGE + 98 : PAGE + 106], third[PAGE + 98 : PAGE + 106]) == (b"\0\0dXta\0\0", b"\0\0data\0\0")


def test_a_mapping_that_is_used_again_has_the_data_again() -> None:
    image = Image(PAGE + 100, b"data")
    mappings.make(11 * PAGE, 13 * PAGE, image)
    used, shown = mappings.make(11 * PAGE, 13 * PAGE, image)
    used[PAGE + 101] = ord("X")
    if mappings.keep(used, 11 * PAGE, 11 * PAGE, shown):
        assert mappings.make(11 * PAGE, 13 * PAGE)[0] is not used
        assert mappings.make(11 * PAGE, 13 * PAGE, image)[0] is used
        assert used[PAGE + 98 : PAGE + 106] == b"\0\0data\0\0"


def test_without_a_file_in_memory_every_memory_has_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("os.memfd_create", raising=False)
    image = Image(100, b"data")
    for _ in range(2):
        mapping, shown = mappings.make(PAGE, 2 * PAGE, image)
        assert (mapping[100:104], shown) == (b"data", None)


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="this platform has no files in memory")
def test_the_file_is_closed_with_its_image() -> None:
    image = Image(100, b"data")
    mapping = mmap.mmap(-1, PAGE)
    image.put(mapping, mappings.address(mapping))
    file = image._opened(0)
    del image
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(file)
