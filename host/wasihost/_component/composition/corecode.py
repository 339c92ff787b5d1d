"""Core WebAssembly that follows the structure of a WIT type: loading its flat form, freeing memory, dropping handles.

`load` is CanonicalABI.md's `lift_flat` seen from the other side: `task.return` and an async-lowered call take flat
values, but the host hands over the memory form.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from wasihost._base.errors import InternalError
from wasihost._component.world import layout, types
from wasihost._component.world.types import ValType

# The effects of a walk; a sum of these. OPEN and ADOPT, of the driver component alone, put another handle in the place
# of a stream's or future's: the one that `exchange` gives for it.
DROP_OWNED = 1
DROP_BORROWED = 2
FREE = 4
OPEN = 8
ADOPT = 16

_LOADS = {
    "bool": "i32.load8_u",
    "u8": "i32.load8_u",
    "s8": "i32.load8_s",
    "u16": "i32.load16_u",
    "s16": "i32.load16_s",
    "u64": "i64.load",
    "s64": "i64.load",
    "f32": "f32.load",
    "f64": "f64.load",
}
_DISCRIMINANT_LOADS = {1: "i32.load8_u", 2: "i32.load16_u", 4: "i32.load"}
_CONVERSIONS = {
    ("i32", "i64"): "(i64.extend_i32_u {})",
    ("f32", "i32"): "(i32.reinterpret_f32 {})",
    ("f32", "i64"): "(i64.extend_i32_u (i32.reinterpret_f32 {}))",
    ("f64", "i64"): "(i64.reinterpret_f64 {})",
}

Local = tuple[str, str]
"""Name and core type of a local variable."""


def local_variables(prefix: str, flat: Sequence[str]) -> list[Local]:
    return [(f"${prefix}{i}", t) for i, t in enumerate(flat)]


def declare(variables: Sequence[Local]) -> str:
    return "".join(f" (local {name} {t})" for name, t in variables)


def get(variables: Sequence[Local]) -> str:
    return " ".join(f"(local.get {name})" for name, _ in variables)


def load(t: ValType, offset: int, into: Sequence[Local]) -> str:
    """Code that loads a `t` at `$p + offset` into local variables, one for each of its flat values."""
    if isinstance(t, types.Record | types.Tuple):
        code = []
        at = 0
        for inner, start in zip(types.children(t), layout.offsets(t), strict=True):
            width = len(layout.flatten(inner))
            code.append(load(inner, offset + start, into[at : at + width]))
            at += width
        return "".join(code)
    if (cases := types.cases(t)) is not None:
        discriminant = f"({_DISCRIMINANT_LOADS[layout.discriminant_size(len(cases))]} offset={offset} (local.get $p))"
        payload = offset + layout.payload_offset(t)
        return _set(into[0], discriminant, "i32") + "".join(
            f"(if (i32.eq {discriminant} (i32.const {i})) (then {load(case, payload, into[1:])}))"
            for i, case in enumerate(cases)
            if case is not None
        )
    if t == types.STRING or isinstance(t, types.List | types.Map):
        # A shorter case of a variant: `into` may go on.
        words = [f"(i32.load offset={offset + at} (local.get $p))" for at in (0, layout.POINTER_SIZE)]
        return "".join(_set(variable, word, "i32") for variable, word in zip(into, words, strict=False))
    return _set(into[0], f"({_load_instruction(t)} offset={offset} (local.get $p))", layout.flatten(t)[0])


def _load_instruction(t: ValType) -> str:
    if isinstance(t, types.Primitive):
        return _LOADS.get(t.name, "i32.load")
    if isinstance(t, types.Flags):
        return _DISCRIMINANT_LOADS[layout.size(t)]
    return "i32.load"  # a handle


def _set(variable: Local, code: str, found: str) -> str:
    name, wanted = variable
    if found != wanted:
        code = _CONVERSIONS[found, wanted].format(code)
    return f"(local.set {name} {code})"


def store_single(t: ValType, value: str) -> str:
    """Code that stores `value`, the only flat value of `t`, at `$p`."""
    (flat,) = layout.flatten(t)
    width = {1: "8", 2: "16"}.get(layout.size(t), "") if flat == "i32" else ""
    return f"({flat}.store{width} (local.get $p) {value})"


class Walkers:
    """Functions that visit every pointer and handle inside a value, made on demand.

    One walk serves freeing memory, dropping borrows, and dropping owns and ends that were never taken: `$mode` says
    which. `drop` names the core function that drops a handle of a type; None for one that stays. `exchange` names
    those that give another handle for that of a stream or future, by mode.
    """

    def __init__(
        self,
        drop: Callable[[types.Own | types.Borrow | types.Stream | types.Future], str | None],
        exchange: Callable[[types.Stream | types.Future], dict[int, str]] = lambda _: {},
    ) -> None:
        self._drop = drop
        self._exchange = exchange
        self._names: dict[ValType, str] = {}
        self.functions: list[str] = []

    @staticmethod
    def needed(t: ValType) -> bool:
        """Whether a `t` can hold a pointer or a handle."""
        return any(x == types.STRING or isinstance(x, types.List | types.Map | _Handle) for x in types.walk(t))

    def function(self, t: ValType) -> str:
        """The name of a function `(param $p i32) (param $mode i32)` that walks the `t` in memory at `$p`."""
        if t not in self._names:
            self._names[t] = name = f"$walk-{len(self._names)}"
            code = self._walk(t, 0) if self.needed(t) else ""
            self.functions.append(
                f"(func {name} (param $p i32) (param $mode i32) (local $q i32) (local $end i32) {code})"
            )
        return self._names[t]

    def walk_list(self, element: ValType, pointer: str, count: str, mode: str) -> str:
        """Code that walks `count` elements from `pointer`; uses the local variables $q and $end."""
        if not self.needed(element):
            return ""
        size = layout.size(element)
        return f"""
          (local.set $q {pointer}) (local.set $end (i32.add (local.get $q) (i32.mul {count} (i32.const {size}))))
          (block $done (loop $next
            (br_if $done (i32.ge_u (local.get $q) (local.get $end)))
            (call {self.function(element)} (local.get $q) {mode})
            (local.set $q (i32.add (local.get $q) (i32.const {size})))
            (br $next)))"""

    def _walk(self, t: ValType, offset: int) -> str:
        if not self.needed(t):
            return ""
        word = f"(i32.load offset={offset} (local.get $p))"
        mode = "(local.get $mode)"
        if isinstance(t, _Handle):
            return self._exchange_code(t, offset, word) + self._drop_code(t, word, mode)
        if isinstance(t, types.Map):
            return self._walk(t.pairs, offset)
        if t == types.STRING or isinstance(t, types.List):
            count = f"(i32.load offset={offset + 4} (local.get $p))"
            inner = self.walk_list(t.element, word, count, mode) if isinstance(t, types.List) else ""
            return f"{inner} (if (i32.and {mode} (i32.const {FREE})) (then (call $free {word})))"
        if isinstance(t, types.Record | types.Tuple):
            parts = zip(types.children(t), layout.offsets(t), strict=True)
            return "".join(self._walk(x, offset + at) for x, at in parts)
        cases = types.cases(t) or ()
        discriminant = f"({_DISCRIMINANT_LOADS[layout.discriminant_size(len(cases))]} offset={offset} (local.get $p))"
        payload = offset + layout.payload_offset(t)
        return _switch(discriminant, [None if x is None else self._walk(x, payload) for x in cases])

    def walk_flat(self, t: ValType, values: Sequence[Local], mode: int) -> str:
        """Code that walks a `t` whose flat form is in local variables; uses $q and $end."""
        if not self.needed(t):
            return ""
        if isinstance(t, _Handle):
            return self._drop_code(t, _as_i32(values[0]), f"(i32.const {mode})")
        if isinstance(t, types.Map):
            return self.walk_flat(t.pairs, values, mode)
        if isinstance(t, types.List):
            return self.walk_list(t.element, _as_i32(values[0]), _as_i32(values[1]), f"(i32.const {mode})")
        if isinstance(t, types.Record | types.Tuple):
            code = []
            at = 0
            for inner in types.children(t):
                width = len(layout.flatten(inner))
                code.append(self.walk_flat(inner, values[at : at + width], mode))
                at += width
            return "".join(code)
        cases = types.cases(t) or ()
        branches = [None if x is None else self.walk_flat(x, values[1:], mode) for x in cases]
        return _switch(_as_i32(values[0]), branches) if cases else ""

    def _exchange_code(self, t: _Handle, offset: int, word: str) -> str:
        functions = self._exchange(t) if isinstance(t, types.Stream | types.Future) else {}
        return "".join(
            f"(if (i32.and (local.get $mode) (i32.const {mode}))"
            f" (then (i32.store offset={offset} (local.get $p) (call {function} {word}))))"
            for mode, function in functions.items()
        )

    def _drop_code(self, t: types.Own | types.Borrow | types.Stream | types.Future, handle: str, mode: str) -> str:
        flag = DROP_BORROWED if isinstance(t, types.Borrow) else DROP_OWNED
        drop = self._drop(t)
        return f"(if (i32.and {mode} (i32.const {flag})) (then (call {drop} {handle})))" if drop else ""


_Handle = types.Own | types.Borrow | types.Stream | types.Future


def _switch(discriminant: str, branches: Sequence[str | None]) -> str:
    return "".join(
        f"(if (i32.eq {discriminant} (i32.const {i})) (then {code}))" for i, code in enumerate(branches) if code
    )


def _as_i32(value: Local) -> str:
    name, t = value
    if t == "i64":
        return f"(i32.wrap_i64 (local.get {name}))"
    if t != "i32":
        raise InternalError(f"a handle or pointer in a local variable of type {t}")
    return f"(local.get {name})"
