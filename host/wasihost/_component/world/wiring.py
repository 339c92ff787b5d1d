"""The part of a component that goes through the adapter and driver components, with its numbering.

Functions that are sync and carry no stream, future, map or plain list (one without handles), and few values, are
direct: registered straight in the linker. The others are adapted, and so are those in `in_order`, before which a round
is run: they see the effects of the guest's streams before (a port that is free as soon as its accept stream is dropped,
output written before an exit).

On the host's side of an adapted function or an export every stream and future is a `u32`, a handle of the adapter
component, and so is a handle to one of the guest's own resources on the host's side of an export. Every plain list
(or map) is a `tuple<u32, u32>` there: pointer and length, in a memory that Python sees. Any other map is a list of
pairs. All of these have the flat and memory form of their replacement.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from wasihost._base.errors import UnsupportedTypeError
from wasihost._base.frozen import Frozen
from wasihost._base.nearest import did_you_mean
from wasihost._base.quoting import line, some
from wasihost._component.world import layout, types, versions
from wasihost._component.world.passages import Passage, lengths_only, passages
from wasihost._component.world.types import Future, Stream, ValType

Kind = Stream | Future
KINDS = (Stream, Future)
TOKEN = (("token", types.U32),)
OPENED = types.Func((("key", types.U32), ("end", types.U32)), None)
"""The host's `opened`: the writable end of a pair that was made for an argument, by its key."""
MOST_VALUES = 9
"""C values of a call of a direct function, at most; more take longer than the way through the adapter component."""
LARGEST_RESULT = 1024
"""Bytes of the memory form of a result that is in memory, without the parts that it points to."""


class Adapted(Frozen):
    """An adapted import: function `index` of the adapter component."""

    index: int
    interface: str
    name: str
    func: types.Func

    round_first: bool = False
    windowed: bool = False

    @property
    def path(self) -> str:
        return f"{self.interface}#{self.name}"

    @cached_property
    def makes_pairs(self) -> bool:
        return types.contains(self.func.result, KINDS)

    @cached_property
    def pairs_at(self) -> list[tuple[int, Kind]] | None:
        """Where in the tuple of the result the streams and futures are, if that is the same in all results."""
        result = self.func.result
        if not isinstance(result, types.Tuple):
            return None
        found = [(at, t) for at, t in enumerate(result.elements) if types.contains(t, KINDS)]
        kinds = [(at, t) for at, t in found if isinstance(t, Kind)]
        return kinds if kinds == found else None

    @cached_property
    def gives_lists(self) -> bool:
        return types.contains_plain_lists(self.func.result)

    @cached_property
    def in_memory(self) -> bool:
        """Whether Python writes the result into the adapter component's memory: it has no handles, and `call` or
        `finish` give nothing.

        That takes a fourth of the time that C values do, in each of which there is much to allocate.
        """
        result = self.func.result
        if result is None or self.windowed or (types.contains(result, types.HANDLES) and not self.gives_error):
            return False
        is_flat = len(layout.flatten(result)) <= layout.MAX_FLAT_RESULTS
        return (self.func.is_async or not is_flat) and layout.size(result) <= LARGEST_RESULT

    @property
    def makes_room(self) -> bool:
        """Whether Python writes lists or strings of the result, for which there must be room."""
        return self.in_memory or self.gives_lists

    @cached_property
    def gives_error(self) -> bool:
        """Whether `finish` gives a result outside of memory: of a sync function the error, if only that has
        handles, as that of `input-stream.read` has.
        """
        result = self.func.result
        return (
            not self.func.is_async
            and isinstance(result, types.Result)
            and types.contains(result.err, types.HANDLES)
            and not (types.contains(result.ok, types.HANDLES) or types.contains(result.err, KINDS))
        )

    @property
    def at_once(self) -> bool:
        """Whether `call` is all there is, but for a result in memory that has to wait, or for its room."""
        if self.in_memory:
            return True
        return not (self.func.is_async or self.makes_pairs or self.gives_lists)

    @cached_property
    def host(self) -> dict[str, types.Func]:
        """The host's functions, by the words of wit/adapter-protocol.md."""
        if self.in_memory:
            given = self._result if self.gives_error else None
            return {"call": types.Func(self._params, None), "finish": types.Func(TOKEN, given)}
        if self.at_once:
            return {"call": types.Func(self._params, self._result)}
        return {"start": types.Func(self._params, types.U32), "finish": types.Func(TOKEN, self._result)}

    @cached_property
    def takes_words(self) -> bool:
        """Whether the parameters come as they are when flat: a `u32` for each word, but handles as they are.

        Python makes its objects of words in half the time that it takes with C values, in each of which there is much
        to allocate; where there are none but numbers, strings and handles, there is nothing to gain.
        """
        ts = [t for _, t in self.func.params]
        return _are_words(ts) and not all(isinstance(t, (types.Primitive, *types.HANDLES)) for t in ts)

    @property
    def _params(self) -> tuple[tuple[str, ValType], ...]:
        if not self.takes_words:
            return tuple((name, to_host(t)) for name, t in self.func.params)
        words = (word for _, t in self.func.params for word in words_of(t))
        return tuple((f"w{index}", to_host(word)) for index, word in enumerate(words))

    @property
    def _result(self) -> ValType | None:
        return None if self.func.result is None else to_host(self.func.result)


