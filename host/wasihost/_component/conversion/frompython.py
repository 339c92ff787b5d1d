"""Generates the plans from Python objects to C values.

A value is first made in `bytes` objects of Python's, which point to one another and which `keep` keeps alive; only the
finished whole is cloned into Wasmtime's own memory. So a value that turns out wrong half way leaves nothing to free. A
number by itself points to nothing and is written in place. Nothing is checked for its own sake here: `struct`, `array`
and the tables of cases refuse a wrong value, and then `mismatch` finds the mistake.

The plan of `record pair { a: u8, b: list<u32> }`:

    def plan(value, keep, context):
        x0 = value
        try: x1 = x0.a; x2 = x0.b
        except AttributeError: x0 = c3(x0); x1 = x0.a; x2 = x0.b
        x3 = c5('u32', 'I', 4, x2)
        x4 = c7(c4, 2, x1, c6, 13, len(x3) // 32, hold_array(keep, x3))
        return c8(14, len(x4) // 48, (keep.append(x5 := x4) or id(x5) + AT))

`c3` makes an object of a mapping. `c5` makes the C values of all numbers of the list. `c7`, a `Struct.pack`, makes
those of the two fields, whose names are `c4` and `c6`; 2, 13 and 14 are the kinds u8, list and record. `c8` packs the
record, which points to its fields.
"""

from __future__ import annotations

import ctypes
import enum
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias, cast

from wasihost._component.conversion import plancode
from wasihost._component.conversion.handles import CallContext, Handles
from wasihost._component.conversion.numbers import Placer, Shared, array_code, as_array, octets, pairs, sequence
from wasihost._component.conversion.plancode import Code, make_struct, name_bytes
from wasihost._component.ffi import KINDS, RECORD_ENTRY_SIZE, VAL_OF, VAL_SIZE
from wasihost._component.values import Classes, Err, Ok, Some, snake_case, upper_snake_case
from wasihost._component.world import types
from wasihost._component.world.types import ValType

Pack: TypeAlias = Callable[[Any, list[bytes], CallContext], bytes]
"""The 32 bytes of a C value; blocks that they point to are added to the second argument."""

# ---- the rules for Python values, shared with `mismatch`


def char_code(value: Any) -> int:
    """The number of a one-character str; TypeError or ValueError for anything else."""
    if not isinstance(value, str):
        raise TypeError
    code = ord(value)
    if 0xD800 <= code <= 0xDFFF:
        raise ValueError("a surrogate")
    return code


def tuple_of(value: Any) -> Sequence[Any]:
    """The value if it can be taken for a tuple, else TypeError."""
    if isinstance(value, tuple | list):
        return value
    raise TypeError


def unwrap(value: Any) -> Any:
    """The content of a `Some`, TypeError for anything else."""
    if isinstance(value, Some):
        return value.value
    raise TypeError


class EnumTable(dict[Any, Any]):
    """The result of `form` for each member of an enum's class, and each WIT name. KeyError for anything else."""

    def __init__(self, t: types.Enum, cls: type, form: Callable[[str], Any] = str) -> None:
        for name in t.names:
            self[name] = self[getattr(cls, upper_snake_case(name))] = form(name)

    def __missing__(self, key: Any) -> Any:
        if isinstance(key, enum.Enum) and isinstance(key.value, str) and key.value in self:
            return self[key.value]  # a member of another class for the same WIT type
        raise KeyError(key)


class FlagsTable:
    """Turns members of a flags class or of another class with these names, and collections of WIT names. TypeError,
    ValueError or KeyError for anything else."""

    def __init__(self, t: types.Flags, cls: type) -> None:
        self._cls = cls
        self._numbers: dict[str | None, int] = {upper_snake_case(name): n for n, name in enumerate(t.names)}
        self._by_name = {name: n for n, name in enumerate(t.names)}
        self._names = [name_bytes(name) for name in t.names]
        self._bits = [(getattr(cls, upper_snake_case(name)).value, n) for n, name in enumerate(t.names)]
        self._unknown = ~sum(bit for bit, _ in self._bits)

    def names(self, value: Any) -> bytes:
        """The C values' block with the names of the flags that are set."""
        return b"".join([self._names[number] for number in self._set(value)])

    def bits(self, value: Any) -> int:
        """The memory form."""
        return sum(1 << number for number in self._set(value))

    def _set(self, value: Any) -> list[int]:
        """Which flags are set, in the order of the WIT."""
        if not isinstance(value, self._cls):
            if isinstance(value, set | frozenset | list | tuple):
                return sorted({self._by_name[name] for name in value})
            if not isinstance(value, enum.Flag):
                raise TypeError
            return [self._numbers[member.name] for member in value]
        bits: int = value.value  # type: ignore[attr-defined]
        if bits & self._unknown:
            raise ValueError
        return [number for bit, number in self._bits if bits & bit]


