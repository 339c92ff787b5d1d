from __future__ import annotations

import pytest
import wasmtime
from wasmtime.component import Component

from wasihost._base.errors import ComponentError
from wasihost._component.running.engine import default_engine
from wasihost._component.world import binary, sections
from wasihost._component.world.reflect import reflect

COMPONENT = bytes(
    wasmtime.wat2wasm("""
    (component
      (core module $big
        (memory (export "memory") 1)
        (data (i32.const 0) "some data")
        (func (export "f") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
        (func (export "g")))
      (component $inner (core module (func (export "here"))))
      (core instance $i (instantiate $big))
      (func (export "f") (param "x" u32) (result u32) (canon lift (core func $i "f"))))""")
)


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**14, 2**32 - 1])
def test_leb_is_read_as_written(value: int) -> None:
    assert sections.read_leb(b"x" + sections.leb(value) + b"y", 1) == (value, 1 + len(sections.leb(value)))


@pytest.mark.parametrize(
    ("wasm", "message"),
    [
        (b"", "is not WebAssembly"),
        (b"#!/bin/sh\n", "is not WebAssembly"),
        (bytes(wasmtime.wat2wasm("(module)")), "is a core module, not a component"),
        (b"\0asm\x0e\0\1\0", "not a component of a known version"),
    ],
)
def test_what_is_no_component_is_named(wasm: bytes, message: str) -> None:
    with pytest.raises(ComponentError, match=message):
        binary.check_preamble(wasm, "x.wasm")


def test_sections_of_a_component_make_it_again() -> None:
    parts = [sections.section(number, contents) for number, contents in sections.sections(COMPONENT)]
    assert COMPONENT[: sections.PREAMBLE] + b"".join(parts) == COMPONENT


@pytest.mark.parametrize("missing", [1, 10, len(COMPONENT) // 2])
def test_a_file_that_was_cut_off_is_refused(missing: int) -> None:
    with pytest.raises(ComponentError, match="is the file complete"):
        reflect(default_engine(), COMPONENT[:-missing])


def test_a_hollow_component_has_the_same_type_and_no_code() -> None:
    hollow = binary.hollow(COMPONENT)
    engine = wasmtime.Engine()
    component = Component(engine, hollow)
    assert list(component.type.exports(engine)) == ["f"]
    assert b"some data" not in hollow


def test_splicing_replaces_the_marked_component_alone() -> None:
    other = bytes(wasmtime.wat2wasm('(component (core module (func (export "there"))))'))
    marker = bytes(wasmtime.wat2wasm('(module (func (export "here")))'))
    spliced = binary.splice(COMPONENT, marker, other)
    found = [contents for number, contents in sections.sections(spliced) if number == sections.COMPONENT]
    assert found == [other]
    assert b"some data" in spliced
