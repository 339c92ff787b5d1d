"""Generates guests that pump a stream and a future from the host to the host, element by element through their memory.

    source   func() -> stream<T>                 sink   func(x: stream<T>)
    fsource  func() -> future<T>                 fsink  func(x: future<T>)
    pump     async func(n: u32, rounds: u32)     reads up to n elements, writes them, so many times or until the end
    fpump    async func()
    fdrop    async func()                        takes a future and drops it without reading

How they pump is in `core.py`.
"""

from __future__ import annotations

from tests.abi.core import ENDS, LIBC, canons, core_instance, pump
from wasihost._component.composition.wat import TypeScope
from wasihost._component.world import types
from wasihost._component.world.types import ValType

HOST = "test:flow/host"


def guest(payload: ValType | None) -> str:
    """The text of the guest component for elements of a type."""
    stream, future = types.Stream(payload), types.Future(payload)
    funcs = {
        "source": types.Func((), stream),
        "sink": types.Func((("x", stream),), None),
        "fsource": types.Func((), future),
        "fsink": types.Func((("x", future),), None),
    }
    inside, scope = TypeScope(naming=True), TypeScope()
    imports = [f'(export "{name}" {inside.func(func)})' for name, func in funcs.items()]
    lines = [f'(import "{HOST}" (instance $host', *inside.lines, *imports, "))"]
    for name, t in inside.named.items():
        lines.append(f'(alias export $host "{name}" (type ${name}))')
        scope.know(t, f"${name}")
    lines.append(LIBC)
    imported = {
        "source": ('lower (func $host "source")', "", "i32"),
        "sink": ('lower (func $host "sink")', "i32", ""),
        "fsource": ('lower (func $host "fsource")', "", "i32"),
        "fsink": ('lower (func $host "fsink")', "i32", ""),
    }
    ends = canons({"stream": scope.ref(stream), "future": scope.ref(future)})  # names the types in `scope`
    body = ENDS + pump(stream) + pump(future) + _BODY
    return "\n".join(["(component", *lines, *scope.lines, *core_instance(imported | ends, body), _LIFTS])


_BODY = """
    (func (export "pump") (param $n i32) (param $rounds i32) (local $in i32) (local $pair i64)
      (call $begin)
      (local.set $in (call $source))
      (local.set $pair (call $stream.new))
      (call $sink (call $readable (local.get $pair)))
      (call $stream.pump (local.get $in) (call $writable (local.get $pair)) (local.get $n) (local.get $rounds))
      (call $end))

    (func (export "fpump") (local $in i32) (local $pair i64)
      (call $begin)
      (local.set $in (call $fsource))
      (local.set $pair (call $future.new))
      (call $fsink (call $readable (local.get $pair)))
      (call $future.pump (local.get $in) (call $writable (local.get $pair)))
      (call $end))

    (func (export "fdrop") (call $future.drop-readable (call $fsource)))"""
_LIFTS = """
  (func (export "pump") async (param "n" u32) (param "rounds" u32) (canon lift (core func $i "pump")))
  (func (export "fpump") async (canon lift (core func $i "fpump")))
  (func (export "fdrop") async (canon lift (core func $i "fdrop")))
)"""
