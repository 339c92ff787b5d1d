"""Generates the plans from Python objects to the canonical ABI's memory form, in a memory that Python sees.

They are for values without handles, and take a fourth of the time that C values take: nothing is allocated for the
parts of a value. Lists and strings inside of a value go where `SharedLists` has room. As in `frompython`,
nothing is checked for its own sake, and `mismatch` finds the mistake.

The plan of `record pair { a: u8, b: list<u32> }`, for the address 100:

    def plan(value, lists):
        x0 = value
        try: x1 = x0.a; x2 = x0.b
        except AttributeError: x0 = c3(x0); x1 = x0.a; x2 = x0.b
        x3, x4, = c4(x2, lists)
        c5(lists.memory.pages, 100, x1, x3, x4)

`c3` makes an object of a mapping. `c4` places the numbers of the list and gives their pointer and length. `c5`, a
`Struct.pack_into`, writes them behind `a`, in the memory that `lists`, the `SharedLists`, knows.

The elements of a long list are written column by column, so that the work for each of them is done by `map`. For
those of a `list<pair>`, where `c2` gets the fields, `c3` places a list, and `c4` is a `Struct.pack`:

    def plan(value, lists):
        x0, x1, = c2(value)
        x2, x3, = zip(*map(c3, x1, repeat(lists)))
        return b''.join(map(c4, x0, x2, x3))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import repeat
from operator import attrgetter
from typing import Any, Final, TypeAlias

from wasihost._base.errors import InternalError
from wasihost._component.conversion import plancode
from wasihost._component.conversion.frompython import EnumTable, FlagsTable, char_code, tuple_of, unwrap
from wasihost._component.conversion.numbers import Placer, SharedLists, pairs, placer, sequence
from wasihost._component.conversion.plancode import Code, make_struct
from wasihost._component.values import Classes, Columns, Err, Ok, snake_case
from wasihost._component.world import layout, types
from wasihost._component.world.types import ValType

ToBytes: TypeAlias = Callable[[Any, SharedLists], bytes]
"""The memory form of a value, after its parts were placed."""
PartsOf: TypeAlias = Callable[[Code, ValType, str], tuple[str, list[str]]]
"""A callable that gives formats and sources: of one value, or of a column."""
_UNSIGNED: Final = {1: "B", 2: "H", 4: "I"}
_POINTER: Final = "II"  # and length
_LONG: Final = 12
"""So many elements are written sooner by column than one by one."""


class ToMemoryCode:
    """The generator, which keeps its results.

    Its methods for types give the format of the memory form, padding included, and the source of the values in it.
    """

    def __init__(self, classes: Classes) -> None:
        self._classes = classes
        self._plans: dict[tuple[ValType, int | None], ToBytes] = {}

    def writer(self, t: ValType, case: int | None, address: int, zeros: int) -> Callable[[Any, SharedLists], None]:
        """A function that writes so many zeros at an address, and a value behind them; of a `case` its payload."""
        code = self._code()
        format, parts = self._parts(code, t, "value", case)
        pack_into = code.constant(make_struct(f"{zeros}x{format}").pack_into)
        code.line(f"{pack_into}({', '.join(['lists.memory.pages', str(address), *parts])})")
        write: Callable[[Any, SharedLists], None] = self._function(code, t)
        return write

    def arguments(self, t: types.Tuple) -> Callable[[tuple[Any, ...], SharedLists, int], None]:
        """A function that writes arguments at an address, and what they point to where there is room."""
        code = self._code()
        format, parts = self._parts(code, t, "value")
        pack_into = code.constant(make_struct(format).pack_into)
        code.line(f"{pack_into}({', '.join(['lists.memory.pages', 'address', *parts])})")
        write: Callable[[tuple[Any, ...], SharedLists, int], None] = code.function(
            f"to_memory {self._classes.describe(t)}", "value, lists, address"
        )
        return write

    def placer(self, t: types.List | types.Map) -> Placer:
        """A function that places a plain list or map, and what it points to."""
        if isinstance(t, types.List) and types.is_numbers(t):
            return placer(t)
        code = self._code()
        _, parts = self._parts(code, t, "value")
        code.line(f"return {', '.join(parts)}")
        place: Placer = self._function(code, t)
        return place

    def _plan(self, t: ValType, case: int | None = None, value: str = "value") -> ToBytes:
        """A function from `value` to the memory form of the value that an expression gives; of a `case` its payload."""
        if (t, case) not in self._plans:
            code = self._code()
            format, parts = self._parts(code, t, value, case)
            code.line(f"return {code.constant(make_struct(format).pack)}({', '.join(parts)})")
            self._plans[t, case] = self._function(code, t)
        return self._plans[t, case]

    def _code(self) -> Code:
        return Code(encode=str.encode, repeat=repeat)

    def _function(self, code: Code, t: ValType) -> Any:
        return code.function(f"to_memory {self._classes.describe(t)}", "value, lists")

    def _parts(self, code: Code, t: ValType, value: str, case: int | None = None) -> tuple[str, list[str]]:
        if case is not None:
            return self._case_parts(code, t, case, value)
        match t:
            case types.Primitive():
                return self._primitive(code, t.name, value)
            case types.List() if types.is_numbers(t):
                pair = code.variables(2)
                code.unpack(pair, f"{code.constant(placer(t))}({value}, lists)")
                return _POINTER, pair
            case types.List(element=element):
                elements = code.let(value)
                code.line(f"if {elements}.__class__ is not list: {elements} = {code.constant(sequence)}({elements})")
                block = code.let(f"{code.constant(self._elements(element))}({elements}, lists)")
                return _POINTER, [f"lists.place({block}, len({block}))", f"len({elements})"]
            case types.Map():
                return self._parts(code, t.pairs, f"{code.constant(pairs)}({value})")
            case types.Record():
                value = code.let(value)
                return self._in_turn(code, t, code.fields(value, [snake_case(name) for name, _ in t.fields]))
            case types.Tuple():
                value = code.let(value)
                code.line(f"if {value}.__class__ is not tuple: {code.constant(tuple_of)}({value})")
                names = code.variables(len(t.elements))
                code.unpack(names, value)
                return self._in_turn(code, t, names)
            case types.Flags():
                bits = FlagsTable(t, self._classes.of(t)).bits
                return _UNSIGNED[layout.size(t)], [f"{code.constant(bits)}({value})"]
            case types.Enum():
                numbers = {name: number for number, name in enumerate(t.names)}
                table = EnumTable(t, self._classes.of(t), numbers.__getitem__)
                return _UNSIGNED[layout.size(t)], [f"{code.constant(table)}[{value}]"]
        value = code.let(value)
        case_of = code.fields(value, ["case"])[0] if isinstance(t, types.Variant) else ""
        return f"{layout.size(t)}s", [self._variant(code, t, value, case_of)]

    def _primitive(self, code: Code, name: str, value: str) -> tuple[str, list[str]]:
        if name == "string":
            text = code.let(f"encode({value})")
            return _POINTER, [f"lists.place({text}, len({text}))", f"len({text})"]
        if name == "bool":
            value = code.let(value)
            code.line(f"if {value}.__class__ is not bool: raise TypeError")
        elif name == "char":
            value = f"{code.constant(char_code)}({value})"
        return plancode.NUMBERS[name][0], [value]

    def _in_turn(
        self, code: Code, t: types.Record | types.Tuple, values: list[str], parts_of: PartsOf | None = None
    ) -> tuple[str, list[str]]:
        """The content of a record or tuple."""
        format = ""
        parts = []
        end = 0
        for child, offset, value in zip(types.children(t), layout.offsets(t), values, strict=True):
            inner, more = (parts_of or self._parts)(code, child, value)
            format += f"{offset - end}x{inner}"
            parts += more
            end = offset + layout.size(child)
        return f"{format}{layout.size(t) - end}x", parts

    def _elements(self, t: ValType) -> ToBytes:
        """A function from a list to the memory form of its elements, compiled anew for the first that is long."""
        each = self._plan(t)
        by_column: ToBytes | None = None

        def elements(values: Any, lists: SharedLists) -> bytes:
            nonlocal by_column
            if len(values) >= _LONG:
                by_column = by_column or self._by_column(t)
                start = lists.next
                try:
                    return by_column(values, lists)
                except AttributeError:  # mappings, which are written one by one
                    lists.next = start
            return b"".join(map(each, values, repeat(lists)))

        return elements

    def _by_column(self, t: ValType) -> ToBytes:
        code = self._code()
        format, columns = self._columns(code, t, "value")
        code.line(f"return b''.join(map({', '.join([code.constant(make_struct(format).pack), *columns])}))")
        write: ToBytes = self._function(code, types.List(t))
        return write

    def _columns(self, code: Code, t: ValType, values: str) -> tuple[str, list[str]]:
        """The format of one element, and for each part of it the source of those of all; `values` are iterated once."""
        match t:
            case types.Primitive(name="string"):
                columns = code.variables(2)
                code.unpack(columns, f"lists.place_texts({values})")
                return _POINTER, columns
            case types.Primitive(name="char"):
                return plancode.NUMBERS["char"][0], [f"map({code.constant(char_code)}, {values})"]
            case types.Primitive(name=name) if types.is_number(t):
                return plancode.NUMBERS[name][0], [values]
            case types.List() if types.is_numbers(t):
                columns = code.variables(2)
                placed = f"map({code.constant(placer(t))}, {values}, repeat(lists))"
                code.unpack(columns, f"zip(*{placed})")
                return _POINTER, columns
            case types.Record(fields=[*fields]):
                getters = [attrgetter(snake_case(name)) for name, _ in fields]
                columns = code.variables(len(fields))
                code.unpack(columns, f"{code.constant(partial(_by_field, getters))}({values})")
                return self._in_turn(code, t, columns, self._columns)
            case types.Tuple():
                columns = code.variables(len(t.elements))
                code.unpack(columns, f"{code.constant(_by_position)}({values})")
                return self._in_turn(code, t, columns, self._columns)
            case types.Variant():
                return f"{layout.size(t)}s", [f"[{self._variant(code, t, 'each', 'each.case')} for each in {values}]"]
        return f"{layout.size(t)}s", [f"map({code.constant(self._plan(t))}, {values}, repeat(lists))"]

    def _variant(self, code: Code, t: ValType, value: str, case_of: str) -> str:
        """The source of the bytes of a variant, whose case that of `case_of` is, or the like."""
        match t:
            case types.Variant(cases=cases):
                named = {}
                bare = {}
                for number, (name, payload) in enumerate(cases):
                    if payload is None:
                        bare[name] = number.to_bytes(layout.size(t), "little")
                    else:
                        named[name] = self._plan(t, number, "value.value")
                written = f"{code.constant(named)}[{case_of}]({value}, lists)"
                return f"{code.constant(bare)}.get({case_of}) or {written}" if bare else written
            case types.Result():
                by_class = {cls: self._plan(t, number, "value.value") for number, cls in enumerate((Ok, Err))}
                return f"{code.constant(by_class)}[{value}.__class__]({value}, lists)"
            case types.Option(payload=payload):
                none = code.constant(bytes(layout.size(t)))
                content = f"{code.constant(unwrap)}({value})" if isinstance(payload, types.Option) else value
                return f"{none} if {value} is None else {code.constant(self._plan(t, 1))}({content}, lists)"
        raise InternalError(f"a handle in memory: {t}")

    def _case_parts(self, code: Code, t: ValType, case: int, value: str) -> tuple[str, list[str]]:
        """The content of a variant or the like in one case, whose payload is the value of an expression."""
        cases = types.cases(t) or ()
        width = layout.discriminant_size(len(cases))
        start = layout.payload_offset(t)
        payload = cases[case]
        format = ""
        parts = list[str]()
        end = width
        if payload is not None:
            format, parts = self._parts(code, payload, value)
            format = f"{start - width}x{format}"
            end = start + layout.size(payload)
        elif isinstance(t, types.Result):  # a case of a variant need not have the attribute
            code.line(f"if {value} is not None: raise TypeError")
        return f"{_UNSIGNED[width]}{format}{layout.size(t) - end}x", [str(case), *parts]


def _by_field(getters: Sequence[Callable[[Any], Any]], values: Iterable[Any]) -> Iterable[Iterable[Any]]:
    """The fields of some records, column by column; these getters get them from one record."""
    if isinstance(values, Columns):
        return values.fields
    values = list(values)
    return [map(get, values) for get in getters]


def _by_position(values: Iterable[Any]) -> Iterable[Any]:
    """The elements of some tuples, by position."""
    return zip(*[each if each.__class__ is tuple else tuple_of(each) for each in values], strict=True)
