"""Generates guests that pump a stream and a future from the host to the host, element by element through their memory.

    source   func() -> stream<T>                 sink   func(x: stream<T>)
    fsource  func() -> future<T>                 fsink  func(x: future<T>)
    pump     async func(n: u32, rounds: u32)     reads up to n elements, writes them, so many times or until the end
    fpump    async func()
    fdrop    async func()                        takes a future and drops it without reading

What was read is written from the same address: both are the memory form of a T, so the guest need not know it.
"""

from __future__ import annotations

from tests.abi.echo import LIBC
from tests.abi.ends import canons, core_instance, refs
from wasihost.component.composition.wat import TypeScope
from wasihost.component.world import layout, types
from wasihost.component.world.types import ValType

HOST = "test:flow/host"
END = "i32"


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
    size = 0 if payload is None else layout.size(payload)
    body = _BODY.format(size=size, future_size=max(size, 1))
    ends = canons(refs(scope, stream, future))  # names the types in `scope`
    return "\n".join(["(component", *lines, *scope.lines, *core_instance(imported | ends, body), _LIFTS])


_BODY = """
    (func $readable (param $pair i64) (result i32) (i32.wrap_i64 (local.get $pair)))
    (func $writable (param $pair i64) (result i32) (i32.wrap_i64 (i64.shr_u (local.get $pair) (i64.const 32))))

    (func (export "pump") (param $n i32) (param $rounds i32)
      (local $in i32) (local $out i32) (local $pair i64) (local $p i32)
      (local $code i32) (local $got i32) (local $sent i32) (local $written i32)
      (call $begin)
      (local.set $in (call $source))
      (local.set $pair (call $stream.new))
      (local.set $out (call $writable (local.get $pair)))
      (call $sink (call $readable (local.get $pair)))
      (local.set $p (call $malloc (i32.mul (local.get $n) (i32.const {size}))))
      (block $over (loop $round
        (br_if $over (i32.eqz (local.get $rounds)))
        (local.set $rounds (i32.sub (local.get $rounds) (i32.const 1)))
        (local.set $code (call $stream.read (local.get $in) (local.get $p) (local.get $n)))
        (local.set $got (i32.shr_u (local.get $code) (i32.const 4)))
        (local.set $sent (i32.const 0))
        (block $sent-all (loop $write
          (br_if $sent-all (i32.eq (local.get $sent) (local.get $got)))
          (local.set $written (call $stream.write (local.get $out)
            (i32.add (local.get $p) (i32.mul (local.get $sent) (i32.const {size})))
            (i32.sub (local.get $got) (local.get $sent))))
          (local.set $sent (i32.add (local.get $sent) (i32.shr_u (local.get $written) (i32.const 4))))
          ;; the host dropped its end
          (br_if $over (i32.eq (i32.and (local.get $written) (i32.const 15)) (i32.const 1)))
          (br $write)))
        (br_if $round (i32.eqz (i32.and (local.get $code) (i32.const 15))))))
      (call $stream.drop-writable (local.get $out))
      (call $stream.drop-readable (local.get $in))
      (call $end))

    (func (export "fpump") (local $in i32) (local $pair i64) (local $p i32)
      (call $begin)
      (local.set $p (call $malloc (i32.const {future_size})))
      (local.set $in (call $fsource))
      (if (call $future.read (local.get $in) (local.get $p)) (then unreachable))
      (call $future.drop-readable (local.get $in))
      (local.set $pair (call $future.new))
      (call $fsink (call $readable (local.get $pair)))
      (drop (call $future.write (call $writable (local.get $pair)) (local.get $p)))
      (call $future.drop-writable (call $writable (local.get $pair)))
      (call $end))

    (func (export "fdrop") (call $future.drop-readable (call $fsource)))"""
_LIFTS = """
  (func (export "pump") async (param "n" u32) (param "rounds" u32) (canon lift (core func $i "pump")))
  (func (export "fpump") async (canon lift (core func $i "fpump")))
  (func (export "fdrop") async (canon lift (core func $i "fdrop")))
)"""
