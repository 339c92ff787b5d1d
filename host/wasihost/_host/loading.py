"""How components are loaded for a host: the providers of WASI, and the exports of a command."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Literal, TypeAlias

import wasmtime

from wasihost._base.errors import LinkError
from wasihost._base.limits import DEFAULTS, Limits
from wasihost._base.quoting import some
from wasihost._component.adapt import Component
from wasihost._component.adapt import adapt as adapt_component
from wasihost._component.cache import Cache
from wasihost._host import native_wasip2

Wasip2: TypeAlias = Literal["python", "native"]
"""Which implementation serves WASI 0.2: Python, as 0.3, or Wasmtime's own."""

_RUN = ("wasi:cli/run@0.3.0#run", "wasi:cli/run@0.2.0#run", "wasi:cli/run#run")
"""The export that makes a component a command: the newest version that we serve, else any at all."""


def adapt(
    engine: wasmtime.Engine,
    wasm: bytes,
    *,
    origin: str = "the component",
    cache: Cache | None = None,
    wasip2: Wasip2 = "python",
    limits: Limits = DEFAULTS,
) -> Component:
    """Compiles a component for an engine of your own, whose config went through `configure`, unless `cache` has it.

    Open it with your own store and linker: `async with adapted.open(providers, store=…, linker=…) as instance`.
    With `wasip2="native"` imports of WASI 0.2 are left to the linker (`linker.add_wasip2()`).
    Errors: ComponentError, UnsupportedTypeError, LimitError.
    """
    return adapt_component(
        engine,
        wasm,
        native=left_to_wasmtime(wasip2),
        for_linker=True,
        origin=origin,
        cache=cache,
        limits=limits,
        **of_wasi(),
    )


def of_wasi() -> dict[str, tuple[str, ...]]:
    """The arguments about WASI for the `adapt` and `reflect` of a component: `in_order` and `windowed`."""
    from wasihost._wasi import p2, p3  # not before there is a component

    return {"in_order": (*p3.IN_ORDER, *p2.IN_ORDER), "windowed": p2.WINDOWED}


def left_to_wasmtime(wasip2: Wasip2 | None) -> Callable[[str], bool]:
    """Whether Wasmtime's own implementation serves an imported interface."""
    return native_wasip2.provides if wasip2 == "native" else _none


def _none(_interface: str) -> bool:
    return False


def run_export(component: Component) -> str:
    """The path of the function that makes a component a command. Errors: LinkError, if there is none."""
    for name in _RUN:
        with contextlib.suppress(LookupError):
            return component.find_export(name)
    if any(name.startswith("wasi:http/") for name in component.exports):
        instead = "let it answer HTTP requests with `wasihost serve` or `Host.serve`"
    else:
        instead = "call a function with `wasihost run --invoke` or `Host.open`"
    raise LinkError(
        f"the component is not a command: it exports {some(component.exports) or 'nothing'}, but not wasi:cli/run; "
        f"{instead}"
    )