class Called(Frozen):
    """An export: function `index` of the driver component."""

    index: int
    interface: str
    name: str
    func: types.Func
    guest_resources: frozenset[types.Resource]

    @property
    def path(self) -> str:
        return path_of(self.interface, self.name)

    @property
    def names(self) -> list[str]:
        """The names of the parameters."""
        return [name for name, _ in self.func.params]

    @cached_property
    def whole(self) -> types.Tuple:
        """The types of the parameters."""
        return types.Tuple(tuple(t for _, t in self.func.params))

    @cached_property
    def arguments(self) -> types.Tuple | None:
        """The parameters as one tuple, whose memory form an async-lowered call takes."""
        if not self.func.params:
            return None
        elements = tuple(_lent_as_own(self._to_host(t)) for _, t in self.func.params)
        # One flat value would come back directly and not through memory.
        padding = (types.U8,) if len(layout.flatten(types.Tuple(elements))) == 1 else ()
        return types.Tuple(elements + padding)

    @property
    def args(self) -> types.Func:
        """The host's `args`: gives the arguments of a call."""
        return types.Func(TOKEN, self.arguments)

    @property
    def done(self) -> types.Func:
        """The host's `done`: takes the result, as a list because a list's elements are passed by address."""
        if self.func.result is None:
            return types.Func(TOKEN, None)
        if self.gives_memory:
            return types.Func((*TOKEN, ("pointer", types.U32), ("length", types.U32)), None)
        return types.Func((*TOKEN, ("values", self._to_host(types.List(self.func.result)))), None)

    @cached_property
    def takes_memory(self) -> bool:
        """Whether Python writes the arguments into the driver component's memory: they have no handles."""
        return bool(self.func.params) and not self.takes_scalars and not types.contains(self.whole, types.HANDLES)

    @property
    def takes_values(self) -> bool:
        """Whether the driver component asks Python for the arguments as a C value."""
        return bool(self.func.params) and not (self.takes_scalars or self.takes_memory)

    @cached_property
    def gives_memory(self) -> bool:
        """Whether Python reads the result from the driver component's memory: it has no handles."""
        return not self.gives_scalar and not types.contains(self.func.result, types.HANDLES)

    @cached_property
    def takes_room(self) -> bool:
        """Whether Python wants room in the driver component's memory for the arguments, or for plain lists in them."""
        return self.takes_memory or types.contains_plain_lists(self.whole)

    @cached_property
    def takes_scalars(self) -> bool:
        """Whether the arguments are numbers, so few that they are operands of the call: they are at a fixed place."""
        limit = layout.MAX_FLAT_ASYNC_PARAMS if self.func.is_async else layout.MAX_FLAT_PARAMS
        return 0 < len(self.func.params) <= limit and all(types.is_number(t) for _, t in self.func.params)

    @cached_property
    def gives_scalar(self) -> bool:
        """Whether the result is a number or nothing: it is reported with others, not by a call of the host."""
        return self.func.result is None or types.is_number(self.func.result)

    def _to_host(self, t: ValType) -> ValType:
        return to_host(t, self.guest_resources)


