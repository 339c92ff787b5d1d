"""Hypothesis strategies for worlds; the simplest world, to which a failure shrinks, is one function of nothing."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st

from tests.abi.worlds.world import FILL, Function, Interface, Way, World
from tests.strategies import PRIMITIVES, WORDS, val_types
from wasihost.component.world import layout, types
from wasihost.component.world.types import ValType

# Further kinds of words: acronyms, digits, words of WIT, of our providers and of the guest's text.
ODD_WORDS = [
    *WORDS,
    "URL",
    "X9",
    "q0",
    "func",
    "async",
    "stream",
    "own",
    "type",
    "def",
    "await",
    "init",
    "result",
    "main",
]
PACKAGES = ["gen:a/", "gen:class/", "wasi-like:b2/"]
VERSIONS = ["", "", "@1.0.0", "@0.2.0-rc.1"]
HANDED_ON = st.sampled_from([None, *(p for p in PRIMITIVES if p.name in types.NUMBERS)])
"""What a stream or future may carry that the guest hands on unread."""
PUMPED = st.none() | val_types(max_leaves=5).filter(lambda t: t != types.CHAR)
"""What one may carry that the guest reads and writes; WIT has no stream<char>."""

Params = list[tuple[str, ValType]]


class Names:
    """Draws names that are unlike each other, as far as the component model is concerned."""

    def __init__(self, draw: st.DrawFn, *taken: str) -> None:
        self._draw = draw
        self._taken = {name.lower() for name in taken}

    def new(self) -> str:
        words = self._draw(_WORD_LISTS)
        name = "-".join(words)
        number = 0
        while name.lower() in self._taken:
            number += 1
            name = "-".join([*words, f"n{number}"])
        self._taken.add(name.lower())
        return name


_WORD_LISTS = st.lists(st.sampled_from(ODD_WORDS), min_size=1, max_size=3)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A few interfaces, of which later ones may use the resources of earlier ones."""
    found: list[Interface] = []
    resources: list[types.Resource] = []
    names = Names(draw)
    for _ in range(draw(st.integers(1, 3))):
        # Two at the root could export the same name.
        at_root = draw(st.booleans()) and not any(interface.at_root for interface in found)
        found.append(draw(_interfaces(_interface_name(draw, names), resources, at_root)))
    own = draw(_own_interfaces(_interface_name(draw, names))) if draw(st.booleans()) else None
    return World(found, own)


def _interface_name(draw: st.DrawFn, names: Names) -> str:
    return draw(st.sampled_from(PACKAGES)) + names.new() + draw(st.sampled_from(VERSIONS))


@st.composite
def _interfaces(draw: st.DrawFn, name: str, resources: list[types.Resource], at_root: bool) -> Interface:
    """An interface that is imported and exported; adds its resources to those that may be used."""
    interface, names, exports = Interface(name, at_root=at_root), Names(draw), Names(draw)
    members = _resources(draw, interface, names, st.integers(0, 2))
    resources += members
    constructed: set[types.Resource] = set()
    for _ in range(draw(st.integers(1, 4))):
        owner = draw(st.none() | st.sampled_from(list(members))) if members else None
        form = draw(st.sampled_from(["method", "static", "constructor"])) if owner else ""
        if owner is not None and form == "constructor":
            if owner in constructed:
                continue
            constructed.add(owner)
            params = draw(_params(Names(draw, "self"), resources))
            func, way, is_slow = types.Func(tuple(params), types.Own(owner)), Way.STANDS, False
            function_name = f"[constructor]{owner.name}"
        else:
            function_name = names.new() if owner is None else f"[{form}]{owner.name}.{members[owner].new()}"
            func, way = draw(_functions(owner if form == "method" else None, resources))
            # A coroutine or future that an async function returns is awaited for its result.
            is_slow = draw(st.booleans()) or (func.is_async and isinstance(func.result, types.Future))
        interface.functions.append(Function(function_name, exports.new(), func, way, is_slow))
    _name_types(interface, names)
    return interface


def _resources(
    draw: st.DrawFn, interface: Interface, names: Names, count: st.SearchStrategy[int]
) -> dict[types.Resource, Names]:
    """Adds resources to an interface; gives the names of their members."""
    members: dict[types.Resource, Names] = {}
    for _ in range(draw(count)):
        resource = types.Resource(names.new())
        interface.types[resource.name] = resource
        members[resource] = Names(draw, resource.name, "get")  # `[method]a.a` would be like `a`
    return members


def _name_types(interface: Interface, names: Names) -> None:
    for t in nameable(function.func for function in interface.functions):
        if t not in interface.types.values():
            interface.types[names.new()] = t


def nameable(funcs: Iterable[types.Func]) -> list[types.Resource | types.Nominal]:
    """All that WIT wants named in these functions, what is inside first."""
    found: dict[types.Resource | types.Nominal, None] = {}
    for func in funcs:
        for t in func.types:
            for inner in types.walk(t):
                named = inner.resource if isinstance(inner, types.Own | types.Borrow) else inner
                if isinstance(named, types.Resource | types.Nominal):
                    found[named] = None
    return list(found)


