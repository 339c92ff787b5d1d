"""Hypothesis strategies for worlds; the simplest has nothing in it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace

from hypothesis import strategies as st

from tests.abi.worlds.world import FILL, Function, Interface, Way, World
from tests.strategies import PRIMITIVES, WORDS, val_types
from wasihost._component.world import layout, types
from wasihost._component.world.passages import BYTES
from wasihost._component.world.types import ValType

# Further kinds of words: acronyms, digits, words of WIT, of our providers and of the guest's text.
ODD_WORDS = [*WORDS, *"URL X9 q0 func async stream own type def await init result main".split()]
PACKAGES = ["gen:a/", "gen:class/", "wasi-like:b2/"]
VERSIONS = ["", "", "@1.0.0", "@0.2.0-rc.1"]
ANY = types.Resource("any")
"""Stands for one of those that there are."""
HANDED_ON = [None, *(p for p in PRIMITIVES if p.name in types.NUMBERS)]
"""What a stream or future may carry that the guest hands on unread."""
OWN, BORROW = types.Own(ANY), types.Borrow(ANY)
KINDS = [kind(payload) for payload in HANDED_ON for kind in (types.Stream, types.Future)]
TYPES = val_types(6, *KINDS, *(OWN, BORROW, BORROW) * 8)
PUMPED = st.none() | val_types(6, OWN).filter(lambda t: t != types.CHAR)
"""What one may carry that the guest reads and writes; WIT has no stream<char>."""

SEEDS = st.integers(0, 10**6)
BLOCKS = st.integers(0, 2).map(lambda n: n == 2)
KEPT = st.integers(0, 19).map(bool)  # nearly always, but not when it shrinks

Params = list[tuple[str, ValType]]


class Names:
    """Names that are unlike each other, as far as the component model is concerned.

    They follow from a seed and are not drawn, for shrinking has more than enough to do; 0 gives the simplest.
    """

    def __init__(self, seed: int, *taken: str) -> None:
        self.seed = seed
        self._random = random.Random(seed)
        self._taken = {name.lower() for name in taken}

    def new(self) -> str:
        words = self._random.choices(ODD_WORDS, k=self._random.randint(1, 3)) if self.seed else ["a"]
        number, name = 0, "-".join(words)
        while name.lower() in self._taken:
            number += 1
            name = "-".join([*words, f"n{number}"])
        self._taken.add(name.lower())
        return name

    def others(self, *taken: str) -> Names:
        """Names for another place, where only these are taken."""
        return Names(self.seed and self._random.randrange(1, 2**32), *taken)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A few interfaces, of which later ones may use the resources of earlier ones; `completed` does the rest."""
    names, resources = Names(draw(SEEDS)), list[types.Resource]()
    interfaces = draw(st.lists(_interfaces(names, resources), min_size=1, max_size=3))
    at_root = draw(st.none() | st.sampled_from(interfaces))  # two could export the same name
    own = draw(st.none() | _own_interfaces(names))
    return World([replace(each, at_root=each is at_root) for each in interfaces], own)


@st.composite
def completed(draw: st.DrawFn, world: World) -> World:
    """The world without a few functions, and with names for the types of the others.

    Drawn last, so that what does not matter to a failure can go without another draw becoming something else.
    """
    seed = draw(SEEDS)
    for interface in world.everything:
        interface.functions[:] = [f for f in interface.functions if f.way in (Way.MAKES, Way.TELLS) or draw(KEPT)]
    used = nameable(f.func for interface in world.everything for f in interface.functions)
    for interface in world.everything:
        mentioned = nameable(f.func for f in interface.functions)
        owners = {f.owner for f in interface.functions if f.form}
        for name in [name for name, t in interface.named.items() if t not in used and name not in owners]:
            del interface.named[name]
        names = Names(seed, *interface.named, *(f.name for f in interface.functions))
        interface.named.update({names.new(): t for t in mentioned if t not in interface.named.values()})
    own = world.own if world.own and any(f.way is Way.RETURNS for f in world.own.functions) else None
    return World([interface for interface in world.interfaces if interface.named or interface.functions], own)


def _interface_name(draw: st.DrawFn, names: Names) -> str:
    return draw(st.sampled_from(PACKAGES)) + names.new() + draw(st.sampled_from(VERSIONS))


@st.composite
def _interfaces(draw: st.DrawFn, interface_names: Names, resources: list[types.Resource]) -> Interface:
    """An interface that is imported and exported; adds its resources to those that may be used."""
    interface, names = Interface(_interface_name(draw, interface_names)), interface_names.others()
    members = _members(draw, interface, names, min_size=0)
    resources += members
    functions = st.lists(_functions(names, names.others(), members, resources), min_size=1, max_size=4)
    interface.functions.extend({function.name: function for function in draw(functions)}.values())  # one constructor
    return interface


Members = dict[types.Resource, Names]
"""Resources, and the names of their methods and static functions."""


def _members(draw: st.DrawFn, interface: Interface, names: Names, min_size: int) -> Members:
    """Adds resources to an interface."""
    members: Members = {}
    for resource in draw(st.lists(st.builds(types.Resource, st.builds(names.new)), min_size=min_size, max_size=2)):
        interface.named[resource.name] = resource
        members[resource] = names.others(resource.name, "get")  # `[method]a.a` would be like `a`
    return members


