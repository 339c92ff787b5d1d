"""Generates guests that give back whatever they get, by way of the host: a round trip through both halves of the
canonical ABI.

For a list of types the guest imports `test:echo/host`, and exports a function of its own beside each import, which
calls the import with what it got and returns what that gave. The guest's code never looks at a value: it moves flat
values and pointers, so that Wasmtime alone decides whether what the adapter and driver components made of it is
right.

    echo-N    func(x: T) -> T               sync all the way
    wait-N    func(x: T) -> T               sync, but the provider is an `async def`
    aecho-N   async func(x: T) -> T         lowered and lifted sync: the guest's code stands still meanwhile
    cecho-N   async func(x: T, fill) -> tuple<T, fill>
                                            lowered async, lifted with a callback; more than 16 flat values
    all       async func(x0: T0, x1: T1, …) -> tuple<T0, T1, …>
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wasihost.component.composition.wat import TypeScope, signature
from wasihost.component.world import layout, types
from wasihost.component.world.types import ValType

HOST = "test:echo/host"
FILL = types.Tuple((types.U64,) * 17)

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


@dataclass(frozen=True)
class Echo:
    """One function of the guest: imported and exported alike."""

    name: str
    func: types.Func
    waits: bool = False
    """Lowered async and lifted with a callback."""
    all: bool = False
    """Gives a tuple of all parameters, not the only one."""


def functions(ts: Sequence[ValType]) -> list[Echo]:
    """Every function of the guest for these types."""
    found = []
    for i, t in enumerate(ts):
        x = (("x", t),)
        found += [
            Echo(f"echo-{i}", types.Func(x, t)),
            Echo(f"wait-{i}", types.Func(x, t)),
            Echo(f"aecho-{i}", types.Func(x, t, True)),
            Echo(f"cecho-{i}", types.Func((*x, ("fill", FILL)), types.Tuple((t, FILL)), True), waits=True, all=True),
        ]
    params = tuple((f"x{i}", t) for i, t in enumerate(ts))
    return [*found, Echo("all", types.Func(params, types.Tuple(tuple(ts)), True), all=True)]


def guest(ts: Sequence[ValType]) -> str:
    """The text of the guest component."""
    echoes = functions(ts)
    inside = TypeScope(naming=True)
    imports = [f'(export "{echo.name}" {inside.func(echo.func)})' for echo in echoes]
    scope = TypeScope()
    lines = [f'(import "{HOST}" (instance $host', *inside.lines, *imports, "))"]
    for name, t in inside.named.items():
        lines.append(f'(alias export $host "{name}" (type ${name}))')
        scope.know(t, f"${name}")
    lines.append(LIBC)
    lines.append("(core module $m" + CORE_IMPORTS)
    lowered, arguments, lifts = [], [], []
    for name, (canon, params, results) in BUILTINS.items():
        lowered.append(f"(core func ${name} (canon {canon}))")
        arguments.append(f'(export "{name}" (func ${name}))')
        lines.append(f'(import "" "{name}" (func ${name}{signature(params.split(), results.split())}))')
    bodies = []
    for echo in echoes:
        options = "(memory $memory) (realloc $realloc)"
        lowered.append(f'(core func ${echo.name} (canon lower (func $host "{echo.name}") {options}{_async(echo)}))')
        arguments.append(f'(export "{echo.name}" (func ${echo.name}))')
        lines.append(f'(import "" "{echo.name}" (func ${echo.name}{_lowered(echo)}))')
        lifts.append(f"(type $type-{echo.name} {scope.func(echo.func)})")
        if echo.waits:
            assert echo.func.result is not None
            result = f"(result {scope.ref(echo.func.result)}) (memory $memory)"
            lowered.append(f"(core func $return-{echo.name} (canon task.return {result}))")
            arguments.append(f'(export "return-{echo.name}" (func $return-{echo.name}))')
            lines.append(f'(import "" "return-{echo.name}" (func $return-{echo.name} (param i32)))')
            bodies.append(_waiting(echo))
            options += f' async (callback (core func $i "{echo.name}-callback"))'
        else:
            bodies.append(_plain(echo))
            options += f' (post-return (core func $i "{echo.name}-post"))'
        lift = f'(canon lift (core func $i "{echo.name}") {options})'
        lifts.append(f'(func (export "{echo.name}") (type $type-{echo.name}) {lift})')
    lines += [WAITING, *bodies, ")"]
    instance = (
        f'(core instance $i (instantiate $m (with "libc" (instance $libc)) (with "" (instance {" ".join(arguments)}))))'
    )
    return "\n".join(["(component", *lines, *scope.lines, *lowered, instance, *lifts, ")"])


def _async(echo: Echo) -> str:
    return " async" if echo.waits else ""


def _flat(echo: Echo) -> tuple[list[str], list[str]]:
    """Core parameters and results of the sync lift."""
    params: list[str] = list(layout.flatten_all(t for _, t in echo.func.params))
    assert echo.func.result is not None
    results: list[str] = list(layout.flatten(echo.func.result))
    return (
        ["i32"] if len(params) > layout.MAX_FLAT_PARAMS else params,
        ["i32"] if len(results) > layout.MAX_FLAT_RESULTS else results,
    )


def _through_memory(echo: Echo) -> bool:
    assert echo.func.result is not None
    return len(layout.flatten(echo.func.result)) > layout.MAX_FLAT_RESULTS


def _lowered(echo: Echo) -> str:
    if echo.waits:
        return " (param i32 i32) (result i32)"
    params, results = _flat(echo)
    return signature([*params, "i32"]) if _through_memory(echo) else signature(params, results)


def _malloc(echo: Echo) -> str:
    assert echo.func.result is not None
    return f"(local.set $result (call $malloc (i32.const {layout.size(echo.func.result)})))"


def _plain(echo: Echo) -> str:
    params, results = _flat(echo)
    given = " ".join(f"(local.get {i})" for i in range(len(params)))
    call = f"(call ${echo.name} {given})"
    if _through_memory(echo):
        call = f"{_malloc(echo)} (call ${echo.name} {given} (local.get $result)) (local.get $result)"
    return f"""
    (func (export "{echo.name}"){signature(params, results)} (local $result i32) (call $begin) {call})
    (func (export "{echo.name}-post"){signature(results)} (call $end))"""


def _waiting(echo: Echo) -> str:
    return f"""
    (func (export "{echo.name}") (param $p i32) (result i32) (local $result i32) (local $status i32)
      (call $begin) {_malloc(echo)}
      (local.set $status (call ${echo.name} (local.get $p) (local.get $result)))
      (if (i32.ne (local.get $status) (i32.const 2))
        (then (return (call $wait (local.get $status) (local.get $result)))))
      (call $return-{echo.name} (local.get $result)) (call $end) (i32.const 0))
    (func (export "{echo.name}-callback") (param $event i32) (param $p1 i32) (param $p2 i32) (result i32)
      (local $state i32)
      (local.set $state (call $ended (local.get $event) (local.get $p2)))
      (if (i32.eqz (local.get $state))
        (then (return (i32.or (i32.const 2) (i32.shl (i32.load offset=4 (call $context.get)) (i32.const 4))))))
      (if (i32.eq (local.get $state) (i32.const 2))
        (then (call $return-{echo.name} (i32.load (call $context.get))))
        (else (call $task.cancel)))
      (call $end) (i32.const 0))"""
