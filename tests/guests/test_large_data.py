"""Guests with large data, which is mapped into their instances."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import wasmtime

from wasihost import Cache, Component, Host
from wasihost._component.composition.images import LEAST

START = 100
WASM = bytes(
    wasmtime.wat2wasm(
        f"""
        (component
          (core module $m
            (memory 9)
            (data (i32.const {START}) "{"abcd" * (LEAST // 4)}")
            (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
            (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1))))
          (core instance $i (instantiate $m))
          (func (export "load") (param "at" u32) (result u32) (canon lift (core func $i "load")))
          (func (export "store") (param "at" u32) (param "byte" u32) (canon lift (core func $i "store"))))
        """
    )
)


def _fresh(_: Path) -> Component:
    return Host().load(WASM)


def _cached(directory: Path) -> Component:
    Host(cache=Cache(directory)).load(WASM)
    return Host(cache=Cache(directory)).load(WASM)


def _compiled(directory: Path) -> Component:
    host = Host()
    host.save_compiled(host.load(WASM), directory / "compiled")
    return host.load_compiled(directory / "compiled")


def descriptors() -> int:
    return len(os.listdir("/dev/fd"))


@pytest.mark.parametrize("load", [_fresh, _cached, _compiled])
async def test_every_instance_has_the_data_and_changes_its_own(
    load: Callable[[Path], Component], tmp_path: Path
) -> None:
    before = descriptors()
    component = load(tmp_path)
    assert len(component.compile().data) == 1
    for _ in range(2):
        async with Host().open(component) as one, Host().open(component) as other, Host().open(component) as third:
            for instance in (one, other, third):
                assert await instance.call("load", START + LEAST - 1) == ord("d")
                await instance.call("store", START + 1, ord("X"))
                await instance.call("store", 0, ord("Y"))
                assert await instance.call("load", START + 1) == ord("X")
        async with Host().open(component) as again:
            assert [await again.call("load", at) for at in (0, START, START + 1)] == [0, ord("a"), ord("b")]
    del component
    gc.collect()
    assert descriptors() == before
