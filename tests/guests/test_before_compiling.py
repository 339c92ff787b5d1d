"""What is known once a component is reflected is said before it is compiled, which can take a minute."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import wasmtime

from wasihost import ComponentError, Host, LinkError

# Compiling it fails, reflecting it does not look at code.
INVALID_CODE = '(core module (func (export "f") (result i32)))'


def component(items: str) -> bytes:
    return bytes(wasmtime.wat2wasm(f"(component {items} {INVALID_CODE})"))


MISSING = component('(import "a:b/one@1.0.0" (instance (export "f" (func))))')
WASI_0_2 = component('(import "wasi:cli/exit@0.2.0" (instance (export "exit" (func))))')
PLAIN = component(
    '(core module $m (func (export "hello"))) (core instance $i (instantiate $m))'
    '(func (export "hello") (canon lift (core func $i "hello")))'
)


async def _open(host: Host, wasm: bytes) -> None:
    async with host.open(wasm):
        pass


async def _pool(host: Host, wasm: bytes) -> None:
    async with host.pool(wasm):
        pass


@pytest.mark.parametrize("way", [_open, _pool])
async def test_a_missing_import_is(way: Callable[[Host, bytes], Any]) -> None:
    with pytest.raises(LinkError, match="nothing provides the import a:b/one"):
        await way(Host(), MISSING)


@pytest.mark.parametrize("way", [_open, _pool])
async def test_wasi_0_2_that_is_refused_is(way: Callable[[Host, bytes], Any]) -> None:
    with pytest.raises(LinkError, match=r"which this Host refuses: wasi:cli/exit@0\.2\.0"):
        await way(Host(wasip2=None), WASI_0_2)


@pytest.mark.parametrize("wasm", [PLAIN, MISSING])
def test_what_is_no_command_is(wasm: bytes) -> None:
    with pytest.raises(LinkError, match="not a command"):
        Host().run(wasm)


def test_reflecting_compiles_nothing() -> None:
    reflected = Host().reflect(PLAIN)
    assert reflected.exports == ["hello"]
    with pytest.raises(ComponentError, match="cannot be compiled"):
        Host().load(reflected)


def test_functions_that_a_component_exports_by_themselves_are_named() -> None:
    with pytest.raises(LinkError, match=r"it exports hello, but not wasi:cli/run; call .* `wasihost run --invoke`"):
        Host().run(PLAIN)


def test_packages_that_are_missing_are_named_without_all_their_methods() -> None:
    functions = " ".join(f'(export "f{n}" (func))' for n in range(43))
    imports = f"""
        (import "wasi:http/types@0.2.10" (instance {functions}))
        (import "wasi:http/outgoing-handler@0.2.10" (instance (export "handle" (func))))"""
    with pytest.raises(LinkError) as caught:
        asyncio.run(_open(Host(), component(imports)))
    assert str(caught.value) == (
        "nothing provides wasi:http: wasi:http/types@0.2.10 (43 functions), wasi:http/outgoing-handler@0.2.10 (handle)"
    )
