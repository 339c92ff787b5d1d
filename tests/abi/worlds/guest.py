"""The text of the guest for a world.

Its code never looks at a value: it moves flat values and pointers, so that Wasmtime alone decides whether what the
adapter and driver components made of them is right. It drops what was lent to it, which it must.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.abi.core import BUILTINS, COPY, ENDS, LIBC, WAITING, canons, core_instance, pump
from tests.abi.worlds.world import Function, Interface, Way, World
from wasihost._base.quoting import wat_string as quote
from wasihost._component.composition.compose import shim
from wasihost._component.composition.corecode import DROP_BORROWED, Walkers, local_variables
from wasihost._component.composition.wat import TypeScope, signature
from wasihost._component.world import layout, types
from wasihost._component.world.types import ValType
from wasihost._component.world.wiring import Kind


def guest(world: World) -> str:
    """The text of the guest component."""
    return "\n".join(_Guest(world).lines())


class _Guest:
    def __init__(self, world: World) -> None:
        self._world = world
        self._scope = TypeScope()
        self._canons = dict(BUILTINS)
        self._bodies = [WAITING, ENDS, "(func $free (param i32))"]
        self._walkers = Walkers(self._drop)
        self._drops: dict[types.Resource, str] = {}
        self._suffixes: dict[Kind, str] = {}
        self._count = 0

    def lines(self) -> Iterator[str]:
        yield "(component"
        for number, interface in enumerate(self._world.interfaces):
            yield from self._import(f"$import-{number}", interface)
        yield LIBC
        lifts: list[str] = []
        for number, interface in enumerate(self._world.interfaces):
            lifts += self._interface(number, interface)
        if self._world.own is not None:
            lifts += self._own(self._world.own)
        yield from self._scope.lines
        yield from core_instance(self._canons, "\n".join(self._bodies + self._walkers.functions))
        yield from (*lifts, ")")

    # ---- interfaces

    def _import(self, symbol: str, interface: Interface) -> Iterator[str]:
        inside = TypeScope(outer=self._scope)
        for name, t in interface.named.items():
            inside.export_item(name, t)
        functions = [f"(export {quote(f.name)} {inside.func(f.func)})" for f in interface.functions]
        yield f"(import {quote(interface.name)} (instance {symbol}"
        yield from (*inside.lines, *functions, "))")
        for number, (name, t) in enumerate(interface.named.items()):
            yield f"(alias export {symbol} {quote(name)} (type {symbol}-type-{number}))"
            if not self._scope.knows(t):
                self._scope.know(t, f"{symbol}-type-{number}")

    def _interface(self, number: int, interface: Interface) -> Iterator[str]:
        """Exports what an imported interface has."""
        exports = []
        for function in interface.functions:
            symbol, *lines = self._function(function, f"(func $import-{number} {quote(function.name)})")
            yield from lines
            exports.append(f"(export {quote(function.export)} (func {symbol}))")
        if interface.at_root:
            yield from exports
        else:
            yield f"(instance $exports-{number} {' '.join(exports)})"
            yield f"(export {quote(interface.name)} (instance $exports-{number}))"

    def _own(self, interface: Interface) -> Iterator[str]:
        """Exports an interface with resources of the guest's own."""
        for number, resource in enumerate(interface.resources.values()):
            self._scope.lines.append(f"(type $own-{number} (resource (rep i32)))")
            self._scope.know(resource, f"$own-{number}")
        text, parts, names = shim("$shim", interface.items)
        supplied = []
        for plain, function in zip(names, interface.functions, strict=True):
            symbol, *lines = self._function(function)
            yield from lines
            supplied.append(f"(export {quote(plain)} (func {symbol}))")
        supplied += [f"(export {quote(t)} (type {self._scope.ref(of)}))" for t, of in parts.imported.named.items()]
        yield from text
        yield f'(instance $own (instantiate $shim (with "host" (instance {" ".join(supplied)}))))'
        yield f"(export {quote(interface.name)} (instance $own))"

    # ---- functions

    def _function(self, function: Function, imported: str = "") -> tuple[str, ...]:
        """Writes the code of a function; gives the symbol of what lifts it, and the lines of that."""
        name, func = f"f{self._count}", function.func
        self._count += 1
        match function.way:
            case Way.STANDS:
                options = self._stands(name, func, imported)
            case Way.WAITS:
                options = self._waits(name, func, imported)
            case Way.PUMPS:
                options = self._pumps(name, func, imported)
            case Way.MAKES:
                assert isinstance(func.result, types.Own)
                self._define(name, f"resource.new {self._scope.ref(func.result.resource)}", ["i32"], ["i32"])
                options = self._body(name, func, f"(call ${name} (local.get $p0))")
            case Way.TELLS:
                options = self._body(name, func, "(local.get $p0)")
            case Way.RETURNS:
                whole = types.Record(func.params)
                fill = layout.offsets(whole)[[param for param, _ in func.params].index("fill")]
                options = self._body(name, func, f"(i32.add (local.get $p0) (i32.const {fill}))")
        return (
            f"${name}",
            f"(type $type-{name} {self._scope.func(func)})",
            f'(func ${name} (type $type-{name}) (canon lift (core func $i "{name}") {COPY} {options}))',
        )

    def _stands(self, name: str, func: types.Func, imported: str) -> str:
        params, results = _flat_params(func), _flat_results(func)
        call = f"(call ${name} {_get(params)})"
        if _result_in_memory(func):
            params, results = [*params, "i32"], []
            call = f"{_malloc(func.result)} (call ${name} {_get(params[:-1])} (local.get $result)) (local.get $result)"
        self._define(name, f"lower {imported} {COPY}", params, results)
        return self._body(name, func, call + self._drop_lent(func))

    def _body(self, name: str, func: types.Func, code: str) -> str:
        params, results = _flat_params(func), _flat_results(func)
        self._bodies.append(f"""
    (func (export "{name}"){_named(params)}{signature((), results)}
      (local $result i32) (local $q i32) (local $end i32) (call $begin) {code})
    (func (export "{name}-post"){signature(results)} (call $end))""")
        return f'(post-return (core func $i "{name}-post"))'

    def _waits(self, name: str, func: types.Func, imported: str) -> str:
        params, (out, kept) = _flat_params(func), ("", "")
        pointer = self._define_return(name, func)
        self._define(name, f"lower {imported} {COPY} async", [*params, *pointer], ["i32"])
        if pointer:
            out, kept = "(local.get $result)", "(i32.load (call $context.get))"
        self._bodies.append(f"""
    (func (export "{name}"){_named(params)} (result i32) (local $result i32) (local $status i32)
      (call $begin) {_malloc(func.result)}
      (local.set $status (call ${name} {_get(params)} {out}))
      (if (i32.ne (local.get $status) (i32.const 2))
        (then (return (call $wait (local.get $status) (local.get $result)))))
      (call $return-{name} {out}) (call $end) (i32.const 0))
    (func (export "{name}-callback") (param $event i32) (param $p1 i32) (param $p2 i32) (result i32)
      (local $state i32)
      (local.set $state (call $ended (local.get $event) (local.get $p2)))
      (if (i32.eqz (local.get $state))
        (then (return (i32.or (i32.const 2) (i32.shl (i32.load offset=4 (call $context.get)) (i32.const 4))))))
      (if (i32.eq (local.get $state) (i32.const 2))
        (then (call $return-{name} {kept}))
        (else (call $task.cancel)))
      (call $end) (i32.const 0))""")
        return f'async (callback (core func $i "{name}-callback"))'

    def _pumps(self, name: str, func: types.Func, imported: str) -> str:
        ((_, taken),), given = func.params, func.result
        assert isinstance(taken, types.Stream | types.Future)
        assert isinstance(given, types.Stream | types.Future)
        self._define_return(name, func)
        self._define(name, f"lower {imported} {COPY}", ["i32"], ["i32"])
        self._bodies.append(f"""
    (func (export "{name}") (param $in i32) (result i32) (local $back i32) (local $pair i64) (local $other i64)
      (call $begin)
      (local.set $pair (call {self._end("new", taken)}))
      (local.set $back (call ${name} (call $readable (local.get $pair))))
      (local.set $other (call {self._end("new", given)}))
      (call $return-{name} (call $readable (local.get $other)))
      (call {self._end("pump", taken)} (local.get $in) (call $writable (local.get $pair)) {_counts(taken)})
      (call {self._end("pump", given)} (local.get $back) (call $writable (local.get $other)) {_counts(given)})
      (call $end) (i32.const 0))
    (func (export "{name}-callback") (param i32 i32 i32) (result i32) unreachable)""")
        return f'async (callback (core func $i "{name}-callback"))'

    def _end(self, action: str, kind: Kind) -> str:
        """The core function for an end of a stream or future type."""
        word = "stream" if isinstance(kind, types.Stream) else "future"
        if kind not in self._suffixes:
            suffix = self._suffixes[kind] = f"-{len(self._suffixes)}"
            self._canons |= canons({word: self._scope.ref(kind)}, suffix)
            self._bodies.append(pump(kind, suffix))
        return f"${word}.{action}{self._suffixes[kind]}"

    # ---- parts of functions

    def _define(self, name: str, canon: str, params: list[str], results: list[str] | None = None) -> None:
        self._canons[name] = (canon, " ".join(params), " ".join(results or []))

    def _define_return(self, name: str, func: types.Func) -> list[str]:
        """Defines `$return-…`; gives its core parameters: one, which is a pointer or a handle, or none."""
        result = "" if func.result is None else f"(result {self._scope.ref(func.result)})"
        params = [] if func.result is None else ["i32"]
        self._define(f"return-{name}", f"task.return {result} (memory $memory)", params)
        return params

    def _drop_lent(self, func: types.Func) -> str:
        whole = types.Tuple(tuple(t for _, t in func.params))
        if not types.contains(whole, types.Borrow):
            return ""
        if _params_in_memory(func):
            return f" (call {self._walkers.function(whole)} (local.get $p0) (i32.const {DROP_BORROWED}))"
        return self._walkers.walk_flat(whole, local_variables("p", layout.flatten(whole)), DROP_BORROWED)

    def _drop(self, t: ValType) -> str | None:
        """The core function that drops a borrow; everything else has been handed on."""
        if not isinstance(t, types.Borrow):
            return None
        name = self._drops.setdefault(t.resource, f"drop-{len(self._drops)}")
        self._define(name, f"resource.drop {self._scope.ref(t.resource)}", ["i32"])
        return f"${name}"


