"""Lists of numbers in a memory that Python sees."""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import val_types, values
from wasihost._base.errors import InternalError, ProviderError
from wasihost._base.streams import byte_view
from wasihost._component import ffi
from wasihost._component.conversion.numbers import SharedLists, as_array, needed, placer, reader
from wasihost._component.conversion.plans import Plans
from wasihost._component.running.memory import LinearMemory
from wasihost._component.values import Classes, Err, Some
from wasihost._component.world import types
from wasihost._component.world.types import ValType

CLASSES = Classes(types.Interface({}))


def context_of(numbers: SharedLists) -> Any:
    return SimpleNamespace(adapter_lists=numbers)


BYTES, U16S, F64S = types.List(types.U8), types.List(types.U16), types.List(types.F64)


@pytest.fixture
def numbers() -> SharedLists:
    found = SharedLists()
    found.memory = LinearMemory(65536, 1 << 20, 65536)
    return found


class Val:
    """Space for a C value; what it holds is freed at the end."""

    def __enter__(self) -> int:
        self._space = ctypes.create_string_buffer(ffi.VAL_SIZE)
        return ctypes.addressof(self._space)

    def __exit__(self, *_: object) -> None:
        ffi.val_delete(ctypes.addressof(self._space))


def shared_round_trip(numbers: SharedLists, t: ValType, value: Any) -> Any:
    """Through room that is as large as `needed` says."""
    plans = Plans(CLASSES, lists="adapter_lists")
    size_of = needed(t)
    numbers.give_room(1024, size_of(value) if size_of else 0)
    with Val() as address:
        plans.from_python(t)(value, address, context_of(numbers))
        return plans.to_python(t)(address, context_of(numbers))


@pytest.mark.slow
@given(st.data())
def test_the_room_that_is_needed_is_enough(data: st.DataObject) -> None:
    numbers = SharedLists()
    numbers.memory = LinearMemory(1 << 20, 1 << 20, 65536)
    t = data.draw(val_types())
    value = data.draw(values(t, CLASSES))
    assert shared_round_trip(numbers, t, value) == value


@pytest.mark.parametrize(
    ("t", "value", "size"),
    [
        (BYTES, b"", 0),
        (BYTES, b"123456789", 16),
        (BYTES, memoryview(bytes(6)).cast("B", (2, 3)), 8),
        (U16S, (1, 2), 8),
        (U16S, array("Q", [1, 2, 3, 4, 5]), 16),
        (types.Option(F64S), None, 0),
        (types.Option(types.Option(F64S)), Some([1.0]), 8),
        (types.Result(BYTES, U16S), Err([1]), 8),
        (types.Result(BYTES, None), Err(), 0),
        (types.List(BYTES), [b"a", b"b"], 32),
        (types.List(types.BOOL), [True], 8),
        (types.List(types.STRING), ["a", "bc"], 32),
        (types.Map(types.CHAR, types.U32), {"a": 1}, 8),
        (types.Tuple((types.STRING, types.List(types.STRING))), ("not here", ["a"]), 16),
        (types.Tuple((types.U8, BYTES)), (5, b"a"), 8),
        (types.Record((("a", BYTES), ("b", types.STRING))), SimpleNamespace(a=b"a", b="b"), 8),
        (types.Variant((("a", BYTES), ("b", None))), SimpleNamespace(case="a", value=b"a"), 8),
        (types.Variant((("a", BYTES), ("b", None))), SimpleNamespace(case="b"), 0),
    ],
)
def test_every_list_takes_a_multiple_of_eight_bytes(t: ValType, value: Any, size: int) -> None:
    size_of = needed(t)
    assert size_of is not None
    assert size_of(value) == size


@pytest.mark.parametrize("t", [types.STRING, types.List(types.Stream(BYTES)), types.Stream(BYTES), None])
def test_nothing_is_needed_for_other_types(t: ValType | None) -> None:
    assert needed(t) is None


@pytest.mark.parametrize(
    ("t", "value"),
    [
        (BYTES, [256]),
        (BYTES, "text"),
        (BYTES, None),
        (U16S, [-1]),
        (U16S, {1}),
        (types.List(types.F32), [1e300]),
        (F64S, ["1"]),
        (types.Tuple((BYTES, BYTES)), (b"right", 5)),
    ],
)
def test_wrong_values_are_refused_wherever_they_should_go(numbers: SharedLists, t: ValType, value: Any) -> None:
    for plans in (Plans(CLASSES), Plans(CLASSES, lists="adapter_lists")):
        numbers.give_room(1024, 0)
        with pytest.raises(ProviderError, match="expected"):
            plans.from_python(t)(value, 0, context_of(numbers))


