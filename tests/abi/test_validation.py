"""wasm-tools agrees that every component is valid: the fixtures, and all that is made around them."""

from __future__ import annotations

from pathlib import Path

import pytest
import wasmtime
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.abi import echo, flow
from tests.abi.running import WAT
from tests.strategies import val_types
from tests.tools import wasm_tools
from wasihost._component.composition.compose import compose
from wasihost._component.running.engine import default_engine
from wasihost._component.world import binary
from wasihost._component.world.reflect import reflect
from wasihost._component.world.types import ValType
from wasihost._component.world.wiring import Wiring

PREBUILT = sorted((WAT.parent / "prebuilt").glob("*.wasm"))
TEXTS = sorted(WAT.glob("*.wat"))


def component(path: Path) -> bytes:
    return path.read_bytes() if path.suffix == ".wasm" else bytes(wasmtime.wat2wasm(path.read_text(encoding="utf-8")))


def validate(wasm: bytes, tmp_path: Path) -> None:
    path = tmp_path / "component.wasm"
    path.write_bytes(wasm)
    wasm_tools("validate", "--features", "all", path)


def composed(guest: bytes, in_order: frozenset[str] = frozenset()) -> bytes:
    world = reflect(default_engine(), guest)
    native = frozenset(name for name in world.imports if "@0.2." in name)
    return compose(Wiring(world, native, in_order), guest)


@pytest.mark.parametrize("path", [*PREBUILT, *TEXTS], ids=lambda path: path.stem)
def test_fixtures_are_valid(path: Path, tmp_path: Path) -> None:
    validate(component(path), tmp_path)


@pytest.mark.parametrize("path", [*PREBUILT, *TEXTS], ids=lambda path: path.stem)
def test_composed_fixtures_are_valid(path: Path, tmp_path: Path) -> None:
    validate(composed(component(path)), tmp_path)


@pytest.mark.parametrize("path", PREBUILT, ids=lambda path: path.stem)
def test_composed_fixtures_with_every_function_adapted_are_valid(path: Path, tmp_path: Path) -> None:
    guest = path.read_bytes()
    world = reflect(default_engine(), guest)
    every = frozenset(
        f"{name.partition('@')[0]}#{func}" for name, interface in world.imports.items() for func in interface.funcs
    )
    validate(composed(guest, every), tmp_path)


@pytest.mark.parametrize("path", PREBUILT, ids=lambda path: path.stem)
def test_hollow_fixtures_are_valid(path: Path, tmp_path: Path) -> None:
    validate(binary.hollow(path.read_bytes()), tmp_path)


@pytest.mark.slow
@given(st.lists(val_types(), min_size=1, max_size=3))
@settings(max_examples=30, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_components_around_any_types_are_valid(tmp_path: Path, ts: list[ValType]) -> None:
    for text in (echo.guest(ts), flow.guest(ts[0])):
        validate(composed(bytes(wasmtime.wat2wasm(text))), tmp_path)
