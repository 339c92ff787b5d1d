"""Results in the canonical ABI's memory form, read back with the definitions of CanonicalABI.md."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import junk, val_types, values
from wasihost._base.errors import ProviderError
from wasihost._component.conversion.numbers import NoRoom, SharedLists, needed
from wasihost._component.conversion.plans import Plans
from wasihost._component.running.memory import LinearMemory
from wasihost._component.values import Classes, Columns, Err, Ok, Some, case_names, upper_snake_case
from wasihost._component.world import layout, types
from wasihost._component.world.types import ValType

PAGE, ROOM = 65536, 4096
INTEGERS = {"u8": "B", "s8": "b", "u16": "H", "s16": "h", "u32": "I", "s32": "i", "u64": "Q", "s64": "q"}
FLOATS = {"f32": "f", "f64": "d"}


class Results:
    """Writes results, and loads what was written."""

    def __init__(self, t: ValType, classes: Classes) -> None:
        self.t, self.classes, self.numbers = t, classes, SharedLists()
        self.numbers.memory = LinearMemory(16 * PAGE, 16 * PAGE, PAGE)
        size_of = needed(t, whole=True)
        self._size_of = size_of or (lambda _value: 0)
        self.writers = Plans(classes).return_to_memory(t, 1016, 8)

    def __enter__(self) -> Results:
        return self

    def __exit__(self, *_: object) -> None:
        self.numbers.memory.pages.close()

    def give(self, value: Any, less: int = 0) -> None:
        """Writes a value into as much room as it needs, but so many bytes."""
        self.numbers.give_room(ROOM, self._size_of(value) - less)
        if isinstance(self.t, types.Result):
            self.writers[isinstance(value, Err)](value.value, self.numbers)
        else:
            self.writers[0](value, self.numbers)

    def needs(self, value: Any) -> int:
        return self._size_of(value)

    def load(self) -> Any:
        return self._load(self.t, 1024)

    def _unpack(self, code: str, at: int) -> Any:
        return struct.unpack_from("<" + code, self.numbers.memory.pages, at)[0]

    def _load(self, t: ValType, at: int) -> Any:
        assert at % layout.alignment(t) == 0
        match t:
            case types.Primitive(name="bool"):
                return {0: False, 1: True}[self._unpack("B", at)]
            case types.Primitive(name="char"):
                return chr(self._unpack("I", at))
            case types.Primitive(name="string"):
                start, length = self._unpack("I", at), self._unpack("I", at + 4)
                return self.numbers.memory.pages[start : start + length].decode()
            case types.Primitive(name=name):
                return self._unpack((INTEGERS | FLOATS)[name], at)
            case types.List(element=element):
                start, length = self._unpack("I", at), self._unpack("I", at + 4)
                found = [self._load(element, start + i * layout.size(element)) for i in range(length)]
                return bytes(found) if element == types.U8 else found
            case types.Map():
                return dict(self._load(t.pairs, at))
            case types.Record():
                return self.classes.of(t)(*self._fields(t, at))
            case types.Tuple():
                return tuple(self._fields(t, at))
            case types.Flags(names=names):
                bits = self._unpack({1: "B", 2: "H", 4: "I"}[layout.size(t)], at)
                cls = self.classes.of(t)
                members = [getattr(cls, upper_snake_case(n)) for i, n in enumerate(names) if bits >> i & 1]
                return cls(sum(member.value for member in members))
        return self._load_case(t, at)

    def _fields(self, t: types.Record | types.Tuple, at: int) -> Iterator[Any]:
        for inner, offset in zip(types.children(t), layout.offsets(t), strict=True):
            yield self._load(inner, at + offset)

    def _load_case(self, t: ValType, at: int) -> Any:
        cases = types.cases(t)
        assert cases is not None
        number = self._unpack({1: "B", 2: "H", 4: "I"}[layout.discriminant_size(len(cases))], at)
        inner = cases[number]
        payload = [] if inner is None else [self._load(inner, at + layout.payload_offset(t))]
        match t:
            case types.Enum(names=names):
                return getattr(self.classes.of(t), upper_snake_case(names[number]))
            case types.Option(payload=nested):
                return None if not payload else Some(*payload) if isinstance(nested, types.Option) else payload[0]
            case types.Result():
                return (Ok, Err)[number](*payload)
            case types.Variant():
                words = [name for name, _ in t.cases]
                return getattr(self.classes.of(t), case_names(words)[words[number]])(*payload)
        raise AssertionError(t)


@pytest.mark.slow
@given(st.data())
def test_every_value_of_every_type_is_written_in_its_memory_form(data: st.DataObject) -> None:
    t, classes = data.draw(val_types()), Classes(types.Interface({}))
    with Results(t, classes) as results:
        for _ in range(3):
            value = data.draw(values(t, classes))
            results.numbers.memory.pages[1016:2048] = b"\xff" * 1032
            results.give(value)
            found = results.load()
            # repr too: 1 == True and 0.0 == -0.0
            assert (found, repr(found)) == (value, repr(value))
            assert results.numbers.memory.pages[1016:1024] == bytes(8)
            assert results.numbers.memory.pages[1024 + layout.size(t)] == 0xFF


@pytest.mark.slow
@given(st.data())
def test_a_value_that_needs_room_is_refused_without(data: st.DataObject) -> None:
    t, classes = data.draw(val_types()), Classes(types.Interface({}))
    with Results(t, classes) as results:
        value = data.draw(values(t, classes))
        if results.needs(value):
            with pytest.raises(NoRoom):
                results.give(value, less=results.needs(value))


@pytest.mark.slow
@given(st.data())
def test_a_long_list_is_written_in_its_memory_form(data: st.DataObject) -> None:
    t, classes = data.draw(val_types()), Classes(types.Interface({}))
    some = data.draw(st.lists(values(t, classes), min_size=1, max_size=3))
    value = (some * 13)[:13]
    with Results(types.List(t), classes) as results:
        results.give(bytes(value) if t == types.U8 else value)
        found = list(results.load())
        assert (found, repr(found)) == (value, repr(value))


@pytest.mark.parametrize(
    ("t", "right", "wrong"),
    [
        (types.Tuple((types.U8, types.STRING)), (1, "x"), (1,)),
        (types.Tuple((types.U8, types.STRING)), (1, "x"), "xy"),
        (types.List(types.U16), [1, 2], [1, -2]),
        (types.STRING, "x", b"x"),
        (types.CHAR, "x", "xy"),
        (types.BOOL, True, 1),
    ],
)
def test_a_wrong_element_far_behind_is_found(t: ValType, right: Any, wrong: Any) -> None:
    with Results(types.List(t), Classes(types.Interface({}))) as results:
        results.numbers.give_room(ROOM, PAGE)
        (write,) = results.writers
        with pytest.raises(ProviderError, match=r"element 20\b.*expected"):
            write([*[right] * 20, wrong], results.numbers)


@given(val_types(), junk())
def test_anything_else_is_refused_with_a_reason(t: ValType, value: Any) -> None:
    with Results(t, Classes(types.Interface({}))) as results:
        results.numbers.give_room(ROOM, PAGE)
        for write in results.writers:
            try:
                write(value, results.numbers)
            except ProviderError as error:
                assert "expected" in str(error)  # noqa: PT017, it may be taken as well
            else:
                results.load()


@pytest.mark.parametrize("count", [1, 20])
def test_mappings_stand_for_records_and_variants_in_short_and_long_lists(count: int) -> None:
    shape = types.Variant((("dot", None), ("line", types.List(types.U32))))
    t = types.List(types.Record((("name", types.STRING), ("shape", shape))))
    classes: Any = Classes(types.Interface({"shape": shape, "named": t.element}))
    named, line = classes.named["named"], classes.named["shape"].Line
    objects = [named("x", line([1, 2])), *[named("y", classes.named["shape"].Dot())] * count]
    with Results(t, classes) as results:
        results.give([*objects[:-1], asdict(objects[-1])])
        assert results.load() == objects
        results.give([asdict(each) for each in objects])
        assert results.load() == objects


@pytest.mark.parametrize("count", [2, 20])
def test_records_given_by_columns_are_written_as_records(count: int) -> None:
    point = types.Record((("x", types.U32), ("label", types.STRING)))
    t = types.List(point)
    classes = Classes(types.Interface({"point": point}))
    labels = ["ä", *"b" * (count - 1)]
    with Results(t, classes) as results:
        results.give(Columns(classes.of(point), range(count), labels))
        assert results.load() == list(map(classes.of(point), range(count), labels))


def test_what_is_wrong_with_an_error_is_said() -> None:
    with Results(types.Result(None, types.U8), Classes(types.Interface({}))) as results:
        write, write_error = results.writers
        with pytest.raises(ProviderError, match=r"err: expected u8 \(0\.\.255\), got 256"):
            write_error(256, results.numbers)
        with pytest.raises(ProviderError, match=r"expected no value \(None\), got 'int'"):
            write(1, results.numbers)


def test_a_long_list_is_not_converted_before_there_is_room() -> None:
    class Counted(list[int]):
        looked = 0

        def __iter__(self) -> Iterator[int]:
            self.looked += 1
            return super().__iter__()

    value = Counted(range(100))
    with Results(types.List(types.U16), Classes(types.Interface({}))) as results:
        with pytest.raises(NoRoom):
            results.give(value, less=8)
        assert not value.looked
        assert results.numbers.memory.pages[ROOM : ROOM + 200] == bytes(200)
