"""What generated guests share: an allocator, waiting for a subtask, the ends of streams and futures, a core module.

Guests are text that is put together here and there; words in it begin with `$` and are given by `core_instance`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from wasihost._component.composition.wat import signature
from wasihost._component.world import layout, types

COPY = "(memory $memory) (realloc $realloc)"

Canons: TypeAlias = Mapping[str, tuple[str, str, str]]
"""By name: the canonical definition, and the core types of its parameters and results."""

LIBC = """
  ;; An allocator that frees everything as soon as no call is under way any more.
  (core module $libc
    (memory (export "memory") 1)
    (global $top (mut i32) (i32.const 1024))
    (global $calls (mut i32) (i32.const 0))
    (func $realloc (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32)
      (result i32) (local $p i32)
      (local.set $p (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
      (global.set $top (i32.add (local.get $p) (local.get $size)))
      (loop $more
        (if (i32.lt_u (i32.shl (memory.size) (i32.const 16)) (global.get $top)) (then
          (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))
          (br $more))))
      (memory.copy (local.get $p) (local.get $old) (local.get $old-size))
      (local.get $p))
    (func (export "malloc") (param $size i32) (result i32)
      (call $realloc (i32.const 0) (i32.const 0) (i32.const 8) (local.get $size)))
    (func (export "begin") (global.set $calls (i32.add (global.get $calls) (i32.const 1))))
    (func (export "end")
      (global.set $calls (i32.sub (global.get $calls) (i32.const 1)))
      (if (i32.eqz (global.get $calls)) (then (global.set $top (i32.const 1024))))))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (alias core export $libc "realloc" (core func $realloc))"""

CORE_IMPORTS = """
    (import "libc" "memory" (memory 1))
    (import "libc" "malloc" (func $malloc (param i32) (result i32)))
    (import "libc" "begin" (func $begin))
    (import "libc" "end" (func $end))"""

# A waiting call's record: what it gives back, its waitable set, its subtask.
WAITING = """
    (func $wait (param $status i32) (param $result i32) (result i32) (local $record i32)
      (local.set $record (call $malloc (i32.const 12)))
      (i32.store (local.get $record) (local.get $result))
      (i32.store offset=4 (local.get $record) (call $waitable-set.new))
      (i32.store offset=8 (local.get $record) (i32.shr_u (local.get $status) (i32.const 4)))
      (call $waitable.join (i32.load offset=8 (local.get $record)) (i32.load offset=4 (local.get $record)))
      (call $context.set (local.get $record))
      (i32.or (i32.const 2) (i32.shl (i32.load offset=4 (local.get $record)) (i32.const 4))))

    ;; The state that the subtask of the current task ended in, 0 if it has not. A cancelled task cancels its subtask.
    (func $ended (param $event i32) (param $state i32) (result i32) (local $record i32)
      (local.set $record (call $context.get))
      (if (i32.eq (local.get $event) (i32.const 6)) (then
        (call $waitable.join (i32.load offset=8 (local.get $record)) (i32.const 0))
        (local.set $state (call $subtask.cancel (i32.load offset=8 (local.get $record))))))
      (if (i32.lt_u (local.get $state) (i32.const 2)) (then (return (i32.const 0))))
      (call $waitable.join (i32.load offset=8 (local.get $record)) (i32.const 0))
      (call $subtask.drop (i32.load offset=8 (local.get $record)))
      (call $waitable-set.drop (i32.load offset=4 (local.get $record)))
      (local.get $state))"""
BUILTINS = {
    "waitable-set.new": ("waitable-set.new", "", "i32"),
    "waitable-set.drop": ("waitable-set.drop", "i32", ""),
    "waitable.join": ("waitable.join", "i32 i32", ""),
    "context.get": ("context.get i32 0", "", "i32"),
    "context.set": ("context.set i32 0", "i32", ""),
    "subtask.cancel": ("subtask.cancel", "i32", "i32"),
    "subtask.drop": ("subtask.drop", "i32", ""),
    "task.cancel": ("task.cancel", "", ""),
}


def canons(refs: Mapping[str, str], suffix: str = "") -> dict[str, tuple[str, str, str]]:
    """The builtins for making, reading, writing and dropping ends, by how the types are referred to by their words."""
    found: dict[str, tuple[str, str, str]] = {}
    for word, ref in refs.items():
        copied = "i32 i32 i32" if word == "stream" else "i32 i32"
        found |= {
            f"{word}.new{suffix}": (f"{word}.new {ref}", "", "i64"),
            f"{word}.read{suffix}": (f"{word}.read {ref} {COPY}", copied, "i32"),
            f"{word}.write{suffix}": (f"{word}.write {ref} (memory $memory)", copied, "i32"),
            f"{word}.drop-readable{suffix}": (f"{word}.drop-readable {ref}", "i32", ""),
            f"{word}.drop-writable{suffix}": (f"{word}.drop-writable {ref}", "i32", ""),
        }
    return found


def pump(kind: types.Stream | types.Future, suffix: str = "") -> str:
    """A core function that reads an end and writes what it read to another, and drops both.

    A stream is read up to n elements at once, so many times or until its end. What was read is written from the same
    address: both are the memory form of an element, which nobody need know.
    """
    size = 0 if kind.payload is None else layout.size(kind.payload)
    body = _PUMP_STREAM if isinstance(kind, types.Stream) else _PUMP_FUTURE
    return body.format(size=size, suffix=suffix)


_PUMP_STREAM = """
    (func $stream.pump{suffix} (param $in i32) (param $out i32) (param $n i32) (param $rounds i32)
      (local $p i32) (local $code i32) (local $got i32) (local $sent i32) (local $written i32)
      (local.set $p (call $malloc (i32.mul (local.get $n) (i32.const {size}))))
      (block $over (loop $round
        (br_if $over (i32.eqz (local.get $rounds)))
        (local.set $rounds (i32.sub (local.get $rounds) (i32.const 1)))
        (local.set $code (call $stream.read{suffix} (local.get $in) (local.get $p) (local.get $n)))
        (local.set $got (i32.shr_u (local.get $code) (i32.const 4)))
        (local.set $sent (i32.const 0))
        (block $sent-all (loop $write
          (br_if $sent-all (i32.eq (local.get $sent) (local.get $got)))
          (local.set $written (call $stream.write{suffix} (local.get $out)
            (i32.add (local.get $p) (i32.mul (local.get $sent) (i32.const {size})))
            (i32.sub (local.get $got) (local.get $sent))))
          (local.set $sent (i32.add (local.get $sent) (i32.shr_u (local.get $written) (i32.const 4))))
          ;; the host dropped its end
          (br_if $over (i32.eq (i32.and (local.get $written) (i32.const 15)) (i32.const 1)))
          (br $write)))
        (br_if $round (i32.eqz (i32.and (local.get $code) (i32.const 15))))))
      (call $stream.drop-writable{suffix} (local.get $out))
      (call $stream.drop-readable{suffix} (local.get $in)))"""
_PUMP_FUTURE = """
    (func $future.pump{suffix} (param $in i32) (param $out i32) (local $p i32)
      (local.set $p (call $malloc (i32.const {size})))
      (if (call $future.read{suffix} (local.get $in) (local.get $p)) (then unreachable))
      (drop (call $future.write{suffix} (local.get $out) (local.get $p)))
      (call $future.drop-writable{suffix} (local.get $out))
      (call $future.drop-readable{suffix} (local.get $in)))"""
ENDS = """
    (func $readable (param $pair i64) (result i32) (i32.wrap_i64 (local.get $pair)))
    (func $writable (param $pair i64) (result i32) (i32.wrap_i64 (i64.shr_u (local.get $pair) (i64.const 32))))"""
"""What the builtins that make a pair give."""


def core_instance(canons: Canons, body: str) -> list[str]:
    """The core module with this body, which imports the canons, and its instance `$i`."""
    defined = [f"(core func ${name} (canon {canon}))" for name, (canon, _, _) in canons.items()]
    arguments = " ".join(f'(export "{name}" (func ${name}))' for name in canons)
    imports = [
        f'    (import "" "{name}" (func ${name}{signature(params.split(), results.split())}))'
        for name, (_, params, results) in canons.items()
    ]
    instance = f'(core instance $i (instantiate $m (with "libc" (instance $libc)) (with "" (instance {arguments}))))'
    return [*defined, "(core module $m" + CORE_IMPORTS, *imports, body, ")", instance]