# ---- functions


@st.composite
def _functions(draw: st.DrawFn, this: types.Resource | None, resources: list[types.Resource]) -> tuple[types.Func, Way]:
    """A function type and a way to pass on its calls; `this` is the resource of a method."""
    names = Names(draw, "self")
    way = draw(st.sampled_from([Way.STANDS, Way.WAITS, Way.PUMPS])) if this is None else Way.STANDS
    if way is Way.PUMPS:
        taken, given = draw(_pumped(resources)), draw(_pumped(resources))
        return types.Func(((names.new(), taken),), given, True), way
    is_async = way is Way.WAITS or draw(st.booleans())
    params: Params = [] if this is None else [("self", types.Borrow(this))]
    # The guest keeps nothing that was lent to it while it waits.
    params += draw(_params(names, resources, borrows=way is Way.STANDS))
    result = draw(st.none() | _types(resources))
    if way is Way.WAITS:
        flat = len(layout.flatten_all(t for _, t in params))
        if layout.MAX_FLAT_ASYNC_PARAMS < flat <= layout.MAX_FLAT_PARAMS:
            params.append((names.new(), FILL))
        if result is not None and len(layout.flatten(result)) <= layout.MAX_FLAT_PARAMS:
            result = types.Tuple((result, FILL))
    return types.Func(tuple(params), result, is_async), way


@st.composite
def _params(draw: st.DrawFn, names: Names, resources: list[types.Resource], borrows: bool = True) -> Params:
    return [(names.new(), draw(_types(resources, borrows))) for _ in range(draw(st.integers(0, 3)))]


@st.composite
def _types(draw: st.DrawFn, resources: list[types.Resource], borrows: bool = False) -> ValType:
    """A type in which some primitives may have become resources, streams or futures."""
    t = draw(val_types(max_leaves=5))
    used = [p for p in PRIMITIVES if p in types.walk(t)]
    if not used or not draw(st.booleans()):
        return t
    kinds = ["stream", "future"] + (["own"] if resources else []) + (["borrow"] if resources and borrows else [])
    kind, new = draw(st.sampled_from(kinds)), t
    if kind in ("own", "borrow"):
        resource = draw(st.sampled_from(resources))
        new = types.Own(resource) if kind == "own" else types.Borrow(resource)
    else:
        payload = draw(HANDED_ON)
        new = types.Stream(payload) if kind == "stream" else types.Future(payload)
    return _replaced(t, draw(st.sampled_from(used)), new)


@st.composite
def _pumped(draw: st.DrawFn, resources: list[types.Resource]) -> types.Stream | types.Future:
    payload = draw(PUMPED)
    if payload is not None and resources and draw(st.booleans()):
        payload = _replaced(payload, types.STRING, types.Own(draw(st.sampled_from(resources))))
    return types.Stream(payload) if draw(st.booleans()) else types.Future(payload)


def _replaced(t: ValType, old: ValType, new: ValType) -> ValType:
    return types.substitute(t, lambda inner: new if inner == old else None)


# ---- what the guest defines


@st.composite
def _own_interfaces(draw: st.DrawFn, name: str) -> Interface:
    """An interface that is only exported. Its resources are numbers, which `get` tells."""
    interface, names = Interface(name), Names(draw)
    members = _resources(draw, interface, names, st.integers(1, 2))
    resources = list(members)
    for resource in resources:
        make = types.Func((("n", types.U32),), types.Own(resource))
        tell = types.Func((("self", types.Borrow(resource)),), types.U32)
        _add_own(interface, f"[constructor]{resource.name}", make, Way.MAKES)
        _add_own(interface, f"[method]{resource.name}.get", tell, Way.TELLS)
    for _ in range(draw(st.integers(1, 3))):
        owner = draw(st.none() | st.sampled_from(resources))
        form = draw(st.sampled_from(["method", "static"])) if owner else ""
        function_name = names.new() if owner is None else f"[{form}]{owner.name}.{members[owner].new()}"
        params: Params = [("self", types.Borrow(owner))] if owner and form == "method" else []
        given = Names(draw, "self", "fill", "lent")
        echoed: Params = [("fill", FILL), (given.new(), draw(_types(resources)))]
        lent: Params = [("lent", types.Borrow(draw(st.sampled_from(resources))))] if draw(st.booleans()) else []
        result = types.Tuple(tuple(t for _, t in echoed))
        _add_own(
            interface, function_name, types.Func((*params, *echoed, *lent), result, draw(st.booleans())), Way.RETURNS
        )
    _name_types(interface, names)
    return interface


def _add_own(interface: Interface, name: str, func: types.Func, way: Way) -> None:
    interface.functions.append(Function(name, name, func, way))