class Wiring(Frozen):
    """The numbering of everything that is generated for one component."""

    world: types.World
    native: frozenset[str] = frozenset()
    """Interfaces that the linker provides by itself: never adapted."""
    in_order: frozenset[str] = frozenset()
    """Functions before which a round is run if the component has streams, by path; one with a version means the
    compatible ones."""
    windowed: frozenset[str] = frozenset()
    """Interfaces whose lists of bytes go through the guest's window."""
    for_linker: bool = False
    """Whether an embedder's linker may define functions: then all that can be direct are."""
    shares_memory: bool = True
    """Whether there is an adapter component at all, or only an embedder's own linker."""

    @cached_property
    def imports(self) -> dict[str, types.Interface]:
        """The imports as the host sees them."""
        return {
            name: lengths_only(items) if name in self.windowed else items for name, items in self.world.imports.items()
        }

    @cached_property
    def passages(self) -> dict[str, dict[str, Passage]]:
        """How the lists of bytes of each interface go through the window, by function."""
        return {name: passages(self.world.imports[name]) for name in self.windowed}

    def is_direct(self, interface: str, name: str) -> bool:
        """Whether a function of an interface that is not native is registered straight in the linker."""
        return (interface, name) not in self._adapted_names

    @cached_property
    def _adapted_names(self) -> frozenset[tuple[str, str]]:
        return frozenset((adapted.interface, adapted.name) for adapted in self.adapted)

    def _adapts(self, interface: str, name: str, func: types.Func) -> bool:
        carries = any(types.contains(t, (*KINDS, types.Map)) or self._is_shared(t) for t in func.types)
        if func.is_async or carries or self._is_in_order(interface, name):
            return True
        may_be_large = not (self.for_linker or self._is_windowed(interface, name))
        return self.shares_memory and (_lends_several(func) or (may_be_large and _has_many_values(func)))

    def _is_windowed(self, interface: str, name: str) -> bool:
        return name in self.passages.get(interface, {})

    def _is_shared(self, t: ValType) -> bool:
        return self.shares_memory and types.contains_plain_lists(t)

    def _is_in_order(self, interface: str, name: str) -> bool:
        return self._has_streams and versions.serving(f"{interface}#{name}", self.in_order) is not None

    @cached_property
    def _has_streams(self) -> bool:
        interfaces = (*self.world.imports.values(), *self.world.exports.values())
        return any(types.contains(t, KINDS) for each in interfaces for func in each.funcs.values() for t in func.types)

    @cached_property
    def adapted(self) -> list[Adapted]:
        pairs = [
            (interface, name, func)
            for interface, items in self.imports.items()
            if interface not in self.native
            for name, func in items.funcs.items()
            if self._adapts(interface, name, func)
        ]
        return [
            Adapted(index, of, name, func, self._is_in_order(of, name), self._is_windowed(of, name))
            for index, (of, name, func) in enumerate(pairs)
        ]

    @cached_property
    def called(self) -> list[Called]:
        """The exports that the driver can call."""
        pairs = [
            (interface, name, func)
            for interface, items in self.world.exports.items()
            for name, func in items.funcs.items()
            if self.can_call(func)
        ]
        return [Called(index, *pair, self.guest_resources) for index, pair in enumerate(pairs)]

    def find(self, name: str) -> Called:
        """The export that a path means, by the rule of `versions.find`.

        Errors: LookupError if there is none, UnsupportedTypeError if it cannot be called.
        """
        callables = {called.path: called for called in self.called}
        others = [path for path in self._exported_paths() if path not in callables]
        found = None if name in others else versions.find(name, callables)
        if found is not None:
            return callables[found]
        if versions.find(name, others) is not None:
            raise UnsupportedTypeError(f"{name}: a stream or future of the guest's own resources cannot be passed")
        known = some(list(callables)) or "no function"
        hint = did_you_mean(name.rpartition("#")[2], [path.rpartition("#")[2] for path in callables])
        raise LookupError(line(f"the component does not export {name!r}; it exports {known}{hint}"))

    def _exported_paths(self) -> Iterator[str]:
        for interface, items in self.world.exports.items():
            yield from (path_of(interface, name) for name in items.funcs)

    def can_call(self, func: types.Func) -> bool:
        """Whether an export can be called: not with streams of the guest's own resources, which the adapter component,
        made before the guest, has no type for.
        """
        inside = (
            inner for t in func.types for kind in types.walk(t) if isinstance(kind, Kind) for inner in types.walk(kind)
        )
        return not any(isinstance(t, types.Own) and t.resource in self.guest_resources for t in inside)

    @cached_property
    def guest_resources(self) -> frozenset[types.Resource]:
        """The resources that the guest itself defines."""
        imported = {r for items in self.world.imports.values() for r in items.types.values()}
        exported = {
            r for items in self.world.exports.values() for r in items.types.values() if isinstance(r, types.Resource)
        }
        return frozenset(exported - imported)

    @cached_property
    def guest_resource_order(self) -> list[types.Resource]:
        return sorted(self.guest_resources, key=lambda resource: resource.name)

    @cached_property
    def kinds(self) -> list[Kind]:
        """Every stream and future type that adapted and called functions mention, also inside another."""
        return list(dict.fromkeys(kind for function in self._functions for kind in _kinds(function.func)))

    @property
    def _functions(self) -> list[Adapted | Called]:
        return [*self.adapted, *self.called]

    @cached_property
    def exchanged(self) -> dict[int, Kind]:
        """Those whose ends go from the adapter component to the driver and back: those that called functions mention,
        and those in `relayed`.
        """
        return {self.kind(kind): kind for called in self.called for kind in _kinds(called.func)} | self.relayed

    @cached_property
    def relayed(self) -> dict[int, Kind]:
        """The futures that the relay component reads: those that Python gives to the guest and also gets from it.

        The guest may give back one of Python's, of which the adapter component has both ends then, and an instance may
        not read anything but numbers from itself. Futures with streams inside stay: those are handles of one instance.
        """
        given = {kind for function in self._functions for kind in _kinds_in(_given(function))}
        taken = {kind for function in self._functions for kind in _kinds_in(_taken(function))}
        both = [kind for kind in self.kinds if kind in given and kind in taken and _is_relayed(kind)]
        return {self.kind(kind): kind for kind in both}

    def kind(self, t: Kind) -> int:
        number = self._numbers.get(id(t))
        if number is None:  # an equal type of another function
            number = self._numbers[id(t)] = self.kinds.index(t)
        return number

    @cached_property
    def _numbers(self) -> dict[int, int]:
        """The kinds by the `id` of their types, which live as long as the world: to compare types takes long."""
        return {id(kind): number for number, kind in enumerate(self.kinds)}

    def mentioning(self, kind: Kind) -> Iterator[Adapted | Called]:
        """The functions that mention a stream or future type."""
        return (function for function in self._functions if kind in _kinds(function.func))


