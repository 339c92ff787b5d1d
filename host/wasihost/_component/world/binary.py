"""A component's bytes, rewritten: the same without its code, to reflect; and the guest put into its place."""

from __future__ import annotations

from wasihost._base.errors import ComponentError
from wasihost._base.limits import DEFAULTS, Limits
from wasihost._component.world.nesting import Nesting
from wasihost._component.world.sections import (
    CANONICAL,
    CODE,
    COMPONENT,
    COMPONENT_VERSION,
    CORE_MODULE,
    CORE_VERSION,
    CUSTOM,
    DATA,
    DATA_COUNT,
    GLOBAL,
    IMPORT,
    MAGIC,
    PREAMBLE,
    leb,
    read_leb,
    section,
    sections,
)

MAX_DEPTH = 100
"""Of components in components."""

UNREACHABLE_BODY = b"\3\0\0\x0b"  # three bytes long: no locals, `unreachable`, `end`


def check_preamble(wasm: bytes, origin: str) -> None:
    """Raises ComponentError with a description of `wasm`, unless it begins like a component."""
    if wasm[:4] != MAGIC:
        raise ComponentError(f"{origin} is not WebAssembly: it does not begin with the bytes 00 61 73 6d ('\\0asm')")
    version = wasm[4:PREAMBLE]
    if version == CORE_VERSION:
        raise ComponentError(f"{origin} is a core module, not a component: {_how_to_adapt(wasm)}")
    if version != COMPONENT_VERSION:
        raise ComponentError(f"{origin} is not a component of a known version: preamble {wasm[:PREAMBLE].hex(' ')}")


def _how_to_adapt(module: bytes) -> str:
    """How to make a component of a core module, by the names that it imports and exports."""
    if b"wasi_snapshot_preview1" not in module:
        return "make one of it with `wasm-tools component new`, or build for wasm32-wasip2"
    adapter = f"wasi_snapshot_preview1.{'command' if b'_start' in module else 'reactor'}.wasm"
    return (
        f"make one of it with `wasm-tools component new --adapt wasi_snapshot_preview1={adapter}`, which takes "
        f"{adapter} from Wasmtime's releases, or build for wasm32-wasip2"
    )


def hollow(wasm: bytes, origin: str = "the component", limits: Limits = DEFAULTS) -> bytes:
    """The component without the code of its core modules: same types, imports and exports, next to nothing to compile.

    Errors: IndexError if it is cut off, ComponentError, LimitError.

    Reflecting needs a compiled component, and the composed component is compiled for real later: this saves the price
    of compiling the guest twice.
    """
    nesting = Nesting()
    hollowed = _hollow_component(wasm, origin, limits, nesting, 0)
    if nesting.callers > limits.async_components:
        what = f"{origin} has components inside that may call each other asynchronously, and can end this process"
        raise limits.reached("async_components", what)
    return hollowed


def _hollow_component(wasm: bytes, origin: str, limits: Limits, nesting: Nesting, depth: int) -> bytes:
    if depth > MAX_DEPTH:
        raise ComponentError(f"{origin} has components inside of components, more than {MAX_DEPTH} deep")
    out = [wasm[:PREAMBLE]]
    canonical = []
    for number, contents in sections(wasm):
        if number == CANONICAL:
            canonical.append(contents)
        if number == CORE_MODULE:
            contents = _hollow_module(contents, origin, limits)
        elif number == COMPONENT:
            contents = _hollow_component(contents, origin, limits, nesting, depth + 1)
        if number != CUSTOM:
            out.append(section(number, contents))
    if canonical:
        nesting.saw(canonical, is_inner=depth > 0)
    return b"".join(out)


def _hollow_module(wasm: bytes, origin: str, limits: Limits) -> bytes:
    out = [wasm[:PREAMBLE]]
    items = 0
    for number, contents in sections(wasm):
        if number == CODE:
            count, _ = read_leb(contents, 0)
            if count > len(contents):
                raise IndexError
            contents = leb(count) + UNREACHABLE_BODY * count
        if number in (IMPORT, GLOBAL):  # each instance of the module has a place for each of them
            items += read_leb(contents, 0)[0]
            if items > limits.module_items:
                raise limits.reached("module_items", f"a core module of {origin} has {items} globals and imports")
        if number not in (CUSTOM, DATA, DATA_COUNT):
            out.append(section(number, contents))
    return b"".join(out)


def splice(wasm: bytes, marker: bytes, component: bytes) -> bytes:
    """`wasm` with `component` in the place of the nested component that begins with the core module `marker`.

    A marker that is looked for everywhere could be a name that the guest imports.
    """
    out = [wasm[:PREAMBLE]]
    begin = wasm[:PREAMBLE] + section(CORE_MODULE, marker)
    for number, contents in sections(wasm):
        if number == COMPONENT and contents.startswith(begin):
            contents = component
        out.append(section(number, contents))
    return b"".join(out)
