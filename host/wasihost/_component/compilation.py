"""From the bytes of a component to compiled code: reflect, generate, compose, compile."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable

import wasmtime
from wasmtime.component import Component

from wasihost._base.errors import ComponentError
from wasihost._base.limits import Limits
from wasihost._component.code import Code
from wasihost._component.composition.compose import compose
from wasihost._component.composition.images import take_out
from wasihost._component.composition.segments import merge
from wasihost._component.composition.window import give_window
from wasihost._component.reasons import reason
from wasihost._component.running.engine import check_compiles
from wasihost._component.world import versions
from wasihost._component.world.passages import can_pass
from wasihost._component.world.reflect import reflect
from wasihost._component.world.wiring import Wiring


def prepare(
    engine: wasmtime.Engine,
    wasm: bytes,
    native: Callable[[str], bool],
    in_order: frozenset[str],
    windowed: frozenset[str],
    for_linker: bool,
    origin: str,
    limits: Limits,
) -> tuple[Wiring, Callable[[], tuple[Wiring, Code]]]:
    """The imports and exports of a component, with the numbering of the parts generated for it, and a callable that
    compiles it.

    With the compiled code comes the wiring for it, which may differ in its `windowed`.
    """
    world = reflect(engine, wasm, origin, limits)
    wiring = Wiring(world, frozenset(filter(native, world.imports)), in_order, for_linker=for_linker)
    merged = merge(wasm, origin, limits)
    return wiring, functools.partial(compile_component, engine, merged, wiring, windowed, origin)


def compile_component(
    engine: wasmtime.Engine, wasm: bytes, wiring: Wiring, windowed: frozenset[str], origin: str
) -> tuple[Wiring, Code]:
    """A component composed with its adapter; this takes most of the time. Errors: ComponentError, ForkError."""
    check_compiles(engine)  # this process may be a fork of that which reflected
    with_window = _with_window(wasm, wiring, windowed)
    if with_window is not None:
        with contextlib.suppress(wasmtime.WasmtimeError):  # a guest for which a window is not enough, see `window.py`
            rewritten, rewired = with_window
            return rewired, _code(engine, compose(rewired, rewritten))
    composed = compose(wiring, wasm)
    try:
        return wiring, _code(engine, composed)
    except wasmtime.WasmtimeError as error:
        refused = reason(error)
    hint = " (has the engine's config gone through wasihost.configure?)" if "requires the" in refused else ""
    raise ComponentError(f"{origin} cannot be compiled{hint}: {refused}")


def _code(engine: wasmtime.Engine, composed: bytes) -> Code:
    """A composed component, compiled. Errors: WasmtimeError."""
    without, data = take_out(composed)
    return Code(Component(engine, without), tuple(data))


def _with_window(wasm: bytes, wiring: Wiring, windowed: frozenset[str]) -> tuple[bytes, Wiring] | None:
    """The guest with a window for its imports of `windowed`, and the wiring for it; None if it cannot have one."""
    names = frozenset(
        name
        for name, interface in wiring.world.imports.items()
        if name not in wiring.native and versions.serving(name, windowed) is not None and can_pass(interface)
    )
    if not names:
        return None
    rewired = Wiring(wiring.world, wiring.native, wiring.in_order, names, wiring.for_linker)
    rewritten = give_window(wasm, rewired.passages)
    return None if rewritten is None else (rewritten, rewired)