def _has_many_values(func: types.Func) -> bool:
    """Whether a call would have many C values, and has none through the adapter component."""
    ts = [t for _, t in func.params]
    taken = sum(map(_values, ts)) if _are_words(ts) else 0
    given = 0 if types.contains(func.result, types.HANDLES) else _values(func.result)
    return taken + given > MOST_VALUES


def _values(t: ValType | None) -> int:
    """How many C values one of a type is, without the elements of lists."""
    if isinstance(t, types.Flags):
        return len(t.names)
    if isinstance(t, types.List | types.Map) or t is None:
        return 1
    inner = map(_values, types.children(t))
    return 1 + (max(inner, default=0) if types.cases(t) else sum(inner))


def _lends_several(func: types.Func) -> bool:
    """Whether a call may lend more than one resource.

    Wasmtime 50 traps if the guest owns them and the host looks at one before another is lent ("deferred host scope has
    no call context"); the adapter component does not own the resources that it passes on.
    """
    lent = [inner for _, t in func.params for inner in types.walk(t) if isinstance(inner, types.Borrow)]
    return len(lent) > 1 or any(
        isinstance(inner, types.List) and types.contains(inner, types.Borrow)
        for _, t in func.params
        for inner in types.walk(t)
    )


def path_of(interface: str, name: str) -> str:
    """The path of an exported function; '' is the interface of one outside of any."""
    return f"{interface}#{name}" if interface else name


def _kinds(func: types.Func) -> Iterator[Kind]:
    return _kinds_in(func.types)


def _kinds_in(ts: Iterable[ValType]) -> Iterator[Kind]:
    return (inner for t in ts for inner in types.walk(t) if isinstance(inner, Kind))