def test_a_list_that_grew_after_its_size_was_taken_is_not_written(numbers: SharedLists) -> None:
    numbers.give_room(1024, 8)
    with pytest.raises(ValueError, match="there is room for 8 bytes, not for 9"):
        Plans(CLASSES, lists="adapter_lists").from_python(BYTES)(bytes(9), 0, context_of(numbers))
    assert bytes(numbers.memory.pages[1024:2048]) == bytes(1024)


@pytest.mark.parametrize(("pointer", "size"), [(65536 - 8, 16), (1028, 8)])
def test_room_outside_of_the_memory_is_refused(numbers: SharedLists, pointer: int, size: int) -> None:
    with pytest.raises(InternalError, match="no room for"):
        numbers.give_room(pointer, size)


@pytest.mark.parametrize("name", ["u8", "f64"])
def test_a_list_outside_of_the_memory_is_not_read(numbers: SharedLists, name: str) -> None:
    with pytest.raises(InternalError, match="outside of the memory"):
        reader(name)(numbers, 65529, 8)


def test_a_list_is_read_behind_the_first_size_of_a_memory_that_has_grown(numbers: SharedLists) -> None:
    assert isinstance(numbers.memory, LinearMemory)
    numbers.memory.grow(131072)
    numbers.give_room(131064, 8)
    placer(BYTES)(b"12345678", numbers)
    assert reader("u8")(numbers, 131064, 8) == b"12345678"


def test_what_was_read_does_not_change_with_the_memory(numbers: SharedLists) -> None:
    numbers.give_room(1024, 8)
    placer(BYTES)(b"before", numbers)
    found = reader("u8")(numbers, 1024, 6)
    numbers.give_room(1024, 8)
    placer(BYTES)(b"behind", numbers)
    assert type(found) is bytes
    assert found == b"before"


@pytest.mark.parametrize(
    "kind",
    [
        lambda value: array("b", value),  # a view of it is as one of pyarrow.Buffer
        lambda value: memoryview(value).cast("b"),
        lambda value: memoryview(value).cast("c"),
        lambda value: memoryview(value).cast("?"),
        lambda value: (ctypes.c_ubyte * len(value)).from_buffer_copy(value),
        lambda value: (ctypes.c_byte * len(value)).from_buffer_copy(value),
        lambda value: memoryview(bytes(each for byte in value for each in (byte, 0))).cast("b")[::2],
    ],
)
def test_any_bytes_like_object_is_a_list_of_u8(kind: Callable[[bytes], Any]) -> None:
    data = bytes(range(100))
    assert bytes(as_array("u8", kind(data))) == data
    assert bytes(byte_view(kind(data))) == data


def test_bytes_of_signed_numbers_are_those_of_their_memory() -> None:
    assert bytes(as_array("u8", array("b", [-1, 1]))) == b"\xff\1"


def test_views_of_greater_numbers_are_no_list_of_u8() -> None:
    with pytest.raises(TypeError):
        as_array("u8", array("H", [1, 2]))


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, list, tuple, lambda value: array("B", value)])
def test_any_sequence_of_numbers_will_do(kind: Callable[[bytes], Any]) -> None:
    assert bytes(as_array("u8", kind(b"\1\2"))) == b"\1\2"
    assert list(as_array("u16", kind(b"\1\2"))) == [1, 2]
    assert list(as_array("f32", kind(b"\1\2"))) == [1.0, 2.0]


@pytest.mark.parametrize(("name", "code"), [("s64", "q"), ("s64", "l"), ("f64", "d"), ("f32", "f"), ("u16", "H")])
def test_a_buffer_of_numbers_of_the_type_is_not_copied(name: str, code: str) -> None:
    numbers = array(code, [1, 2])
    found = as_array(name, numbers)
    assert isinstance(found, memoryview)
    assert found.tolist() == [1, 2]
    numbers[0] = 3
    assert found[0] == 3


@pytest.mark.parametrize("value", [array("q"), memoryview(array("q", [1, 0, 2, 0]))[::2], array("i", [1, 2])])
def test_other_buffers_are_sequences_of_numbers(value: Any) -> None:
    assert list(as_array("s64", value)) == list(value)


def test_a_buffer_of_another_kind_of_numbers_is_refused() -> None:
    with pytest.raises(TypeError):
        as_array("s64", array("d", [1, 2]))
