"""Generates guests whose exports take and give streams and futures of any element type.

    collect    async func(x: stream<T>, n: u32, total: u32) -> list<T>    reads up to n elements at once
    deliver    async func(x: list<T>) -> stream<T>                        writes after it has returned
    fcollect   async func(x: future<T>) -> list<T>
    fdeliver   async func(x: list<T>) -> future<T>

Elements stay where they are in the guest's memory, whose code never looks at one.
"""

from __future__ import annotations

from tests.abi.core import COPY, ENDS, LIBC, canons, core_instance
from wasihost._component.composition.wat import TypeScope
from wasihost._component.world import layout, types
from wasihost._component.world.types import ValType


class _Exporting(TypeScope):
    """The types of a component, which exports those that its exports mention."""

    def export(self, name: str, bound: str) -> str:
        symbol = self.symbol()
        self.lines.append(f'(export {symbol} "{name}" (type {bound.removeprefix("(eq ").removesuffix(")")}))')
        return symbol


def guest(payload: ValType) -> str:
    """The text of the guest component for elements of a type."""
    stream, future, elements = types.Stream(payload), types.Future(payload), types.List(payload)
    total = (("x", stream), ("n", types.U32), ("total", types.U32))
    funcs = {
        "collect": types.Func(total, elements, True),
        "fcollect": types.Func((("x", future),), elements, True),
        "deliver": types.Func((("x", elements),), stream, True),
        "fdeliver": types.Func((("x", elements),), future, True),
    }
    scope = _Exporting(naming=True)
    lifted = {name: scope.func(func) for name, func in funcs.items()}
    words = {"stream": scope.ref(stream), "future": scope.ref(future)}
    imported = canons(words)
    for word, ref in words.items():
        imported[f"{word}.return"] = (f"task.return (result {ref})", "i32", "")
    core = core_instance(imported, ENDS + _BODY.format(size=layout.size(payload)))
    lifts = []
    for name, func in lifted.items():
        options = f'{COPY} (post-return (core func $i "post"))'
        if name.endswith("deliver"):
            options = f'{COPY} async (callback (core func $i "callback"))'
        lifts += [
            f"(type $type-{name} {func})",
            f'(func (export "{name}") (type $type-{name}) (canon lift (core func $i "{name}") {options}))',
        ]
    return "\n".join(["(component", LIBC, *scope.lines, *core, *lifts, ")"])


_BODY = """
    (func $list (param $p i32) (param $n i32) (result i32) (local $list i32)
      (local.set $list (call $malloc (i32.const 8)))
      (i32.store (local.get $list) (local.get $p))
      (i32.store offset=4 (local.get $list) (local.get $n))
      (local.get $list))
    (func (export "post") (param i32) (call $end))
    (func (export "callback") (param i32 i32 i32) (result i32) unreachable)

    (func (export "collect") (param $x i32) (param $n i32) (param $total i32) (result i32)
      (local $p i32) (local $got i32) (local $code i32)
      (call $begin)
      (local.set $p (call $malloc (i32.mul (i32.add (local.get $total) (local.get $n)) (i32.const {size}))))
      (loop $more
        (local.set $code (call $stream.read (local.get $x)
          (i32.add (local.get $p) (i32.mul (local.get $got) (i32.const {size}))) (local.get $n)))
        (local.set $got (i32.add (local.get $got) (i32.shr_u (local.get $code) (i32.const 4))))
        (br_if $more (i32.eqz (i32.and (local.get $code) (i32.const 15)))))
      (call $stream.drop-readable (local.get $x))
      (call $list (local.get $p) (local.get $got)))

    (func (export "fcollect") (param $x i32) (result i32) (local $p i32)
      (call $begin)
      (local.set $p (call $malloc (i32.const {size})))
      (if (call $future.read (local.get $x) (local.get $p)) (then unreachable))
      (call $future.drop-readable (local.get $x))
      (call $list (local.get $p) (i32.const 1)))

    (func (export "deliver") (param $p i32) (param $n i32) (result i32)
      (local $pair i64) (local $sent i32) (local $code i32)
      (call $begin)
      (local.set $pair (call $stream.new))
      (call $stream.return (call $readable (local.get $pair)))
      (block $over (loop $more
        (br_if $over (i32.eq (local.get $sent) (local.get $n)))
        (local.set $code (call $stream.write (call $writable (local.get $pair))
          (i32.add (local.get $p) (i32.mul (local.get $sent) (i32.const {size})))
          (i32.sub (local.get $n) (local.get $sent))))
        (local.set $sent (i32.add (local.get $sent) (i32.shr_u (local.get $code) (i32.const 4))))
        (br_if $more (i32.eqz (i32.and (local.get $code) (i32.const 15))))))
      (call $stream.drop-writable (call $writable (local.get $pair)))
      (call $end)
      (i32.const 0))

    (func (export "fdeliver") (param $p i32) (param $n i32) (result i32) (local $pair i64)
      (call $begin)
      (local.set $pair (call $future.new))
      (call $future.return (call $readable (local.get $pair)))
      (drop (call $future.write (call $writable (local.get $pair)) (local.get $p)))
      (call $future.drop-writable (call $writable (local.get $pair)))
      (call $end)
      (i32.const 0))"""