def _given(function: Adapted | Called) -> list[ValType]:
    """The types of the values that Python gives to the guest by a function."""
    return _results(function) if isinstance(function, Adapted) else _params(function)


def _taken(function: Adapted | Called) -> list[ValType]:
    """The types of the values that Python gets from the guest by a function."""
    return _params(function) if isinstance(function, Adapted) else _results(function)


def _params(function: Adapted | Called) -> list[ValType]:
    return [t for _, t in function.func.params]


def _results(function: Adapted | Called) -> list[ValType]:
    return [] if function.func.result is None else [function.func.result]


def _is_relayed(kind: Kind) -> bool:
    payload = kind.payload
    if isinstance(kind, Stream) or payload is None or types.is_number(payload):
        return False
    return not types.contains(payload, KINDS)


def carries_values(kind: Kind) -> bool:
    """Whether the elements go through `take` and `give`; bytes and nothing at all do not."""
    return kind.payload is not None and not kind.is_bytes


def await_func(kind: Kind) -> types.Func:
    """The relay component's `await`: hands the value of a future to `give`, with this token."""
    return types.Func((("future", kind), *TOKEN), None, True)


def give_func(kind: Kind) -> types.Func:
    """The host's `give`: takes elements that were read."""
    return types.Func((*TOKEN, ("values", values_of(kind))), None)


def open_func(kind: Kind) -> types.Func:
    """The adapter component's `open`: the readable end for an argument, by its key."""
    return types.Func((("key", types.U32),), kind)


def adopt_func(kind: Kind) -> types.Func:
    """The adapter component's `adopt`: takes over the readable end in a result, and returns its handle there."""
    return types.Func((("end", kind),), types.U32)


def values_of(kind: Kind) -> types.List:
    """The host's form of a buffer of elements."""
    assert kind.payload is not None
    # The lists inside of elements are freed one by one: they stay values.
    return types.List(_handles_to_host(kind.payload, frozenset()))


def _lent_as_own(t: ValType) -> ValType:
    """A function cannot return a borrow: the host gives an own handle, which the driver lends and then drops."""
    return types.substitute(t, lambda x: types.Own(x.resource) if isinstance(x, types.Borrow) else None)


_WORDS = {"bool", "s8", "u8", "s16", "u16", "s32", "u32", "char"}
_MANY_CASES = 16


def _is_words(t: ValType) -> bool:
    """Whether a value is nothing but words of 32 bits when it is flat, and a string or plain list at most."""
    match t:
        case types.Primitive(name=name):
            return name in _WORDS or name == "string"
        case types.List() | types.Map():
            return types.is_plain_list(t)
        case types.Own() | types.Borrow() | types.Stream() | types.Future():
            return False
        case types.Variant(cases=cases) if len(cases) > _MANY_CASES:
            return False
    return all(map(_is_words, types.children(t)))


def _are_words(ts: Sequence[ValType]) -> bool:
    """Whether parameters are flat, and all of them are handles or words."""
    is_flat = len(layout.flatten_all(ts)) <= layout.MAX_FLAT_PARAMS
    return is_flat and all(isinstance(t, types.HANDLES) or _is_words(t) for t in ts)


def words_of(t: ValType) -> tuple[ValType, ...]:
    """A parameter as words, where `takes_words`: handles are one, as they are."""
    return (t,) if isinstance(t, types.HANDLES) else (types.U32,) * len(layout.flatten(t))


POINTER_AND_LENGTH = types.Tuple((types.U32, types.U32))


def lists_to_host(t: ValType) -> ValType:
    """`t` with pointer and length for every plain list."""
    return types.substitute(t, lambda inner: POINTER_AND_LENGTH if types.is_plain_list(inner) else None)


def to_host(t: ValType, guest_resources: frozenset[types.Resource] = frozenset()) -> ValType:
    """`t` as the host's side sees it."""
    # In this order: a list of handles is no plain one.
    return _handles_to_host(lists_to_host(t), guest_resources)


def _handles_to_host(t: ValType, guest_resources: frozenset[types.Resource]) -> ValType:
    def replace(x: ValType) -> ValType | None:
        if isinstance(x, Kind) or (isinstance(x, types.Own | types.Borrow) and x.resource in guest_resources):
            return types.U32
        return types.substitute(x.pairs, replace) if isinstance(x, types.Map) else None

    return types.substitute(t, replace)
