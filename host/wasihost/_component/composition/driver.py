"""Generates the driver component: `drive` is the one top-level call of a store, everything else happens inside it.

The C API allows one call at a time in a store, so exports are called from in here: as subtasks, many at once. The
runtime around the generated calls is driver.wat.
"""

from __future__ import annotations

from wasihost._component.composition import corecode, protocol
from wasihost._component.composition.corecode import ADOPT, DROP_BORROWED, DROP_OWNED, FREE, OPEN
from wasihost._component.composition.coremodule import MEMORY, REALLOC, Parts, text
from wasihost._component.world import layout, types
from wasihost._component.world.wiring import (
    KINDS,
    TOKEN,
    Called,
    Kind,
    Wiring,
    adopt_func,
    await_func,
    lists_to_host,
    open_func,
)


def generate(wiring: Wiring) -> tuple[str, Parts]:
    """The text of `(component $driver …)`, and its needs from the outer component."""
    parts = _DriverParts(wiring)
    return parts.generate(), parts


class _DriverParts(Parts):
    def __init__(self, wiring: Wiring) -> None:
        super().__init__()
        self.wiring = wiring

    def generate(self) -> str:
        self._imports()
        self.begin()
        self._builtins()
        for called in self.wiring.called:
            self._call(called)
            self._finish(called)
        rest = [
            '(alias core export $core "drive" (core func $drive))',
            '(alias core export $core "callback" (core func $callback))',
            "(type $drive-type (func async))",
            f"(func $lifted (type $drive-type) (canon lift (core func $drive) async (callback $callback) {MEMORY}))",
            '(export "drive" (func $lifted))',
        ]
        libc = text("libc.wat", pages=protocol.DRIVER_PAGES, heap=protocol.DRIVER_HEAP)
        return self.component("driver", libc, "driver.wat", rest, tables=self._tables())

    def _imports(self) -> None:
        for resource in self.wiring.guest_resource_order:
            self.imported.ref(resource)
        self.need("step", types.Func((), types.U32))
        self.need("reader", types.Func((), None, True))
        self.need("next", types.Func((), None))
        self.need("returned", types.Func((), None))
        self.need("cancelled", types.Func(TOKEN, None))
        for number, kind in self.wiring.exchanged.items():
            self.need(f"open-{number}", open_func(kind))
            self.need(f"adopt-{number}", adopt_func(kind))
        for number, kind in self.wiring.relayed.items():
            self.need(f"await-{number}", await_func(kind))
        for called in self.wiring.called:
            if called.takes_values:
                self.need(f"args-{called.index}", called.args)
            if not called.gives_scalar:
                self.need(f"done-{called.index}", called.done)
            self.need(f"export-{called.index}", called.func)

    def _builtins(self) -> None:
        self.lower("step", [], ["i32"])
        self.lower("reader", [], ["i32"], "async")
        self.lower("next", [], [])
        self.lower("returned", [], [])
        self.lower("cancelled", ["i32"], [])
        for number in self.wiring.exchanged:
            self.lower(f"open-{number}", ["i32"], ["i32"])
            self.lower(f"adopt-{number}", ["i32"], ["i32"])
        for number in self.wiring.relayed:
            self.lower(f"await-{number}", ["i32", "i32"], ["i32"], "async")
            self.functions.append(
                f"""(func $relay-{number} (param $end i32) (param $token i32)
      ;; it returns at once
      (drop (call $await-{number}
        (call $open-{number} (i32.or (local.get $end) (i32.const {protocol.HOME}))) (local.get $token))))"""
            )
        self.builtin("task.return", [], [], "task.return")
        self.builtin("waitable-set.new", [], ["i32"], "waitable-set.new")
        self.builtin("waitable-set.poll", ["i32", "i32"], ["i32"], f"waitable-set.poll {MEMORY}")
        self.builtin("waitable.join", ["i32", "i32"], [], "waitable.join")
        self.builtin("subtask.cancel", ["i32"], ["i32"], "subtask.cancel async")
        self.builtin("subtask.drop", ["i32"], [], "subtask.drop")

    def _call(self, called: Called) -> None:
        """Writes the function that makes one call: takes the arguments, calls, and answers as `$made` does."""
        index = called.index
        func = called.func
        take, operands = self._arguments(called)
        make = self._async_call(called, operands) if func.is_async else self._sync_call(called, operands)
        result_size = 0 if func.result is None else layout.size(func.result)
        variables = corecode.local_variables("arg", layout.flatten_all(t for _, t in func.params))
        self.functions.append(
            f"""(func $call-{index} (param $token i32) (result i32) (local $p i32) (local $args i32) (local $result i32)
      (local $status i32) {corecode.declare(variables)}
      {take}
      (local.set $result (call $malloc (i32.const {result_size})))
      {make}
      (call $made (local.get $status) (i32.const {index}) (local.get $token) (local.get $args) (local.get $result)))"""
        )

    def _arguments(self, called: Called) -> tuple[str, str]:
        """Code that takes the arguments into memory, and the operands of the call."""
        index = called.index
        func = called.func
        arguments = called.arguments
        if arguments is None:
            return "", ""
        if called.takes_scalars:
            values = corecode.local_variables("arg", layout.flatten(called.whole))
            load = corecode.load(called.whole, 0, values)
            return f"(local.set $p (i32.const {protocol.DRIVER_ARGUMENTS})) {load}", corecode.get(values)
        block = "(call $take-room)" if called.takes_room else f"(call $malloc (i32.const {layout.size(arguments)}))"
        take = f"(local.set $p {block}) (local.set $args (local.get $p))"
        if called.takes_values:
            self.lower_host(f"args-{index}", called.args, REALLOC)
            take += f" (call $args-{index} (local.get $token) (local.get $p))"
        whole = called.whole
        if types.contains(whole, KINDS):
            take += self._walk(whole, "$args", f"(i32.const {OPEN})")
        flat = layout.flatten(whole)
        limit = layout.MAX_FLAT_ASYNC_PARAMS if func.is_async else layout.MAX_FLAT_PARAMS
        if len(flat) > limit:
            return take, "(local.get $args)"
        values = corecode.local_variables("arg", flat)
        return take + corecode.load(whole, 0, values), corecode.get(values)

    def _async_call(self, called: Called, operands: str) -> str:
        index = called.index
        func = called.func
        flat = list(layout.flatten_all(t for _, t in func.params))
        params = flat if len(flat) <= layout.MAX_FLAT_ASYNC_PARAMS else ["i32"]
        result = [] if func.result is None else ["i32"]
        self.lower(f"export-{index}", params + result, ["i32"], f"async {MEMORY} {REALLOC}")
        pointer = "(local.get $result)" if result else ""
        return f"(local.set $status (call $export-{index} {operands} {pointer}))"

    def _sync_call(self, called: Called, operands: str) -> str:
        index = called.index
        result = called.func.result
        self.lower_host(f"export-{index}", called.func, REALLOC)
        flat = () if result is None else layout.flatten(result)
        if result is None:
            call = f"(call $export-{index} {operands})"
        elif len(flat) > layout.MAX_FLAT_RESULTS:
            call = f"(call $export-{index} {operands} (local.get $result))"
        else:
            single = corecode.store_single(result, f"(call $export-{index} {operands})")
            call = f"(local.set $p (local.get $result)) {single}"
        return f"{call} (local.set $status (i32.const 2))"

    def _finish(self, called: Called) -> None:
        """Writes the functions that end a call: hand the result to the host, or discard the call; free its memory.

        Borrows are back before the host is called: an epoch could let the embedder go on from there.
        """
        index = called.index
        result = called.func.result
        tell = "(call $tell (local.get $token) (local.get $result))"
        if not called.gives_scalar:
            self.lower(f"done-{index}", ["i32", "i32", "i32"], [], MEMORY)
            tell = f"(call $done-{index} (local.get $token) (local.get $result) (i32.const 1))"
        walk_result = "" if result is None else self._walk(result, "$result", f"(i32.const {FREE})")
        adopt = ""
        if result is not None and types.contains(result, KINDS):
            adopt = self._walk(result, "$result", f"(i32.const {ADOPT})")
        walk_args = ""
        if called.takes_values:
            # Plain lists are in the block of the arguments.
            whole = types.Tuple(tuple(lists_to_host(t) for _, t in called.func.params))
            walk_args = self._walk(whole, "$args", "(local.get $mode)")
        self.functions += [
            f"""(func $finish-{index} (param $token i32) (param $args i32) (param $result i32)
      (call $free-args-{index} (local.get $args) (i32.const {FREE | DROP_BORROWED}))
      {adopt}
      {tell}
      {walk_result}
      (call $free (local.get $result)))""",
            f"""(func $discard-{index} (param $untaken i32) (param $args i32) (param $result i32)
      (call $free (local.get $result))
      (call $free-args-{index} (local.get $args)
        (select (i32.const {FREE | DROP_BORROWED | DROP_OWNED}) (i32.const {FREE | DROP_BORROWED})
          (local.get $untaken))))""",
            f"(func $free-args-{index} (param $args i32) (param $mode i32) {walk_args} (call $free (local.get $args)))",
        ]

    def drop_function(self, t: types.Own | types.Borrow | types.Stream | types.Future) -> str | None:
        if isinstance(t, types.Borrow) and t.resource in self.wiring.guest_resources:
            return None  # our own handle of a guest's resource, which Python goes on to hold
        if isinstance(t, Kind):
            word = "stream" if isinstance(t, types.Stream) else "future"
            name = f"drop-readable-{self.wiring.kind(t)}"
            return self.builtin(name, ["i32"], [], f"{word}.drop-readable {self.scope.ref(t)}")
        return super().drop_function(t)

    def exchange(self, t: types.Stream | types.Future) -> dict[int, str]:
        number = self.wiring.kind(t)
        return {OPEN: f"$open-{number}", ADOPT: f"$adopt-{number}"}

    def _walk(self, t: types.ValType, pointer: str, mode: str) -> str:
        return f"(call {self.walkers.function(t)} (local.get {pointer}) {mode})" if self.walkers.needed(t) else ""

    def _tables(self) -> str:
        indices = [called.index for called in self.wiring.called]
        tables = {
            "calls": [f"$call-{i}" for i in indices],
            "finishes": [f"$finish-{i}" for i in indices],
            "discards": [f"$discard-{i}" for i in indices],
            "relays": [
                f"$relay-{number}" if number in self.wiring.relayed else "$no-relay"
                for number in range(len(self.wiring.kinds))
            ],
            "drops": [self.drop_function(types.Own(r)) or "" for r in self.wiring.guest_resource_order],
        }
        return "\n  ".join(f"(table ${name} funcref (elem {' '.join(items)}))" for name, items in tables.items())
