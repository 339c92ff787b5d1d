"""Generates the adapter component: it gives the guest async functions, streams and futures, and turns them into rings.

The shim of an adapted function `f` calls the host's `start-f`, drops the borrows it was lent, and then either returns
the result of `finish-f` or waits until the host completes the call. If there is nothing to wait for and the result
holds no stream or future, the host's `call-f` is all of it. The runtime around the shims is adapter.wat.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from wasihost._component.composition import corecode, protocol
from wasihost._component.composition.corecode import DROP_BORROWED, DROP_OWNED, FREE
from wasihost._component.composition.coremodule import ARENA, MEMORY, REALLOC, Parts, text
from wasihost._component.composition.wat import signature
from wasihost._component.world import layout, types
from wasihost._component.world.wiring import (
    OPENED,
    TOKEN,
    Adapted,
    Kind,
    Wiring,
    adopt_func,
    carries_values,
    give_func,
    open_func,
    values_of,
)

_WORD = types.Func(TOKEN, types.U32)
_NOTHING = types.Func(TOKEN, None)


def generate(wiring: Wiring) -> tuple[str, Parts]:
    """The text of `(component $adapter …)`, and its needs from the outer component."""
    parts = _AdapterParts(wiring)
    return parts.generate(), parts


class _AdapterParts(Parts):
    def __init__(self, wiring: Wiring) -> None:
        super().__init__()
        self.wiring = wiring
        self._lifts: list[str] = []

    def generate(self) -> str:
        self._imports()
        self.begin()
        self._builtins()
        for index, kind in enumerate(self.wiring.kinds):
            self._kind(index, kind)
        for index, kind in self.wiring.exchanged.items():
            self._exchange(index, kind)
        for adapted in self.wiring.adapted:
            self._function(adapted)
        rest = [
            '(alias core export $core "step" (core func $step))',
            '(func (export "step") (result u32) (canon lift (core func $step)))',
            '(alias core export $core "reader" (core func $reader))',
            '(alias core export $core "reader-callback" (core func $reader-callback))',
            "(type $reader-type (func async))",
            '(func (export "reader") (type $reader-type)',
            "(canon lift (core func $reader) async (callback $reader-callback)))",
            '(alias core export $core "callback" (core func $callback))',
            *self._lifts,
        ]
        libc = text("libc.wat", pages=protocol.PAGES, heap=protocol.HEAP)
        return self.component("adapter", libc, "adapter.wat", rest, tables=self._tables())

    def _imports(self) -> None:
        # The real function types too: the types they mention must have names here.
        for adapted in self.wiring.adapted:
            self.imported.func(adapted.func)
        for kind in self.wiring.exchanged.values():
            self.imported.ref(kind)
        self.need("opened", OPENED)
        for name, func in (("turn", types.Func((), None)), ("cancel", _NOTHING), ("resume", _NOTHING)):
            self.need(name, func)
        for adapted in self.wiring.adapted:
            for name, func in adapted.host.items():
                self.need(f"{name}-{adapted.index}", func)
        for index, kind in enumerate(self.wiring.kinds):
            if carries_values(kind):
                self.need(f"take-{index}", types.Func(TOKEN, values_of(kind)))
                self.need(f"give-{index}", give_func(kind))

    def _builtins(self) -> None:
        self.lower("turn", [], [])
        self.lower("cancel", ["i32"], [])
        self.lower("resume", ["i32"], [])
        self.lower("opened", ["i32", "i32"], [])
        self.builtin("waitable-set.new", [], ["i32"], "waitable-set.new")
        self.builtin("waitable-set.poll", ["i32", "i32"], ["i32"], f"waitable-set.poll {MEMORY}")
        self.builtin("waitable-set.drop", ["i32"], [], "waitable-set.drop")
        self.builtin("waitable.join", ["i32", "i32"], [], "waitable.join")
        self.builtin("context.get", [], ["i32"], "context.get i32 0")
        self.builtin("context.set", ["i32"], [], "context.set i32 0")
        self.builtin("task.cancel", [], [], "task.cancel")
        self.scope.lines.append("(type $bell (stream))")
        self.builtin("bell.new", [], ["i64"], "stream.new $bell")
        self.builtin("bell.read", ["i32", "i32", "i32"], ["i32"], "stream.read $bell async")
        self.builtin("bell.write", ["i32", "i32", "i32"], ["i32"], "stream.write $bell async")
        self.builtin("bell.cancel-read", ["i32"], ["i32"], "stream.cancel-read $bell")
        self.builtin("bell.drop-readable", ["i32"], [], "stream.drop-readable $bell")
        self.builtin("bell.drop-writable", ["i32"], [], "stream.drop-writable $bell")

    # ---- streams and futures

    def _kind(self, index: int, kind: Kind) -> None:
        word = "stream" if isinstance(kind, types.Stream) else "future"
        t = self.scope.ref(kind)
        read_options = "" if kind.payload is None else f"{MEMORY} {REALLOC}"
        write_options = "" if kind.payload is None else MEMORY
        # A stream is copied (end, pointer, count), a future (end, pointer).
        copy = ["i32", "i32", "i32"] if word == "stream" else ["i32", "i32"]
        self.builtin(f"new-{index}", [], ["i64"], f"{word}.new {t}")
        self.builtin(f"read-{index}", copy, ["i32"], f"{word}.read {t} async {read_options}")
        self.builtin(f"write-{index}", copy, ["i32"], f"{word}.write {t} async {write_options}")
        self.builtin(f"cancel-read-{index}", ["i32"], ["i32"], f"{word}.cancel-read {t}")
        self.builtin(f"cancel-write-{index}", ["i32"], ["i32"], f"{word}.cancel-write {t}")
        self.builtin(f"drop-readable-{index}", ["i32"], [], f"{word}.drop-readable {t}")
        self.builtin(f"drop-writable-{index}", ["i32"], [], f"{word}.drop-writable {t}")
        if word == "future":
            for name in (f"read-{index}", f"write-{index}"):
                self.functions.append(
                    f"(func $future-{name} (param $end i32) (param $p i32) (param $n i32) (result i32) "
                    f"(call ${name} (local.get $end) (local.get $p)))"
                )
        if carries_values(kind):
            assert kind.payload is not None
            self.lower(f"take-{index}", ["i32", "i32"], [], f"{MEMORY} {REALLOC}")
            self.lower(f"give-{index}", ["i32", "i32", "i32"], [], MEMORY)
            self._free_values(index, kind.payload)

    def _free_values(self, index: int, payload: types.ValType) -> None:
        """Frees the memory of `$n` elements from `$p`; those from `$taken` on still own their handles."""
        size = layout.size(payload)
        taken = self.walkers.walk_list(payload, "(local.get $p)", "(local.get $taken)", f"(i32.const {FREE})")
        rest = self.walkers.walk_list(
            payload,
            f"(i32.add (local.get $p) (i32.mul (local.get $taken) (i32.const {size})))",
            "(i32.sub (local.get $n) (local.get $taken))",
            f"(i32.const {FREE | DROP_OWNED})",
        )
        self.functions.append(
            f"(func $free-values-{index} (param $p i32) (param $n i32) (param $taken i32) (local $q i32) "
            f"(local $end i32) {taken} {rest})"
        )

    def _exchange(self, index: int, kind: Kind) -> None:
        """The functions for the driver component that exchange the ends in arguments and results of exports."""
        self.functions += [
            f"""(func (export "open-{index}") (param $key i32) (result i32)
      (call $open (local.get $key) (i32.const {index})))""",
            f'(func (export "adopt-{index}") (param $end i32) (result i32) (local.get $end))',
        ]
        self._export(f"open-{index}", open_func(kind), "")
        self._export(f"adopt-{index}", adopt_func(kind), "")

    def drop_function(self, t: types.Own | types.Borrow | types.Stream | types.Future) -> str | None:
        if isinstance(t, Kind):
            return f"$drop-readable-{self.wiring.kind(t)}"
        return super().drop_function(t)

    def _tables(self) -> str:
        kinds = list(enumerate(self.wiring.kinds))

        def copies(word: str) -> list[str]:
            return [f"${'' if isinstance(kind, types.Stream) else 'future-'}{word}-{i}" for i, kind in kinds]

        def of_values(word: str) -> list[str]:
            return [f"${word}-{i}" if carries_values(kind) else f"$no-{word}" for i, kind in kinds]

        return "\n  ".join(
            [
                "(func $no-take (param i32 i32) unreachable)",
                "(func $no-give (param i32 i32 i32) unreachable)",
                "(func $no-free-values (param i32 i32 i32) unreachable)",
                _table("news", [f"$new-{i}" for i, _ in kinds]),
                _table("reads", copies("read")),
                _table("writes", copies("write")),
                _table("read-cancels", [f"$cancel-read-{i}" for i, _ in kinds]),
                _table("write-cancels", [f"$cancel-write-{i}" for i, _ in kinds]),
                _table("readable-drops", [f"$drop-readable-{i}" for i, _ in kinds]),
                _table("writable-drops", [f"$drop-writable-{i}" for i, _ in kinds]),
                _table("takes", of_values("take")),
                _table("gives", of_values("give")),
                _table("frees", of_values("free-values")),
                _table(
                    "returns", [f"$return-{f.index}" if f.func.is_async else "$no-return" for f in self.wiring.adapted]
                ),
                "(func $no-return (param i32 i32) unreachable)",
            ]
        )

    # ---- functions

    def _function(self, adapted: Adapted) -> None:
        for name, func in adapted.host.items():
            self.lower_host(f"{name}-{adapted.index}", func, ARENA)
        if adapted.func.is_async:
            self._async_function(adapted)
        else:
            self._sync_function(adapted)

    def _lent(self, adapted: Adapted) -> tuple[list[corecode.Local], str]:
        """The parameters of the shim, and code that drops the borrows among them."""
        ts = [t for _, t in adapted.func.params]
        flat = layout.flatten_all(ts)
        drops: Iterable[str]
        if len(flat) > layout.MAX_FLAT_PARAMS:
            params = [("$p", "i32")]
            whole = types.Tuple(tuple(ts))
            drops = [f"(call {self.walkers.function(whole)} (local.get $p) (i32.const {DROP_BORROWED}))"]
        else:
            params = corecode.local_variables("param", flat)
            drops = []
            at = 0
            for t in ts:
                width = len(layout.flatten(t))
                drops.append(self.walkers.walk_flat(t, params[at : at + width], DROP_BORROWED))
                at += width
        if not any(types.contains(t, types.Borrow) for t in ts):
            drops = []
        return params, "".join(drops)

    def _start(self, adapted: Adapted) -> tuple[list[corecode.Local], str]:
        """The parameters of the shim, and code that calls `start` with them."""
        params, drops = self._lent(adapted)
        start = f"(local.set $ready (call $start-{adapted.index} {corecode.get(params)}))"
        return params, f"{start} {drops} (call $arena-reset)"

    def _async_function(self, adapted: Adapted) -> None:
        index = adapted.index
        params, body = self._call_or_wait(adapted) if adapted.at_once else self._start_or_wait(adapted)
        self.functions.append(
            f"""(func (export "call-{index}"){_parameters(params)} (result i32)
      (local $ready i32) (local $record i32) (local $result i32) (local $q i32) (local $end i32)
      (call $step)
      (local.set $record (call $record (i32.const {index})))
      {body}
      (call $free-record (local.get $record))
      ;; YIELD and not EXIT: Wasmtime 50 keeps a task for ever that exits before its caller knows that it returned
      (i32.const 1))"""
        )
        self._return(adapted)
        self._export(f"call-{index}", adapted.func, f"async (callback $callback) {MEMORY} {ARENA}")

    def _call_or_wait(self, adapted: Adapted) -> tuple[list[corecode.Local], str]:
        """The parameters of the shim of an async call whose result Python writes into memory, and its code."""
        index = adapted.index
        params, drops = self._lent(adapted)
        return (
            params,
            f"""(call $call-{index} {corecode.get(params)}) {drops} (call $arena-reset)
      (local.set $ready (i32.load (i32.const {protocol.OUTCOME})))
      (if (i32.eq (local.get $ready) (i32.const {protocol.WAITS})) (then (return (call $wait (local.get $record)))))
      (if (i32.eq (local.get $ready) (i32.const {protocol.HERE}))
        (then (call $return-from-{index} (i32.const {protocol.RESULT})))
        (else (call $return-{index} (local.get $record) (i32.const {protocol.NEEDS_LISTED}))))""",
        )

    def _start_or_wait(self, adapted: Adapted) -> tuple[list[corecode.Local], str]:
        """The same for one whose result holds handles, or that has none."""
        params, start = self._start(adapted)
        return (
            params,
            f"""{start}
      (if (i32.eq (local.get $ready) (i32.const {protocol.PENDING}))
        (then (return (call $wait (local.get $record)))))
      (call $return-{adapted.index} (local.get $record) (i32.const {protocol.NEEDS_LISTED}))""",
        )

    def _return(self, adapted: Adapted) -> None:
        """Writes the functions that take the result from the host, and that return it to the caller from memory."""
        index = adapted.index
        result = adapted.func.result
        flat = () if result is None else layout.flatten(result)
        params = ("i32",) if len(flat) > layout.MAX_FLAT_PARAMS else flat
        mention = "" if result is None else f"(result {self.scope.ref(result)}) {MEMORY}"
        self.builtin(f"task.return-{index}", params, [], f"task.return {mention}")
        if result is None:
            waited = f"(i32.ne (local.get $needs) (i32.const {protocol.NEEDS_LISTED}))"
            finish = f"(if {waited} (then (call $finish-{index} (local.get $record))))"
            take = f"{finish} (call $task.return-{index})"
        else:
            self._return_from_memory(adapted, flat)
            take = self._take(adapted, flat)
        self.functions.append(
            f"(func $return-{index} (param $record i32) (param $needs i32) (local $p i32) {take} (call $arena-reset))"
        )

    def _return_from_memory(self, adapted: Adapted, flat: Sequence[str]) -> None:
        index = adapted.index
        result = adapted.func.result
        assert result is not None
        code = f"(call $task.return-{index} (local.get $p))"
        if len(flat) <= layout.MAX_FLAT_PARAMS:
            values = corecode.local_variables("value", flat)
            load = corecode.load(result, 0, values)
            code = f"{corecode.declare(values)} {load} (call $task.return-{index} {corecode.get(values)})"
        self.functions.append(f"(func $return-from-{index} (param $p i32) {code})")

    def _take(self, adapted: Adapted, flat: Sequence[str]) -> str:
        index = adapted.index
        result = adapted.func.result
        assert result is not None
        make = _make_needs(adapted)
        resume = (
            f"(if (i32.eq (local.get $needs) (i32.const {protocol.NEEDS_UNKNOWN})) "
            "(then (call $resume (local.get $record))))"
        )
        makes = f"(i32.ne (local.get $needs) (i32.const {protocol.NEEDS_NOTHING}))"
        needs = f"(if {makes} (then {resume} {make}))" if make else ""
        if adapted.in_memory:
            finish = f"(call $finish-{index} (local.get $record))"
            return f"{needs} {finish} (call $return-from-{index} (i32.const {protocol.RESULT}))"
        if len(flat) <= layout.MAX_FLAT_RESULTS:
            return f"{needs} (call $task.return-{index} (call $finish-{index} (local.get $record)))"
        return (
            f"{needs} (local.set $p (call $arena-alloc (i32.const {layout.size(result)}))) "
            f"(call $finish-{index} (local.get $record) (local.get $p)) (call $return-from-{index} (local.get $p))"
        )

    def _sync_function(self, adapted: Adapted) -> None:
        index = adapted.index
        result = adapted.func.result
        flat = () if result is None else layout.flatten(result)
        results = ["i32"] if _through_memory(adapted) else flat
        params, body = self._call(adapted) if adapted.at_once else self._start_and_finish(adapted)
        self.functions.append(
            f"""(func (export "call-{index}"){_parameters(params)}{signature([], results)}
      (local $ready i32) (local $result i32) (local $q i32) (local $end i32)
      {"(call $step)" if adapted.round_first else ""}
      (i32.store (i32.const {protocol.TOKEN}) (i32.const {protocol.TOKEN}))
      {body})"""
        )
        post = ""
        if _through_memory(adapted):
            self.functions.append(f'(func (export "post-{index}") (param i32) (call $arena-reset))')
            self._lifts.append(f'(alias core export $core "post-{index}" (core func $post-{index}))')
            post = f"(post-return $post-{index})"
        self._export(f"call-{index}", adapted.func, f"{MEMORY} {ARENA} {post}")

    def _call(self, adapted: Adapted) -> tuple[list[corecode.Local], str]:
        """The parameters of the shim of a call that is made at once, and its code."""
        params, drops = self._lent(adapted)
        function = f"$call-{adapted.index} {corecode.get(params)}"
        result = adapted.func.result
        if adapted.in_memory:
            into = f"(i32.const {protocol.RESULT})" if adapted.gives_error else ""
            finish = f"(call $make-room) (call $finish-{adapted.index} (i32.const {protocol.TOKEN}) {into})"
            later = f"(i32.ne (i32.load (i32.const {protocol.OUTCOME})) (i32.const {protocol.HERE}))"
            return params, f"(call {function}) {drops} (if {later} (then {finish})) (i32.const {protocol.RESULT})"
        if not _through_memory(adapted):
            return params, f"(call {function}) {drops} (call $arena-reset)"
        # The arena holds the parts that the result points to; `post` resets it.
        assert result is not None
        return params, f"{_allocate(result)} (call {function} (local.get $result)) {drops} (local.get $result)"

    def _start_and_finish(self, adapted: Adapted) -> tuple[list[corecode.Local], str]:
        """The parameters of the shim of another sync function, and its code."""
        params, start = self._start(adapted)
        token = f"(i32.const {protocol.TOKEN})"
        finish = f"(call $finish-{adapted.index} {token})"
        if _through_memory(adapted):
            assert adapted.func.result is not None
            allocate = _allocate(adapted.func.result)
            finish = f"{allocate} (call $finish-{adapted.index} {token} (local.get $result)) (local.get $result)"
        check = f"(if (i32.ne (local.get $ready) (i32.const {protocol.READY})) (then unreachable))"
        return params, f"{start} {check} {_make_needs(adapted)} {finish}"

    def _export(self, name: str, func: types.Func, options: str) -> None:
        """Lifts and exports the core function of this name."""
        self.scope.lines.append(f"(type $type-{name} {self.scope.func(func)})")
        self._lifts += [
            f'(alias core export $core "{name}" (core func ${name}))',
            f"(func $lifted-{name} (type $type-{name}) (canon lift (core func ${name}) {options}))",
            f'(export "{name}" (func $lifted-{name}))',
        ]


def _make_needs(adapted: Adapted) -> str:
    """Makes the cells that the function can need for its result: others belong to another call."""
    room = "(call $make-room)" if adapted.makes_room else ""
    pairs = "(call $make-pairs)" if adapted.makes_pairs else ""
    return room + pairs


def _through_memory(adapted: Adapted) -> bool:
    """Whether a sync function returns a pointer to its result."""
    result = adapted.func.result
    return result is not None and len(layout.flatten(result)) > layout.MAX_FLAT_RESULTS


def _allocate(t: types.ValType) -> str:
    return f"(local.set $result (call $arena-alloc (i32.const {layout.size(t)})))"


def _parameters(params: Iterable[corecode.Local]) -> str:
    return "".join(f" (param {name} {t})" for name, t in params)


def _table(name: str, functions: Iterable[str]) -> str:
    return f"(table ${name} funcref (elem {' '.join(functions)}))"
