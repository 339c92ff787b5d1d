"""WebAssembly text: type definitions of components, signatures of core functions.

Everything is written with symbolic names, so that backtraces and validation errors can be read.
"""

from __future__ import annotations

from collections.abc import Iterable

from wasihost._base.errors import InternalError
from wasihost._base.quoting import wat_string as quote
from wasihost._component.world import types
from wasihost._component.world.types import ValType


def signature(params: Iterable[str], results: Iterable[str] = ()) -> str:
    """The parameters and results of a core function."""
    return "".join(f" (param {t})" for t in params) + "".join(f" (result {t})" for t in results)


class TypeScope:
    """The types of one component or one instance type, defined on first use.

    Nominal types (records, variants, enums, flags) and resources must be named where functions of an import or export
    mention them: with `naming` they are exported under generated names, and `named` gives the other side the names.
    An instance type inside a component sees through `outer` the types that the component was made to `know`, which are
    those that it imports or exports.
    """

    def __init__(self, outer: TypeScope | None = None, naming: bool = False) -> None:
        self.outer = outer
        self.naming = naming
        self.lines: list[str] = []
        self.named: dict[str, types.Resource | ValType] = {}
        self._known: dict[types.Resource | ValType, str] = {}
        self._given: set[types.Resource | ValType] = set()
        self._exported: set[types.Resource | ValType] = set()
        self._count = 0

    def symbol(self) -> str:
        self._count += 1
        return f"$type{self._count}"

    def knows(self, t: types.Resource | ValType) -> bool:
        return t in self._known

    def know(self, t: types.Resource | ValType, symbol: str) -> None:
        """From here on `t` is called `symbol`."""
        self._known[t] = symbol
        self._given.add(t)

    def ref(self, t: types.Resource | ValType) -> str:
        """How to mention `t`: a primitive's word or the symbol of its definition."""
        if isinstance(t, types.Primitive):
            return t.name
        if t in self._known:
            return self._known[t]
        self._known[t] = self._from_outer(t) or self._define(t)
        return self._known[t]

    def _from_outer(self, t: types.Resource | ValType) -> str | None:
        if self.outer is None or t not in self.outer._given:
            return None
        symbol = self.symbol()
        self.lines.append(f"(alias outer 1 {self.outer.ref(t)} (type {symbol}))")
        return symbol

    def _define(self, t: types.Resource | ValType) -> str:
        if isinstance(t, types.Resource):
            if not self.naming:
                raise InternalError(f"{t} is not known in this scope")
            return self._name(t, "(sub resource)")
        body = self.body(t)
        symbol = self.symbol()
        self.lines.append(f"(type {symbol} {body})")
        return self._name(t, f"(eq {symbol})") if self.naming and isinstance(t, types.Nominal) else symbol

    def _name(self, t: types.Resource | ValType, bound: str) -> str:
        name = f"t{len(self.named)}"
        self.named[name] = t
        return self.export(name, bound)

    def export(self, name: str, bound: str) -> str:
        """Exports a type from an instance type; gives its symbol."""
        symbol = self.symbol()
        self.lines.append(f"(export {quote(name)} (type {symbol} {bound}))")
        return symbol

    def export_item(self, name: str, t: types.Resource | ValType) -> None:
        """Exports a type of an interface under its own name from an instance type."""
        if isinstance(t, types.Resource):
            # A second name of one resource (`type headers = fields`) is equal to the first.
            known = self._known.get(t) or self._from_outer(t)
            symbol = self.export(name, f"(eq {known})" if known else "(sub resource)")
        else:
            symbol = self.export(name, f"(eq {self.definition(t)})")
        # Methods of a resource must mention it by its first name in the interface.
        if isinstance(t, types.Resource | types.Nominal) and t not in self._exported:
            self._exported.add(t)
            self._known[t] = symbol

    def definition(self, t: types.Resource | ValType) -> str:
        """A symbol for `t`, also when it is a primitive."""
        return self.definition_anew(t) if isinstance(t, types.Primitive) else self.ref(t)

    def definition_anew(self, t: ValType) -> str:
        """A symbol for a new definition of `t`, also when one is known."""
        symbol = self.symbol()
        self.lines.append(f"(type {symbol} {t.name if isinstance(t, types.Primitive) else self.body(t)})")
        return symbol

    def body(self, t: ValType) -> str:
        """The definition of `t`, in terms of the types inside it."""
        match t:
            case types.List(element=element):
                return f"(list {self.ref(element)})"
            case types.Map(key=key, value=value):
                return f"(map {self.ref(key)} {self.ref(value)})"
            case types.Record(fields=fields):
                return "(record" + "".join(f" (field {quote(name)} {self.ref(x)})" for name, x in fields) + ")"
            case types.Tuple(elements=elements):
                return "(tuple" + "".join(f" {self.ref(x)}" for x in elements) + ")"
            case types.Variant(cases=items):
                return "(variant" + "".join(f" (case {quote(name)}{self._maybe(x)})" for name, x in items) + ")"
            case types.Enum(names=names):
                return "(enum" + "".join(f" {quote(name)}" for name in names) + ")"
            case types.Flags(names=names):
                return "(flags" + "".join(f" {quote(name)}" for name in names) + ")"
            case types.Option(payload=payload):
                return f"(option {self.ref(payload)})"
            case types.Result(ok=ok, err=err):
                return f"(result{self._maybe(ok)}" + ("" if err is None else f" (error {self.ref(err)})") + ")"
            case types.Own(resource=resource):
                return f"(own {self.ref(resource)})"
            case types.Borrow(resource=resource):
                return f"(borrow {self.ref(resource)})"
            case types.Stream(payload=maybe):
                return f"(stream{self._maybe(maybe)})"
            case types.Future(payload=maybe):
                return f"(future{self._maybe(maybe)})"
        raise InternalError(f"no text for {t}")

    def _maybe(self, t: ValType | None) -> str:
        return "" if t is None else f" {self.ref(t)}"

    def func(self, func: types.Func) -> str:
        """A component function type."""
        params = "".join(f" (param {quote(name)} {self.ref(t)})" for name, t in func.params)
        result = "" if func.result is None else f" (result {self.ref(func.result)})"
        return f"(func{' async' if func.is_async else ''}{params}{result})"
