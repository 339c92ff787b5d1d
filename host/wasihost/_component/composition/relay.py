"""Generates the relay component, which reads futures whose other end the adapter component may have.

The guest may give back a future that Python gave it, and a component instance may not read values from itself. So such
futures are read by another instance: `await-K` returns at once, goes on as a task of its own, and hands the value to
the host's `give-K`. The runtime is relay.wat.
"""

from __future__ import annotations

from wasihost._component.composition.corecode import FREE
from wasihost._component.composition.coremodule import MEMORY, REALLOC, Parts, text
from wasihost._component.world import layout, types
from wasihost._component.world.wiring import Kind, Wiring, await_func, give_func

_PAGES = 1
_HEAP = 1024


def generate(wiring: Wiring) -> tuple[str, Parts]:
    """The text of `(component $relay …)`, and its needs from the outer component."""
    parts = _RelayParts(wiring)
    return parts.generate(), parts


class _RelayParts(Parts):
    def __init__(self, wiring: Wiring) -> None:
        super().__init__()
        self.wiring = wiring
        self._lifts: list[str] = []

    def generate(self) -> str:
        for index, kind in self.wiring.relayed.items():
            self.imported.ref(kind)
            self.need(f"give-{index}", give_func(kind))
        self.begin()
        self.builtin("task.return", [], [], "task.return")
        self.builtin("waitable-set.new", [], ["i32"], "waitable-set.new")
        self.builtin("waitable-set.drop", ["i32"], [], "waitable-set.drop")
        self.builtin("waitable.join", ["i32", "i32"], [], "waitable.join")
        self.builtin("context.get", [], ["i32"], "context.get i32 0")
        self.builtin("context.set", ["i32"], [], "context.set i32 0")
        for index, kind in self.wiring.relayed.items():
            self._kind(index, kind)
        libc = text("libc.wat", pages=_PAGES, heap=_HEAP)
        return self.component("relay", libc, "relay.wat", self._lifts)

    def _kind(self, index: int, kind: Kind) -> None:
        assert kind.payload is not None
        t = self.scope.ref(kind)
        self.builtin(f"read-{index}", ["i32", "i32"], ["i32"], f"future.read {t} async {MEMORY} {REALLOC}")
        self.builtin(f"drop-readable-{index}", ["i32"], [], f"future.drop-readable {t}")
        self.lower(f"give-{index}", ["i32", "i32", "i32"], [], MEMORY)
        self.functions += [
            f"""(func (export "await-{index}") (param $future i32) (param $token i32) (result i32) (local $record i32)
      (call $task.return)
      (local.set $record
        (call $record (local.get $future) (local.get $token) (i32.const {layout.size(kind.payload)})))
      (if (i32.ne (call $read-{index} (local.get $future) (i32.add (local.get $record) (i32.const 16)))
            (i32.const 0))
        (then (return (call $wait (local.get $record)))))
      (call $got-{index} (local.get $record))
      ;; YIELD and not EXIT: Wasmtime 50 keeps a task for ever that exits before its caller knows that it returned
      (i32.const 1))""",
            f"""(func (export "go-on-{index}") (param i32 i32 i32) (result i32) (local $record i32)
      (local.set $record (call $context.get))
      (if (local.get $record) (then
        (call $leave (local.get $record))
        (call $got-{index} (local.get $record))))
      (i32.const 0))""",
            f"""(func $got-{index} (param $record i32) (local $value i32) (local $q i32) (local $end i32)
      (local.set $value (i32.add (local.get $record) (i32.const 16)))
      (call $give-{index} (i32.load offset=4 (local.get $record)) (local.get $value) (i32.const 1))
      {self._free(kind.payload)}
      (call $drop-readable-{index} (i32.load (local.get $record)))
      (call $free (local.get $record)))""",
        ]
        self._lift(index, kind)

    def _free(self, payload: types.ValType) -> str:
        """Frees the memory behind the value; the handles in it are the host's."""
        if not self.walkers.needed(payload):
            return ""
        return f"(call {self.walkers.function(payload)} (local.get $value) (i32.const {FREE}))"

    def _lift(self, index: int, kind: Kind) -> None:
        name = f"await-{index}"
        self.scope.lines.append(f"(type $type-{name} {self.scope.func(await_func(kind))})")
        self._lifts += [
            f'(alias core export $core "{name}" (core func ${name}))',
            f'(alias core export $core "go-on-{index}" (core func $go-on-{index}))',
            f"(func $lifted-{name} (type $type-{name})",
            f"(canon lift (core func ${name}) async (callback $go-on-{index})))",
            f'(export "{name}" (func $lifted-{name}))',
        ]
