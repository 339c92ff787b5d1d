"""From the bytes of a component to compiled code: reflect, generate, compose, compile."""

from __future__ import annotations

import functools
from collections.abc import Callable

import wasmtime
from wasmtime.component import Component

from wasihost._base.errors import ComponentError
from wasihost._base.limits import Limits
from wasihost._component.composition.compose import compose
from wasihost._component.composition.segments import merge
from wasihost._component.reasons import reason
from wasihost._component.world.reflect import reflect
from wasihost._component.world.wiring import Wiring


def prepare(
    engine: wasmtime.Engine,
    wasm: bytes,
    native: Callable[[str], bool],
    in_order: frozenset[str],
    origin: str,
    limits: Limits,
) -> tuple[Wiring, Callable[[], Component]]:
    """What a component imports and exports, with the numbering of what is generated for it, and what compiles it."""
    world = reflect(engine, wasm, origin, limits)
    wiring = Wiring(world, frozenset(filter(native, world.imports)), in_order)
    merged = merge(wasm, origin, limits)
    return wiring, functools.partial(compile_component, engine, merged, wiring, origin)


def compile_component(engine: wasmtime.Engine, wasm: bytes, wiring: Wiring, origin: str) -> Component:
    """A component composed with its adapter; this takes most of the time."""
    composed = compose(wiring, wasm)
    try:
        return Component(engine, composed)
    except wasmtime.WasmtimeError as error:
        refused = reason(error)
    hint = " (has the engine's config gone through wasihost.configure?)" if "requires the" in refused else ""
    raise ComponentError(f"{origin} cannot be compiled{hint}: {refused}")
