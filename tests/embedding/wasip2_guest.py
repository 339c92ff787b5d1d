"""Generates a guest that forwards each function that `add_wasip2_tcp_to_linker` registers."""

from __future__ import annotations

from importlib.resources import files

import wasmtime

from wasihost._component.composition.compose import _Composition
from wasihost._component.composition.wat import signature
from wasihost._component.world import layout, types
from wasihost._component.world.reflect import reflect
from wasihost._component.world.wiring import Wiring

IMPORTS = files("wasihost._wasi.p2.sockets").joinpath("tcp-socket.wat").read_text(encoding="utf-8")
RESULT = 4096  # where in the guest's memory a result stands

LIBC = """
(core module $libc
  (memory (export "memory") 1)
  (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 8192)))
(core instance $libc (instantiate $libc))
(alias core export $libc "memory" (core memory $memory))
(alias core export $libc "realloc" (core func $realloc))"""


def world(engine: wasmtime.Engine) -> types.World:
    """What is registered."""
    return reflect(engine, bytes(wasmtime.wat2wasm(IMPORTS)))


def exported(path: str) -> str:
    """What the guest calls a function, `tcp-socket-start-bind` for `[method]tcp-socket.start-bind`."""
    return path.removeprefix("[method]").replace(".", "-")


def wasip2_guest(engine: wasmtime.Engine, version: str) -> bytes:
    """The component, which imports everything in this version."""
    found = world(engine)
    composition = _Composition(Wiring(found, shares_memory=False))
    for index, (name, interface) in enumerate(found.imports.items()):
        composition._import(index, name.replace("0.2.0", version), interface)
    lines = composition.lines
    lines.append(LIBC)
    core = _Core()
    for index, interface in enumerate(found.imports.values()):
        for t in interface.types.values():
            if isinstance(t, types.Resource) and t not in core.drops:
                core.drops[t] = f"drop-{len(core.drops)}"
                lines.append(f"(core func ${core.drops[t]} (canon resource.drop {composition.scope.ref(t)}))")
                core.add_import(core.drops[t], "(param i32)")
        for path, func in interface.funcs.items():
            name = exported(path)
            source = f'(func $import-{index} "{path}")'
            lines.append(f"(core func ${name} (canon lower {source} (memory $memory) (realloc $realloc)))")
            core.forward(name, func)
    lines.append(core.text())
    for interface in found.imports.values():
        for path, func in interface.funcs.items():
            symbol, name = composition.scope.symbol(), exported(path)
            lines.append(f"(type {symbol} {composition.scope.func(func)})")
            lifted = f'(canon lift (core func $core "{name}") (memory $memory) (realloc $realloc))'
            lines.append(f'(func (export "{name}") (type {symbol}) {lifted})')
    return bytes(wasmtime.wat2wasm("\n".join(["(component", *lines, ")"])))


class _Core:
    """The guest's module in the making, with one function for each that it forwards."""

    def __init__(self) -> None:
        self.drops: dict[types.Resource, str] = {}
        self._imports: list[str] = []
        self._given: list[str] = []
        self._bodies: list[str] = []

    def add_import(self, name: str, signature: str) -> None:
        self._imports.append(f'(import "" "{name}" (func ${name} {signature}))')
        self._given.append(f'(export "{name}" (func ${name}))')

    def forward(self, name: str, func: types.Func) -> None:
        """Calls the function with what came, and drops what was lent, as must be before the end of a call."""
        flat: list[str] = []
        ended: list[str] = []
        for _, t in func.params:
            if isinstance(t, types.Borrow):
                ended.append(f"(call ${self.drops[t.resource]} (local.get {len(flat)}))")
            flat += layout.flatten(t)
        results = [] if func.result is None else layout.flatten(func.result)
        arguments = [f"(local.get {index})" for index in range(len(flat))]
        if len(results) <= layout.MAX_FLAT_RESULTS:
            self.add_import(name, signature(flat, results))
            self._add(name, signature(flat, results), [f"(call ${name} {' '.join(arguments)})", *ended])
        else:
            self.add_import(name, signature([*flat, "i32"]))
            result = f"(i32.const {RESULT})"
            call = f"(call ${name} {' '.join(arguments)} {result})"
            self._add(name, signature(flat, ["i32"]), [call, *ended, result])

    def text(self) -> str:
        given = f'(export "memory" (memory $memory)) {" ".join(self._given)}'
        code = ['(core module $code (import "" "memory" (memory 1))', *self._imports, *self._bodies, ")"]
        return "\n".join([*code, f'(core instance $core (instantiate $code (with "" (instance {given}))))'])

    def _add(self, name: str, signature: str, body: list[str]) -> None:
        self._bodies.append(f'(func (export "{name}") {signature} {" ".join(body)})')
