"""Generates the plans from the canonical ABI's memory form, in a memory that Python sees, to Python objects.

They are for plain lists, those without handles, and take a fraction of the time that C values take: nothing is
allocated for the parts of a value, and the elements of a long list are read column by column, so that what is done for
each of them is done by `map`. Wasmtime checked text, discriminants and flags when it lowered them into that memory.

The plan of one element of a `list<pair>` where `record pair { a: u8, b: list<u32> }`, whose memory form is `block`:

    def plan(block, lists):
        x0, x1, x2, = c2(block)
        return c4(x0, c3(lists, x1, x2))

`c2`, a `Struct.unpack`, takes it apart, `c3` reads the list of numbers, and `c4` is the class `Pair`. And that of all
elements, where `block` has the memory form of all, and `c2`, `c3` and `c4` get a column each:

    def plan(block, lists):
        x0 = c2(block)
        x1 = c3(block)
        x2 = c4(block)
        return map(c6, x0, map(c5, repeat(lists), x1, x2))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, repeat
from typing import Any, Final, TypeAlias, cast

from wasihost._component.conversion import plancode
from wasihost._component.conversion.numbers import SharedLists, reader
from wasihost._component.conversion.plancode import Code, make_struct
from wasihost._component.conversion.topython import FlagsOfWord, ReadList
from wasihost._component.ffi import VAL_SIZE
from wasihost._component.values import Classes, Err, Ok, Some, case_classes, upper_snake_case
from wasihost._component.world import layout, types
from wasihost._component.world.types import ValType

FromBytes: TypeAlias = Callable[[bytes, SharedLists], Any]
"""From the memory form of an element to the element, or from that of all to an iterable of all."""
_UNSIGNED: Final = {1: "B", 2: "H", 4: "I"}
_LONG: Final = 6
"""So many elements are read sooner by column than one by one."""


class _One:
    """How source reads one element."""

    lists = "lists"
    text = "lists.text({}, {})"

    def apply(self, function: str, *values: str) -> str:
        return f"{function}({', '.join(values)})"

    def tuple(self, *values: str) -> str:
        return f"({''.join(f'{value}, ' for value in values)})"

    def take_apart(self, code: Code, words: Sequence[_Word], size: int, names: Sequence[str]) -> None:
        format = ""
        end = 0
        for word, at in words:
            format += f"{at - end}x{word}"
            end = at + make_struct(word).size
        code.unpack(names, f"{code.constant(make_struct(f'{format}{size - end}x').unpack)}(block)")

    def constant(self, value: Any) -> FromBytes:
        return lambda _block, _lists: value

    def cases(self, discriminant: Discriminants, readers: Sequence[FromBytes]) -> FromBytes:
        def read(block: bytes, lists: SharedLists) -> Any:
            (case,) = discriminant(block)
            return readers[case](block, lists)

        return read


class _Every:
    """How source reads all elements, by column."""

    lists = "repeat(lists)"
    text = "lists.texts({}, {})"

    def apply(self, function: str, *values: str) -> str:
        return f"map({', '.join([function, *values])})"

    def tuple(self, *values: str) -> str:
        return f"zip({', '.join(values)})"

    def take_apart(self, code: Code, words: Sequence[_Word], size: int, names: Sequence[str]) -> None:
        for name, (word, at) in zip(names, words, strict=True):
            code.line(f"{name} = {code.constant(_column(word, at, size))}(block)")

    def constant(self, value: Any) -> FromBytes:
        return lambda _block, _lists: repeat(value)

    def cases(self, discriminants: Discriminants, readers: Sequence[FromBytes]) -> Callable[..., Iterable[Any]]:
        def read(blocks: Sequence[bytes], lists: SharedLists) -> Iterable[Any]:
            cases = discriminants(b"".join(blocks))
            groups: list[list[bytes]] = [[] for _ in readers]
            for case, block in zip(cases, blocks, strict=True):
                groups[case].append(block)
            found = [
                iter(read(b"".join(group), lists) if group else ()) for read, group in zip(readers, groups, strict=True)
            ]
            return map(next, map(found.__getitem__, cases))

        return read


_ONE: Final = _One()
_EVERY: Final = _Every()
_Way: TypeAlias = _One | _Every
_Word: TypeAlias = tuple[str, int]
"""A part of an element's memory form: its format in `struct`, and where it is. A variant or the like is one part."""
Discriminants: TypeAlias = Callable[[bytes], Sequence[int]]
"""Gets those of variants that follow each other."""