# ---- parts of values

_enum: Final = make_struct("B7x16s8x")
_unit: Final = {name: make_struct("B31x").pack(KINDS[name]) for name in KINDS}


def _list(pack: Pack, value: Any, keep: list[bytes], context: Any) -> bytes:
    return b"".join([pack(element, keep, context) for element in sequence(value)])


def _hold_array(keep: list[Any], block: bytearray) -> int:
    """`Code.hold` for a block that is large: it is not copied for being `bytes`."""
    keep.append(block)
    return ctypes.addressof(ctypes.c_char.from_buffer(block)) if block else 0


def _bytes(value: Any) -> bytearray:
    data = octets(value)
    block = bytearray(_unit["u8"]) * len(data)
    block[VAL_OF::VAL_SIZE] = data
    return block


def _numbers(name: str, code: str, width: int, value: Any) -> bytearray:
    numbers = as_array(name, value)
    block = bytearray(_unit[name]) * len(numbers)
    memoryview(block).cast(cast(Any, code))[VAL_OF // width :: VAL_SIZE // width] = memoryview(numbers)
    return block


class FromPythonCode:
    """The generator, which keeps its results.

    Its methods for types give the layout of a C value, kind included, and the source of the values in it.
    """

    def __init__(
        self,
        classes: Classes,
        handles: Handles,
        lists: Shared | None,
        placer: Callable[[types.List | types.Map], Placer],
    ) -> None:
        self._classes = classes
        self._handles = handles
        self._lists = lists
        self._placer = placer
        self._packs: dict[ValType, Pack] = {}

    def pack(self, t: ValType) -> Pack:
        """A function that makes the 32 bytes of a C value."""
        if t not in self._packs:
            code = self._code()
            layout, parts = self._parts(code, t, "value")
            code.line(f"return {self._packed(code, layout, parts)}")
            self._packs[t] = self._function(code, t)
        return self._packs[t]

    def number(self, t: types.Primitive) -> Callable[[Any, int], None]:
        """A function that writes the C value of a number at an address. It points to nothing, so nothing is cloned."""
        code = self._code()
        layout, parts = self._parts(code, t, "value")
        pack_into = code.constant(make_struct(layout).pack_into)
        block = code.constant(plancode.block_at(VAL_SIZE))
        code.line(f"{pack_into}({block}(address), 0, {', '.join(parts)})")
        write: Callable[[Any, int], None] = code.function(f"from_python {t.name}", "value, address")
        return write

    def result_case(self, t: types.Result, is_ok: bool) -> Pack:
        """A function from a payload to the C value of a result."""
        payload = t.ok if is_ok else t.err
        code = self._code()
        pointer = self._payload(code, payload, "value")
        layout = "B7x" + plancode.RESULT
        code.line(f"return {self._packed(code, layout, [str(KINDS['result']), str(is_ok), pointer])}")
        return self._function(code, t)

    def _code(self) -> Code:
        return Code(encode=str.encode, hold_array=_hold_array)

    def _function(self, code: Code, t: ValType) -> Pack:
        pack: Pack = code.function(f"from_python {self._classes.describe(t)}", "value, keep, context")
        return pack

    def _packed(self, code: Code, layout: str, parts: list[str]) -> str:
        if layout == "32s":
            return parts[0]
        return f"{code.constant(make_struct(layout).pack)}({', '.join(parts)})"

    def _parts(self, code: Code, t: ValType, value: str) -> tuple[str, list[str]]:
        match t:
            case types.Primitive():
                return self._primitive(code, t.name, value)
            case types.List() | types.Map() if self._lists and types.is_plain_list(t):
                return self._placed(code, t, value)
            case types.List(element=types.Primitive(name=name)) if name == "u8" or name in plancode.BULK:
                return self._vector(code, t, VAL_SIZE, self._bulk(code, name, value), is_array=True)
            case types.List():
                plan = code.constant(self.pack(t.element))
                return self._vector(code, t, VAL_SIZE, f"{code.constant(_list)}({plan}, {value}, keep, context)")
            case types.Map():
                return self._parts(code, t.pairs, f"{code.constant(pairs)}({value})")
            case types.Record():
                return self._record(code, t, value)
            case types.Tuple():
                return self._tuple(code, t, value)
            case types.Variant():
                value = code.let(value)
                (case,) = code.fields(value, ["case"])
                return "32s", [f"{code.constant(self._cases(t))}[{case}]({value}, keep, context)"]
            case types.Enum():
                table = EnumTable(t, self._classes.of(t), lambda name: _enum.pack(KINDS["enum"], name_bytes(name)))
                return "32s", [f"{code.constant(table)}[{value}]"]
            case types.Flags():
                names = FlagsTable(t, self._classes.of(t)).names
                return self._vector(code, t, len(name_bytes("")), f"{code.constant(names)}({value})")
            case types.Option():
                return self._option(code, t.payload, code.let(value))
            case types.Result():
                value = code.let(value)
                cases = {Ok: self.result_case(t, True), Err: self.result_case(t, False)}
                return "32s", [f"{code.constant(cases)}[{value}.__class__]({value}.value, keep, context)"]
        return self._handle(code, t, value)

    def _placed(self, code: Code, t: types.List | types.Map, value: str) -> tuple[str, list[str]]:
        """A plain list in shared memory, as its pointer and length."""
        pair = code.variables(2)
        code.unpack(pair, f"{code.constant(self._placer(t))}({value}, context.{self._lists})")
        layout, parts = self._tuple(code, types.Tuple((types.U32, types.U32)), f"({', '.join(pair)})")
        return layout, parts

    def _primitive(self, code: Code, name: str, value: str) -> tuple[str, list[str]]:
        kind = str(KINDS[name])
        if name == "string":
            text = code.let(f"encode({value})")
            return "B7x" + plancode.VECTOR, [kind, f"len({text})", code.hold(text)]
        if name == "bool":
            value = code.let(value)
            code.line(f"if {value}.__class__ is not bool: raise TypeError")
        elif name == "char":
            value = f"{code.constant(char_code)}({value})"
        return "B7x" + plancode.NUMBERS[name], [kind, value]

    def _vector(self, code: Code, t: ValType, width: int, block: str, is_array: bool = False) -> tuple[str, list[str]]:
        """A list, record, tuple or flags whose elements of that width are in a block."""
        block = code.let(block)
        kind = KINDS[type(t).__name__.lower()]
        pointer = f"hold_array(keep, {block})" if is_array else code.hold(block)
        return "B7x" + plancode.VECTOR, [str(kind), f"len({block}) // {width}", pointer]

    def _bulk(self, code: Code, name: str, value: str) -> str:
        if name == "u8":
            return f"{code.constant(_bytes)}({value})"
        number = array_code(name)
        return f"{code.constant(_numbers)}({name!r}, {number!r}, {make_struct(number).size}, {value})"

    def _record(self, code: Code, t: types.Record, value: str) -> tuple[str, list[str]]:
        value = code.let(value)
        layouts = ""
        parts = []
        values = code.fields(value, [snake_case(name) for name, _ in t.fields])
        for (name, field), given in zip(t.fields, values, strict=True):
            layout, inner = self._parts(code, field, given)
            layouts += "16s" + layout
            parts += [code.constant(name_bytes(name)), *inner]
        return self._vector(code, t, RECORD_ENTRY_SIZE, self._packed(code, layouts, parts))

    def _tuple(self, code: Code, t: types.Tuple, value: str) -> tuple[str, list[str]]:
        value = code.let(value)
        code.line(f"if {value}.__class__ is not tuple: {code.constant(tuple_of)}({value})")
        elements = code.variables(len(t.elements))
        code.unpack(elements, value)
        layouts = ""
        parts = []
        for element, name in zip(t.elements, elements, strict=True):
            layout, inner = self._parts(code, element, name)
            layouts += layout
            parts += inner
        return self._vector(code, t, VAL_SIZE, self._packed(code, layouts, parts))

    def _payload(self, code: Code, payload: ValType | None, value: str) -> str:
        """The address of a payload; 0 where there is none."""
        if payload is None:
            code.line(f"if {value} is not None: raise TypeError")
            return "0"
        return code.hold(self._packed(code, *self._parts(code, payload, value)))

    def _option(self, code: Code, payload: ValType, value: str) -> tuple[str, list[str]]:
        inner = f"{code.constant(unwrap)}({value})" if isinstance(payload, types.Option) else value
        block = f"{code.constant(self.pack(payload))}({inner}, keep, context)"
        pointer = f"0 if {value} is None else {code.hold(block)}"
        return "B7x" + plancode.POINTER, [str(KINDS["option"]), pointer]

    def _cases(self, t: types.Variant) -> dict[str, Pack]:
        return {name: self._case(t, name, payload) for name, payload in t.cases}

    def _case(self, t: types.Variant, name: str, payload: ValType | None) -> Pack:
        code = self._code()
        pointer = "0" if payload is None else self._payload(code, payload, "value.value")
        parts = [str(KINDS["variant"]), code.constant(name_bytes(name)), pointer]
        code.line(f"return {self._packed(code, 'B7x16sQ', parts)}")
        return self._function(code, t)

    def _handle(self, code: Code, t: ValType, value: str) -> tuple[str, list[str]]:
        layout = self._handles.layout(t)
        kind = KINDS["u32" if layout == plancode.U32 else "resource"]
        return "B7x" + layout, [
            str(kind),
            f"{code.constant(self._handles.from_python(t))}({value}, keep, context)",
        ]
