"""Generates worlds: interfaces with types, resources and functions, and a guest whose exports are its imports.

A guest exports each imported interface again. Each export calls the import of the same type with what it got and gives
what that gave, so values go in and out of the guest both ways, whatever their types; streams and futures are handed on.
The exports have no types of their own: they use those of the imports.

What a `World` is, is drawn by Hypothesis (`worlds`), so that one that fails shrinks; `World.wit` shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from hypothesis import strategies as st

from tests.abi.echo import BUILTINS, CORE_IMPORTS, FILL, LIBC, WAITING
from tests.strategies import PRIMITIVES, WORDS, val_types
from wasihost.commands.inspection import Homes, Printer
from wasihost.component.composition.wat import TypeScope, signature
from wasihost.component.world import layout, types
from wasihost.component.world.types import ValType
from wasihost.quoting import wat_string as quote

# Further kinds of words: acronyms, digits, words of WIT, of our providers and of the guest's text.
ODD_WORDS = [*WORDS, "URL", "X9", "q0", "func", "async", "stream", "own", "type", "def", "await", "init", "result", "main"]
PACKAGES = ["gen:a/", "gen:class/", "wasi-like:b2/"]
VERSIONS = ["", "", "@1.0.0", "@0.2.0-rc.1"]
HANDED_ON = [None, *(p for p in PRIMITIVES if p.name in types.NUMBERS)]
"""What a stream or future may carry that the guest hands on unread; flow.py and export_flow.py carry everything."""
MAX_ASYNC_PARAMS = 4
"""Flat parameters of a function that is lowered async; more go through memory."""


@dataclass(frozen=True)
class Function:
    """One function, imported from an interface and exported again."""

    name: str
    """In the import; the name of a method or the like has its form and resource, `[method]thing.get`."""
    export: str
    func: types.Func
    waits: bool
    """Lowered async and lifted with a callback."""
    is_slow: bool
    """The provider's method is an `async def`."""

    @property
    def form(self) -> str:
        """`method`, `static` or `constructor`; '' outside of resources."""
        return self.name[1:].partition("]")[0] if self.name.startswith("[") else ""


@dataclass(frozen=True)
class Interface:
    name: str
    types: dict[str, types.Resource | ValType] = field(default_factory=dict)
    functions: list[Function] = field(default_factory=list)


@dataclass(frozen=True)
class World:
    interfaces: list[Interface]

    @cached_property
    def wit(self) -> str:
        """The imports as WIT; each is exported too."""
        homes, lines = Homes(), []
        for each in self.interfaces:
            interface = types.Interface({**each.types, **{f.name: f.func for f in each.functions}})
            lines += Printer(each.name, interface, homes, _mark(each)).lines("import")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"\n{self.wit}"


def _mark(interface: Interface) -> Callable[[str, str, types.Func], str]:
    found = {f.name: f for f in interface.functions}

    def mark(_: str, name: str, __: types.Func) -> str:
        f = found[name]
        return f"{f.export}{', with a callback' if f.waits else ''}{', slow' if f.is_slow else ''}"

    return mark


# ---- strategies