class FromMemoryCode:
    """The generator, which keeps what it made."""

    def __init__(self, classes: Classes) -> None:
        self._classes = classes
        self._cases: dict[tuple[ValType, _Way], Any] = {}

    def reader(self, t: types.List | types.Map) -> ReadList:
        """A function that reads a plain list or map, and counts anew what is read."""
        read = self._reader(t)
        if types.is_numbers(t):
            return read

        def read_anew(lists: SharedLists, pointer: int, length: int) -> Any:
            lists.counted = 0
            return read(lists, pointer, length)

        return read_anew

    def _reader(self, t: types.List | types.Map) -> ReadList:
        """A function that reads a plain list or map."""
        if isinstance(t, types.Map):
            pairs = self._reader(t.pairs)
            return lambda lists, pointer, length: dict(pairs(lists, pointer, length))
        if types.is_numbers(t):
            return reader(cast(types.Primitive, t.element).name)
        return self._list(t.element)

    def _list(self, t: ValType) -> ReadList:
        size = layout.size(t)
        counted = max(size, VAL_SIZE * _parts(t))
        one: FromBytes | None = None
        every: FromBytes | None = None

        def read(lists: SharedLists, pointer: int, length: int) -> list[Any]:
            nonlocal one, every
            lists.count(length * counted)
            block = lists.read(pointer, length * size)
            if length < _LONG:
                one = one or self._plan(_ONE, t, 0, size)
                return [one(block[at : at + size], lists) for at in range(0, len(block), size)]
            every = every or self._plan(_EVERY, t, 0, size)
            return list(every(block, lists))

        return read

    def _plan(self, way: _Way, t: ValType, start: int, size: int, wrapper: type | None = None) -> FromBytes:
        """A function that reads a `t` from a block of that size, or all from as many blocks."""
        code = Code(repeat=repeat)
        words = list(_words(t, start))
        names = code.variables(len(words))
        way.take_apart(code, words, size, names)
        value = self._value(code, way, t, iter(names))
        code.line(f"return {value if wrapper is None else way.apply(code.constant(wrapper), value)}")
        read: FromBytes = code.function(f"from_memory {self._classes.describe(t)}", "block, lists")
        return read

    def _value(self, code: Code, way: _Way, t: ValType, words: Iterator[str]) -> str:
        """The Python value for the words of a value."""
        match t:
            case types.Primitive(name="string"):
                return way.text.format(next(words), next(words))
            case types.Primitive(name="char"):
                return way.apply("chr", next(words))
            case types.Primitive():
                return next(words)
            case types.List() | types.Map():
                return way.apply(code.constant(self._reader(t)), way.lists, next(words), next(words))
            case types.Record():
                values = [self._value(code, way, child, words) for child in types.children(t)]
                return way.apply(code.constant(self._classes.of(t)), *values)
            case types.Tuple():
                return way.tuple(*[self._value(code, way, child, words) for child in t.elements])
            case types.Enum():
                return way.apply(code.constant(self._members(t).__getitem__), next(words))
            case types.Flags():
                bits = [member.value for member in self._members(t)]
                return way.apply(code.constant(FlagsOfWord(self._classes.of(t), bits).__getitem__), next(words))
        return f"{code.constant(self._cases_of(t, way))}({next(words)}, lists)"

    def _members(self, t: types.Enum | types.Flags) -> list[Any]:
        cls = self._classes.of(t)
        return [getattr(cls, upper_snake_case(name)) for name in t.names]

    def _cases_of(self, t: ValType, way: _Way) -> Any:
        """What reads a variant or the like."""
        if (t, way) not in self._cases:
            payloads = types.cases(t) or ()
            size = layout.size(t)
            readers = [
                way.constant(wrapper and wrapper())
                if payload is None
                else self._plan(way, payload, layout.payload_offset(t), size, wrapper)
                for payload, wrapper in zip(payloads, self._wrappers(t), strict=True)
            ]
            discriminants = _column(_UNSIGNED[layout.discriminant_size(len(payloads))], 0, size)
            self._cases[t, way] = way.cases(discriminants, readers)
        return self._cases[t, way]

    def _wrappers(self, t: ValType) -> Sequence[type | None]:
        """The class of each case; None for one whose payload is the value."""
        match t:
            case types.Variant(cases=cases):
                classes = case_classes(self._classes.of(t), t)
                return [classes[name] for name, _ in cases]
            case types.Option(payload=payload):
                return [None, Some if isinstance(payload, types.Option) else None]
        return [Ok, Err]


def _parts(t: ValType) -> int:
    """How many values a value consists of, at most; a list is one."""
    if isinstance(t, types.List | types.Map):
        return 1
    inside = list(map(_parts, types.children(t)))
    return 1 + (sum(inside) if types.cases(t) is None else max(inside, default=0))


def _words(t: ValType, start: int) -> Iterator[_Word]:
    """The parts of a value's memory form."""
    match t:
        case types.Primitive(name="string") | types.List() | types.Map():
            yield "I", start
            yield "I", start + layout.POINTER_SIZE
        case types.Primitive(name=name):
            yield plancode.NUMBERS[name][0], start
        case types.Record() | types.Tuple():
            for child, offset in zip(types.children(t), layout.offsets(t), strict=True):
                yield from _words(child, start + offset)
        case types.Enum() | types.Flags():
            yield _UNSIGNED[layout.size(t)], start
        case _:
            yield f"{layout.size(t)}s", start


def _column(word: str, start: int, size: int) -> Callable[[bytes], Sequence[Any]]:
    """A function that gets one part of all elements."""
    width = make_struct(word).size
    if word.endswith("s"):
        rows = make_struct(f"{start}x{word}{size - start - width}x").iter_unpack
        return lambda block: list(chain.from_iterable(rows(block)))
    code = cast(Any, word)
    first = start // width
    step = size // width
    return lambda block: memoryview(block).cast(code)[first::step].tolist()