def _params_in_memory(func: types.Func) -> bool:
    return len(layout.flatten_all(t for _, t in func.params)) > layout.MAX_FLAT_PARAMS


def _flat_params(func: types.Func) -> list[str]:
    """Core parameters of what is lifted, and lowered sync."""
    return ["i32"] if _params_in_memory(func) else list(layout.flatten_all(t for _, t in func.params))


def _result_in_memory(func: types.Func) -> bool:
    return func.result is not None and len(layout.flatten(func.result)) > layout.MAX_FLAT_RESULTS


def _flat_results(func: types.Func) -> list[str]:
    """Core results of what is lifted sync."""
    if func.result is None:
        return []
    return ["i32"] if _result_in_memory(func) else list(layout.flatten(func.result))


def _named(params: list[str]) -> str:
    return "".join(f" (param $p{i} {t})" for i, t in enumerate(params))


def _get(params: list[str]) -> str:
    return " ".join(f"(local.get $p{i})" for i in range(len(params)))


def _malloc(result: ValType | None) -> str:
    return "" if result is None else f"(local.set $result (call $malloc (i32.const {layout.size(result)})))"


def _counts(kind: Kind) -> str:
    """For `pump`: two elements at once, until the end."""
    return "(i32.const 2) (i32.const -1)" if isinstance(kind, types.Stream) else ""