class Names:
    """Draws names that are unlike each other, as far as the component model is concerned."""

    def __init__(self, draw: st.DrawFn, taken: str = "") -> None:
        self._draw = draw
        self._taken = {taken.lower()}

    def new(self) -> str:
        words = self._draw(st.lists(st.sampled_from(ODD_WORDS), min_size=1, max_size=3))
        name = "-".join(words)
        number = 0
        while name.lower() in self._taken:
            number += 1
            name = "-".join([*words, f"n{number}"])
        self._taken.add(name.lower())
        return name


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A few interfaces, of which later ones may use the resources of earlier ones."""
    found: list[Interface] = []
    resources: list[types.Resource] = []
    names = Names(draw)
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(PACKAGES)) + names.new() + draw(st.sampled_from(VERSIONS))
        found.append(draw(_interfaces(name, resources)))
    return World(found)


@st.composite
def _interfaces(draw: st.DrawFn, name: str, resources: list[types.Resource]) -> Interface:
    interface, names, exports = Interface(name), Names(draw), Names(draw)
    members: dict[types.Resource, Names] = {}
    for _ in range(draw(st.integers(0, 2))):
        resource = types.Resource(names.new())
        resources.append(resource)
        interface.types[resource.name] = resource
        members[resource] = Names(draw, taken=resource.name)  # `[method]a.a` would be like `a`
    constructed: set[types.Resource] = set()
    for _ in range(draw(st.integers(1, 4))):
        owner = draw(st.none() | st.sampled_from(list(members))) if members else None
        forms = ["method", "static"] + (["constructor"] if owner not in constructed else [])
        form = draw(st.sampled_from(forms)) if owner else ""
        if owner is None:
            function_name = names.new()
        elif form == "constructor":
            constructed.add(owner)
            function_name = f"[constructor]{owner.name}"
        else:
            function_name = f"[{form}]{owner.name}.{members[owner].new()}"
        interface.functions.append(draw(_functions(function_name, exports.new(), form, owner, resources)))
    for function in interface.functions:
        for t in function.func.types:
            _name_all(t, interface, names)
    return interface


def _name_all(t: ValType, interface: Interface, names: Names) -> None:
    """Gives a name to all that WIT wants named, what is inside first."""
    for inner in types.walk(t):
        found = inner.resource if isinstance(inner, types.Own | types.Borrow) else inner
        if isinstance(found, types.Nominal | types.Resource) and found not in interface.types.values():
            interface.types[names.new()] = found


@st.composite
def _functions(
    draw: st.DrawFn,
    name: str,
    export: str,
    form: str,
    owner: types.Resource | None,
    resources: list[types.Resource],
) -> Function:
    names = Names(draw)
    params = [(names.new(), draw(_any_types(resources))) for _ in range(draw(st.integers(0, 3)))]
    borrowed: list[tuple[str, ValType]] = []
    if owner is not None and form == "method":
        borrowed.append(("self", types.Borrow(owner)))
    elif form == "" and resources and draw(st.booleans()):
        borrowed.append((names.new(), types.Borrow(draw(st.sampled_from(resources)))))
    params = [pair for pair in params if pair[0] != "self"]
    # The guest drops what was lent to it, and finds that only among the flat parameters of a call that stands still.
    if borrowed and len(layout.flatten_all(t for _, t in [*borrowed, *params])) > layout.MAX_FLAT_PARAMS:
        params = []
    is_async = form != "constructor" and draw(st.booleans())
    waits = is_async and not borrowed and draw(st.booleans())
    result: ValType | None = types.Own(owner) if owner and form == "constructor" else None
    if form != "constructor":
        result = draw(st.none() | _any_types(resources))
    if waits:
        flat = len(layout.flatten_all(t for _, t in params))
        if flat > MAX_ASYNC_PARAMS and flat <= layout.MAX_FLAT_PARAMS:
            params.append((names.new(), FILL))
        if result is not None and len(layout.flatten(result)) <= layout.MAX_FLAT_PARAMS:
            result = types.Tuple((result, FILL))
    func = types.Func((*borrowed, *params), result, is_async)
    return Function(name, export, func, waits, form != "constructor" and draw(st.booleans()))


@st.composite
def _any_types(draw: st.DrawFn, resources: list[types.Resource]) -> ValType:
    """A type in which some primitives may have become resources, streams or futures."""
    t = draw(val_types(max_leaves=5))
    used = [p for p in PRIMITIVES if any(p == inner for inner in types.walk(t))]
    if not used or not draw(st.booleans()):
        return t
    replaced = draw(st.sampled_from(used))
    new = draw(_handles(resources))
    return types.substitute(t, lambda inner: new if inner == replaced else None)


@st.composite
def _handles(draw: st.DrawFn, resources: list[types.Resource]) -> ValType:
    kind = draw(st.sampled_from(["own", "stream", "future"] if resources else ["stream", "future"]))
    if kind == "own":
        return types.Own(draw(st.sampled_from(resources)))
    payload = draw(st.sampled_from(HANDED_ON))
    return types.Future(payload) if kind == "future" else types.Stream(payload)


# ---- the guest


def guest(world: World) -> str:
    """The text of the guest component."""
    scope = TypeScope()
    imported: list[str] = []
    for number, interface in enumerate(world.interfaces):
        imported += _import(f"$host-{number}", interface, scope)
    drops = {r: f"$drop-{n}" for n, r in enumerate(_resources(world))}
    core = _Core()
    for name, (canon, params, results) in BUILTINS.items():
        core.define(f"${name}", canon, params.split(), results.split())
    for resource, symbol in drops.items():
        core.define(symbol, f"resource.drop {scope.ref(resource)}", ["i32"])
    exports: list[str] = []
    index = 0
    for number, interface in enumerate(world.interfaces):
        exported = []
        for function in interface.functions:
            exports += _export(core, scope, drops, function, f"(func $host-{number} {quote(function.name)})", index)
            exported.append(f"(export {quote(function.export)} (func $e{index}))")
            index += 1
        exports.append(f"(instance $exports-{number} {' '.join(exported)})")
        exports.append(f"(export {quote(interface.name)} (instance $exports-{number}))")
    return "\n".join(["(component", *imported, LIBC, *scope.lines, *core.lines(), *exports, ")"])


def _import(symbol: str, interface: Interface, scope: TypeScope) -> Iterator[str]:
    inside = TypeScope(outer=scope)
    for name, t in interface.types.items():
        inside.export_item(name, t)
    functions = [f"(export {quote(f.name)} {inside.func(f.func)})" for f in interface.functions]
    yield f"(import {quote(interface.name)} (instance {symbol}"
    yield from (*inside.lines, *functions, "))")
    for number, (name, t) in enumerate(interface.types.items()):
        yield f"(alias export {symbol} {quote(name)} (type {symbol}-type-{number}))"
        if not scope.knows(t):
            scope.know(t, f"{symbol}-type-{number}")


def _resources(world: World) -> list[types.Resource]:
    found = [t for i in world.interfaces for t in i.types.values() if isinstance(t, types.Resource)]
    return list(dict.fromkeys(found))


class _Core:
    """The core module: what it imports, and its functions."""

    def __init__(self) -> None:
        self._defined: list[str] = []
        self._arguments: list[str] = []
        self._imports: list[str] = []
        self.bodies: list[str] = []

    def define(self, symbol: str, canon: str, params: list[str], results: list[str] | None = None) -> None:
        self._defined.append(f"(core func {symbol} (canon {canon}))")
        self._arguments.append(f'(export "{symbol}" (func {symbol}))')
        self._imports.append(f'(import "" "{symbol}" (func {symbol}{signature(params, results or [])}))')

    def lines(self) -> list[str]:
        arguments = f'(with "libc" (instance $libc)) (with "" (instance {" ".join(self._arguments)}))'
        return [
            *self._defined,
            *("(core module $m" + CORE_IMPORTS, *self._imports, WAITING, *self.bodies, ")"),
            f"(core instance $i (instantiate $m {arguments}))",
        ]


OPTIONS = "(memory $memory) (realloc $realloc)"


def _export(
    core: _Core, scope: TypeScope, drops: dict[types.Resource, str], function: Function, host: str, index: int
) -> Iterator[str]:
    """Adds a function to the core module; gives what lifts it."""
    func, f = function.func, f"f{index}"
    flat: list[str] = list(layout.flatten_all(t for _, t in func.params))
    lifted = ["i32"] if len(flat) > layout.MAX_FLAT_PARAMS else flat
    results: list[str] = [] if func.result is None else list(layout.flatten(func.result))
    through_memory = len(results) > layout.MAX_FLAT_RESULTS
    size = 0 if func.result is None else layout.size(func.result)
    malloc = f"(local.set $result (call $malloc (i32.const {size})))"
    given = " ".join(f"(local.get {i})" for i in range(len(lifted)))
    if function.waits:
        out = [] if func.result is None else ["i32"]
        core.define(f"${f}", f"lower {host} {OPTIONS} async", [*lifted, *out], ["i32"])
        result = "" if func.result is None else f"(result {scope.ref(func.result)})"
        core.define(f"$return-{f}", f"task.return {result} (memory $memory)", out)
        core.bodies.append(_waiting(f, lifted, given, malloc if out else "", bool(out)))
        options = f'{OPTIONS} async (callback (core func $i "{f}-callback"))'
    else:
        core.define(
            f"${f}",
            f"lower {host} {OPTIONS}",
            [*lifted, "i32"] if through_memory else lifted,
            [] if through_memory else results,
        )
        call = f"(call ${f} {given})"
        if through_memory:
            call = f"{malloc} (call ${f} {given} (local.get $result)) (local.get $result)"
        lent = " ".join(
            f"(call {drops[t.resource]} (local.get {i}))"
            for i, (_, t) in enumerate(func.params)
            if isinstance(t, types.Borrow)
        )
        outcome = ["i32"] if through_memory else results
        core.bodies.append(f"""
    (func (export "{f}"){signature(lifted, outcome)} (local $result i32) (call $begin) {call} {lent})
    (func (export "{f}-post"){signature(outcome)} (call $end))""")
        options = f'{OPTIONS} (post-return (core func $i "{f}-post"))'
    yield f"(type $type-{f} {scope.func(func)})"
    yield f'(func $e{index} (type $type-{f}) (canon lift (core func $i "{f}") {options}))'


def _waiting(f: str, lifted: list[str], given: str, malloc: str, has_result: bool) -> str:
    out, kept = ("(local.get $result)", "(i32.load (call $context.get))") if has_result else ("", "")
    return f"""
    (func (export "{f}"){signature(lifted)} (result i32) (local $result i32) (local $status i32)
      (call $begin) {malloc}
      (local.set $status (call ${f} {given} {out}))
      (if (i32.ne (local.get $status) (i32.const 2))
        (then (return (call $wait (local.get $status) (local.get $result)))))
      (call $return-{f} {out}) (call $end) (i32.const 0))
    (func (export "{f}-callback") (param $event i32) (param $p1 i32) (param $p2 i32) (result i32)
      (local $state i32)
      (local.set $state (call $ended (local.get $event) (local.get $p2)))
      (if (i32.eqz (local.get $state))
        (then (return (i32.or (i32.const 2) (i32.shl (i32.load offset=4 (call $context.get)) (i32.const 4))))))
      (if (i32.eq (local.get $state) (i32.const 2))
        (then (call $return-{f} {kept}))
        (else (call $task.cancel)))
      (call $end) (i32.const 0))"""
