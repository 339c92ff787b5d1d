"""Generates a guest that forwards each of the 22 sync methods of tcp-socket, for an embedder with wasmtime-py alone."""

from __future__ import annotations

from importlib.resources import files

import wasmtime

from wasihost._component.composition.wat import signature
from wasihost._component.world import layout, types
from wasihost._component.world.reflect import reflect

SOCKETS = "wasi:sockets/types@0.3.0"
IMPORT = files("wasihost._wasi.p3.sockets").joinpath("tcp-socket.wat").read_text(encoding="utf-8")
RESULT = 4096  # where in the guest's memory a result stands


def functions(engine: wasmtime.Engine) -> dict[str, types.Func]:
    """The functions of the resource, by WIT name."""
    return reflect(engine, bytes(wasmtime.wat2wasm(IMPORT))).imports[SOCKETS].funcs


DROPS = {
    "drop": "(call $drop (local.get 0))",
    "drop-twice": "(call $drop (local.get 0)) (call $drop (local.get 0))",
    "drop-and-use": "(call $drop (local.get 0)) (drop (call $get-is-listening (local.get 0)))",
}
"""What the guest does with a socket that it owns."""

LIBC = """
(core module $libc
  (memory (export "memory") 1)
  (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 8192)))
(core instance $libc (instantiate $libc))
(alias core export $libc "memory" (core memory $memory))
(alias core export $libc "realloc" (core func $realloc))
(core func $drop (canon resource.drop $tcp-socket))"""


class _Names:
    """How a type of the imported interface is written outside of it."""

    def __init__(self, interface: types.Interface) -> None:
        self.nominal = {t: name for name, t in interface.types.items() if isinstance(t, types.Nominal)}

    def wat(self, t: types.ValType) -> str:
        match t:
            case types.Primitive(name=name):
                return name
            case types.Own():
                return "(own $tcp-socket)"
            case types.Borrow():
                return "(borrow $tcp-socket)"
            case types.Result(ok=ok, err=err):
                parts = ["" if ok is None else self.wat(ok), "" if err is None else f"(error {self.wat(err)})"]
                return f"(result {' '.join(filter(None, parts))})"
            case types.Record() | types.Variant() | types.Enum() | types.Flags():
                return f"${self.nominal[t]}"
        raise AssertionError(t)


def plain_guest(engine: wasmtime.Engine) -> bytes:
    """The component: it exports `create`, `bind` and so on, and the functions of `DROPS`."""
    interface = reflect(engine, bytes(wasmtime.wat2wasm(IMPORT))).imports[SOCKETS]
    names = _Names(interface)
    lowers, imports, arguments, bodies, lifts = [], [], [], [], []
    for path, func in interface.funcs.items():
        name = path.rpartition(".")[2]
        flat = list(layout.flatten_all(t for _, t in func.params))
        assert func.result is not None
        in_memory = len(layout.flatten(func.result)) > layout.MAX_FLAT_RESULTS
        lowers.append(f'(core func ${name} (canon lower (func $types "{path}") (memory $memory) (realloc $realloc)))')
        core = signature([*flat, "i32"], []) if in_memory else signature(flat, layout.flatten(func.result))
        imports.append(f'(import "" "{name}" (func ${name}{core}))')
        arguments.append(f'(export "{name}" (func ${name}))')
        given = " ".join(f"(local.get {index})" for index in range(len(flat)))
        # A borrow must be dropped before the end of the call that it came with.
        drop = "(call $drop (local.get 0))" if isinstance(func.params[0][1], types.Borrow) else ""
        pointer = f"(i32.const {RESULT})" if in_memory else ""
        bodies.append(
            f'(func (export "{name}"){signature(flat, ["i32"])} (call ${name} {given} {pointer}) {drop} {pointer})'
        )
        params = " ".join(f'(param "{word}" {names.wat(t)})' for word, t in func.params)
        lifts.append(
            f'(func (export "{name}") {params} (result {names.wat(func.result)})'
            f' (canon lift (core func $core "{name}") (memory $memory) (realloc $realloc)))'
        )
    aliases = [f'(alias export $types "{name}" (type ${name}))' for name in interface.types]
    for name, code in DROPS.items():
        bodies.append(f'(func (export "{name}") (param i32) {code})')
        lifts.append(
            f'(func (export "{name}") (param "socket" (own $tcp-socket)) (canon lift (core func $core "{name}")))'
        )
    lines = [
        IMPORT.rstrip().removesuffix(")").replace("(instance", "(instance $types", 1),
        *aliases,
        LIBC,
        *lowers,
        "(core module $code",
        *imports,
        '(import "" "drop-socket" (func $drop (param i32)))',
        *bodies,
        ")",
        f'(core instance $core (instantiate $code (with "" (instance {" ".join(arguments)}',
        '(export "drop-socket" (func $drop))))))',
        *lifts,
        ")",
    ]
    return bytes(wasmtime.wat2wasm("\n".join(lines)))