def nameable(funcs: Iterable[types.Func]) -> list[types.Resource | ValType]:
    """All that WIT wants named in these functions, what is inside first; and `FILL`, which is long."""
    found: dict[types.Resource | ValType, None] = {}
    for inner in (inner for func in funcs for t in func.types for inner in types.walk(t)):
        named = inner.resource if isinstance(inner, types.Own | types.Borrow) else inner
        if isinstance(named, types.Resource | types.Nominal) or named == FILL:
            found[named] = None
    return list(found)


# ---- functions


@st.composite
def _functions(
    draw: st.DrawFn, names: Names, exports: Names, members: Members, resources: Sequence[types.Resource]
) -> Function:
    owner, form, name = _place(draw, names, members, ["method", "static", "constructor"])
    others = names.others("self")
    if owner is not None and form == "constructor":
        params = draw(_params(others, resources, borrows=True))
        return Function(name, exports.new(), types.Func(tuple(params), types.Own(owner)), Way.STANDS)
    func, way = draw(_passed_on(others, owner if form == "method" else None, resources))
    # A coroutine that an async function returns is awaited for its result.
    is_slow = draw(st.booleans()) or (func.is_async and _can_be_coroutine(func.result))
    return Function(name, exports.new(), func, way, is_slow)


def _can_be_coroutine(t: ValType | None) -> bool:
    """Whether what a provider returns for a value can be just a future."""
    match t:
        case types.Option(payload=inner) | types.Result(ok=inner):
            return _can_be_coroutine(inner)
    return isinstance(t, types.Future)


def _place(draw: st.DrawFn, names: Names, members: Members, forms: list[str]) -> tuple[types.Resource | None, str, str]:
    """Where a function belongs: to a resource, in one of these forms, or to none, '', and its name there."""
    owner = draw(st.none() | st.sampled_from(list(members))) if members else None
    if owner is None:
        return None, "", names.new()
    form = draw(st.sampled_from(forms))
    return owner, form, f"[{form}]{owner.name}" + ("" if form == "constructor" else f".{members[owner].new()}")


@st.composite
def _passed_on(
    draw: st.DrawFn, names: Names, this: types.Resource | None, resources: Sequence[types.Resource]
) -> tuple[types.Func, Way]:
    """A function type and a way to pass on its calls; `this` is the resource of a method."""
    if this is not None and draw(BLOCKS):
        return draw(_blocks(names, this)), Way.STANDS
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
def _blocks(draw: st.DrawFn, names: Names, this: types.Resource) -> types.Func:
    """A function whose bytes may go through a window."""
    error = draw(val_types(6).filter(lambda t: not types.contains(t, types.List)))
    takes = draw(st.booleans())
    params: Params = [("self", types.Borrow(this)), (names.new(), BYTES if takes else types.U64)]
    return types.Func(tuple(params), types.Result(None if takes else BYTES, error))


def _params(names: Names, resources: Sequence[types.Resource], borrows: bool) -> st.SearchStrategy[Params]:
    return st.lists(st.tuples(st.builds(names.new), _types(resources, borrows)), max_size=3)


@st.composite
def _types(draw: st.DrawFn, resources: Sequence[types.Resource], borrows: bool = False) -> ValType:
    return _with_resources(draw, draw(TYPES), resources, borrows)


@st.composite
def _pumped(draw: st.DrawFn, resources: Sequence[types.Resource]) -> types.Stream | types.Future:
    payload = draw(PUMPED)
    payload = None if payload is None else _with_resources(draw, payload, resources, borrows=False)
    return types.Stream(payload) if draw(st.booleans()) else types.Future(payload)


def _with_resources(draw: st.DrawFn, t: ValType, resources: Sequence[types.Resource], borrows: bool) -> ValType:
    """The type with real resources in it, if there are any."""

    def real(inner: ValType) -> ValType | None:
        if not isinstance(inner, types.Own | types.Borrow):
            return None
        if not resources:
            return types.BOOL
        resource = draw(st.sampled_from(resources))
        return types.Borrow(resource) if borrows and isinstance(inner, types.Borrow) else types.Own(resource)

    return types.substitute(t, real)


# ---- what the guest defines


@st.composite
def _own_interfaces(draw: st.DrawFn, interface_names: Names) -> Interface:
    """An interface that is only exported. Its resources are numbers, which `get` tells."""
    interface, names = Interface(_interface_name(draw, interface_names)), interface_names.others()
    members = _members(draw, interface, names, min_size=1)
    for resource in members:
        make = types.Func((("n", types.U32),), types.Own(resource))
        tell = types.Func((("self", types.Borrow(resource)),), types.U32)
        interface.functions.append(_own(f"[constructor]{resource.name}", make, Way.MAKES))
        interface.functions.append(_own(f"[method]{resource.name}.get", tell, Way.TELLS))
    interface.functions.extend(draw(st.lists(_given_back(names, members), min_size=1, max_size=3)))
    return interface


@st.composite
def _given_back(draw: st.DrawFn, names: Names, members: Members) -> Function:
    owner, form, name = _place(draw, names, members, ["method", "static"])
    this: Params = [("self", types.Borrow(owner))] if owner and form == "method" else []
    echoed: Params = [("fill", FILL), ("x", draw(_types(list(members))))]
    lent: Params = [("lent", types.Borrow(draw(st.sampled_from(list(members)))))] if draw(st.booleans()) else []
    result = types.Tuple(tuple(t for _, t in echoed))
    return _own(name, types.Func((*this, *echoed, *lent), result, draw(st.booleans())), Way.RETURNS)


def _own(name: str, func: types.Func, way: Way) -> Function:
    return Function(name, name, func, way)
