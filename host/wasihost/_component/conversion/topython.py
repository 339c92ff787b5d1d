"""Generates the plans from C values to Python objects.

Nothing that is read gets freed or changed. A value that the type places elsewhere by pointer (a payload, an element of
a list) is read by a plan of its own; the fields of a record and the elements of a tuple are read in place.

The plan of `record pair { a: u8, b: list<u32> }`:

    def plan(address, context):
        x0, x1, = c3(c4(address))
        x2, x3, x4, = c5(c6(x1))
        return (c7(x2, c8('I', 4, x3, x4)))

`c4` and `c6` give the blocks of the record and of its fields, which `c3` and `c5`, each a `Struct.unpack`, take apart.
`c7` is the class `Pair`, and `c8` reads all numbers of the list at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from ctypes import string_at
from itertools import chain, islice
from typing import Any, Final, TypeAlias, cast

from wasihost._component.conversion import plancode
from wasihost._component.conversion.handles import CallContext, Handles
from wasihost._component.conversion.numbers import Shared, SharedLists, array_code
from wasihost._component.conversion.plancode import Code, block_at, is_number, make_struct, name_at
from wasihost._component.ffi import VAL_OF, VAL_SIZE
from wasihost._component.values import Classes, Err, Ok, Some, case_classes, upper_snake_case
from wasihost._component.world import types
from wasihost._component.world.types import ValType
from wasihost._component.world.wiring import words_of

ToPython: TypeAlias = Callable[[int, CallContext], Any]
"""Reads the C value at an address."""
ArgumentsToPython: TypeAlias = Callable[[int, CallContext], tuple[Any, ...]]
"""Reads the C values that follow each other at an address."""
ReadList: TypeAlias = Callable[[SharedLists, int, int], Any]
"""From pointer and length to a list, to `bytes` for one of u8, or to a dict for a map."""

_NAME_SIZE: Final = 16
_VAL_GAP: Final = f"{VAL_OF}x"  # the kind
_ENTRY_GAP: Final = f"{_NAME_SIZE + VAL_OF}x"  # the name of the field, then the kind
_WORDS: Final = {
    plancode.VECTOR: 2,
    plancode.RESULT: 2,
    plancode.VARIANT: 3,
}
_names = make_struct("QQ")
_FLAGS_KEPT: Final = 256


def _list(read: ToPython, size: int, pointer: int, context: Any) -> list[Any]:
    return [read(address, context) for address in range(pointer, pointer + size * VAL_SIZE, VAL_SIZE)]


def _numbers(code: str, width: int, size: int, pointer: int) -> list[Any]:
    words: memoryview[Any] = memoryview(string_at(pointer, size * VAL_SIZE)).cast(cast(Any, code))
    return words[VAL_OF // width :: VAL_SIZE // width].tolist()


def _list_of_words(read: ToPython, size: int, pointer: int, context: Any) -> list[Any]:
    """A list of the results of `read` for the word of each element."""
    return [read(word, context) for word in _numbers("Q", 8, size, pointer)]


_OF_WORD: Final = {"bool": "({} != 0)", "char": "chr({})"} | dict.fromkeys(
    ("s8", "s16", "s32"), "(({} ^ 0x80000000) - 0x80000000)"
)


class Flags(dict[int, Any]):
    """The flags of one type by their value. Some are kept: `enum` takes longer to find one than the rest takes."""

    def __init__(self, cls: type) -> None:
        self._cls = cls

    def __missing__(self, key: int) -> Any:
        found = self._cls(self._value(key))
        if len(self) < _FLAGS_KEPT:
            self[key] = found
        return found

    def _value(self, key: int) -> int:
        return key


class FlagsOfWord(Flags):
    """The same by the word of the memory form; `bits` are the values of its bits."""

    def __init__(self, cls: type, bits: list[int]) -> None:
        super().__init__(cls)
        self._bits = bits

    def _value(self, key: int) -> int:
        return sum(value for bit, value in enumerate(self._bits) if key >> bit & 1)


def _flags(flags: Flags, bits: dict[bytes, int], size: int, pointer: int) -> Any:
    found = 0
    if size:
        for length, name in _names.iter_unpack(string_at(pointer, size * _NAME_SIZE)):
            found |= bits[name_at[length](name).raw]
    return flags[found]


class ToPythonCode:
    """The generator, which keeps its results."""

    def __init__(
        self,
        classes: Classes,
        handles: Handles,
        lists: Shared | None,
        reader: Callable[[types.List | types.Map], ReadList],
    ) -> None:
        self._classes = classes
        self._handles = handles
        self._lists = lists
        self._reader = reader
        self._plans: dict[ValType, ToPython] = {}

    def plan(self, t: ValType) -> ToPython:
        """A function that reads the C value at an address."""
        if t not in self._plans:
            code = self._code()
            self._return(code, t)
            self._plans[t] = self._function(code, t)
        return self._plans[t]

    def arguments(self, ts: tuple[ValType, ...]) -> ArgumentsToPython:
        """A function that reads the C values that follow each other at an address."""
        code = self._code()
        code.line(f"return {self._tuple(code, ts, 'address')}")
        return self._function(code, types.Tuple(ts))

    def words(self, ts: tuple[ValType, ...]) -> ArgumentsToPython:
        """As `arguments`, of values that come as words, see `words_of`."""
        code = self._code()
        words = [words_of(t) for t in ts]
        names = self._block(code, [word for each in words for word in each], "address", _VAL_GAP)
        flat = iter(name for (name,) in names)
        values = [self._from_words(code, t, list(islice(flat, len(each)))) for t, each in zip(ts, words, strict=True)]
        code.line(f"return ({' '.join(value + ',' for value in values)})")
        return self._function(code, types.Tuple(ts))

    def _from_words(self, code: Code, t: ValType, words: list[str]) -> str:
        """The Python value for the words of a flat value."""
        match t:
            case types.Primitive(name="string"):
                start, length, *_ = words
                return f"context.{self._lists}.text({start}, {length})"
            case types.Primitive(name=name):
                return _OF_WORD.get(name, "{}").format(words[0])
            case types.List() | types.Map():
                start, length, *_ = words  # more of them in a variant that has a longer case
                return self._shared(code, t, start, length)
            case types.Enum():
                return f"{code.constant(tuple(self._members(t).values()))}[{words[0]}]"
            case types.Flags():
                bits = [member.value for member in self._members(t).values()]
                return f"{code.constant(FlagsOfWord(self._classes.of(t), bits))}[{words[0]}]"
            case types.Record():
                return f"{code.constant(self._classes.of(t))}({self._in_turn(code, types.children(t), words)})"
            case types.Tuple():
                return f"({self._in_turn(code, t.elements, words)})"
            case types.Option(payload=payload):
                some = f"{code.constant(Some)}" if isinstance(payload, types.Option) else ""
                return f"({some}({self._from_words(code, payload, words[1:])}) if {words[0]} else None)"
            case types.Result():
                cases = [(Ok, t.ok), (Err, t.err)]
            case types.Variant():
                classes = case_classes(self._classes.of(t), t)
                cases = [(classes[name], payload) for name, payload in t.cases]
            case _:
                return f"{code.constant(self._handles.to_python(t))}({words[0]}, context)"
        *firsts, last = [self._case_from_words(code, case, payload, words[1:]) for case, payload in cases]
        chain = "".join(f"{value} if {words[0]} == {index} else " for index, value in enumerate(firsts))
        return f"({chain}{last})"

    def _in_turn(self, code: Code, ts: Sequence[ValType], words: list[str]) -> str:
        flat = iter(words)
        return "".join(self._from_words(code, t, list(islice(flat, len(words_of(t))))) + ", " for t in ts)

    def _case_from_words(self, code: Code, case: type, payload: ValType | None, words: list[str]) -> str:
        if payload is None:
            return code.constant(case())
        return f"{code.constant(case)}({self._from_words(code, payload, words)})"

    def _code(self) -> Code:
        return Code(string_at=string_at, name_at=name_at)

    def _function(self, code: Code, t: ValType) -> Callable[[int, CallContext], Any]:
        function: Callable[[int, CallContext], Any] = code.function(
            f"to_python {self._classes.describe(t)}", "address, context"
        )
        return function

    def _return(self, code: Code, t: ValType, wrapper: str = "") -> None:
        (words,) = self._block(code, [t], "address", _VAL_GAP)
        code.line(f"return {wrapper}({self._expression(code, t, words)})")

    def _block(self, code: Code, ts: Sequence[ValType], address: str, gap: str) -> list[list[str]]:
        """Reads a block of values that follow each other; the names of the words of each."""
        layouts = [self._handles.layout(t) for t in ts]
        words = [code.variables(_WORDS.get(layout, 1)) for layout in layouts]
        code.unpack(chain.from_iterable(words), self._unpacked(code, layouts, address, gap))
        return words

    def _unpacked(self, code: Code, layouts: list[str], address: str, gap: str) -> str:
        block = make_struct("".join(gap + layout for layout in layouts))
        return f"{code.constant(block.unpack)}({code.constant(block_at(block.size))}({address}))"

    def _expression(self, code: Code, t: ValType, words: list[str]) -> str:
        """The Python value for the words of a C value."""
        *_, pointer = words
        match t:
            case types.Primitive(name="string"):
                size = words[0]
                short = f"name_at[{size}]({pointer}).raw"
                long = f"string_at({pointer}, {size})"
                return f"({short} if {size} < 256 else {long}).decode()"
            case types.Primitive(name="char"):
                return f"chr({pointer})"
            case types.Primitive():
                return pointer
            case types.List() | types.Map() if self._lists and types.is_plain_list(t):
                (start,), (length,) = self._block(code, (types.U32, types.U32), pointer, _VAL_GAP)
                return self._shared(code, t, start, length)
            case types.List():
                return self._list(code, t.element, *words)
            case types.Map():
                return f"dict({self._list(code, t.pairs.element, *words)})"
            case types.Record():
                fields = self._block(code, types.children(t), pointer, _ENTRY_GAP)
                values = self._expressions(code, types.children(t), fields)
                return f"{code.constant(self._classes.of(t))}({', '.join(values)})"
            case types.Tuple():
                return self._tuple(code, t.elements, pointer)
            case types.Variant():
                return f"{code.constant(self._cases(t))}[name_at[{words[0]}]({words[1]}).raw]({pointer}, context)"
            case types.Enum():
                return f"{code.constant(self._members(t))}[name_at[{words[0]}]({pointer}).raw]"
            case types.Flags():
                bits = {name: member.value for name, member in self._members(t).items()}
                flags = code.constant(Flags(self._classes.of(t)))
                return f"{code.constant(_flags)}({flags}, {code.constant(bits)}, {words[0]}, {pointer})"
            case types.Option():
                return f"{code.constant(self._present(t.payload))}({pointer}, context) if {pointer} else None"
            case types.Result():
                ok = self._wrapped(Ok, t.ok)
                err = self._wrapped(Err, t.err)
                return f"({code.constant(ok)} if {words[0]} else {code.constant(err)})({pointer}, context)"
        return f"{code.constant(self._handles.to_python(t))}({pointer}, context)"

    def _shared(self, code: Code, t: types.List | types.Map, start: str, length: str) -> str:
        """A plain list in shared memory."""
        return f"{code.constant(self._reader(t))}(context.{self._lists}, {start}, {length})"

    def _list(self, code: Code, element: ValType, size: str, pointer: str) -> str:
        if element == types.U8:
            return f"string_at({pointer}, {VAL_SIZE} * {size})[{VAL_OF}::{VAL_SIZE}]"
        if isinstance(element, types.Primitive) and element.name in plancode.BULK:
            number = array_code(element.name)
            return f"{code.constant(_numbers)}({number!r}, {make_struct(number).size}, {size}, {pointer})"
        if isinstance(element, types.Own | types.Borrow) and self._handles.is_hosts(element):
            read = code.constant(self._handles.to_python(element))
            return f"{code.constant(_list_of_words)}({read}, {size}, {pointer}, context)"
        return f"{code.constant(_list)}({code.constant(self.plan(element))}, {size}, {pointer}, context)"

    def _tuple(self, code: Code, elements: Sequence[ValType], pointer: str) -> str:
        if elements and all(map(is_number, elements)):
            return self._unpacked(code, [self._handles.layout(t) for t in elements], pointer, _VAL_GAP)
        words = self._block(code, elements, pointer, _VAL_GAP)
        values = self._expressions(code, elements, words)
        return f"({' '.join(f'{value},' for value in values)})"

    def _expressions(self, code: Code, elements: Sequence[ValType], words: list[list[str]]) -> Iterator[str]:
        return (self._expression(code, t, inner) for t, inner in zip(elements, words, strict=True))

    def _wrapped(self, wrapper: type, payload: ValType | None) -> ToPython:
        """A plan for a payload inside an object such as `Ok`."""
        if payload is None:
            constant = wrapper()
            return lambda address, context: constant
        code = self._code()
        self._return(code, payload, code.constant(wrapper))
        return self._function(code, payload)

    def _present(self, payload: ValType) -> ToPython:
        is_nested = isinstance(payload, types.Option)
        return self._wrapped(Some, payload) if is_nested else self.plan(payload)

    def _cases(self, t: types.Variant) -> dict[bytes, ToPython]:
        classes = case_classes(self._classes.of(t), t)
        return {name.encode(): self._wrapped(classes[name], payload) for name, payload in t.cases}

    def _members(self, t: types.Enum | types.Flags) -> dict[bytes, Any]:
        cls = self._classes.of(t)
        return {name.encode(): getattr(cls, upper_snake_case(name)) for name in t.names}
