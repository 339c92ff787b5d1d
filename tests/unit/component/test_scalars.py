"""The memory form of arguments and results that are numbers."""

from __future__ import annotations

import struct

import pytest

from wasihost._component.conversion import scalars
from wasihost._component.world import types


def test_arguments_stand_as_in_a_tuple() -> None:
    form = scalars.arguments(types.Tuple((types.U8, types.S64, types.F32, types.U16)))
    assert form.pack(1, -2, 1.5, 3) == struct.pack("<B7xqfH", 1, -2, 1.5, 3)


@pytest.mark.parametrize(
    ("t", "value"), [(types.U8, 255), (types.S8, -1), (types.U32, 2**32 - 1), (types.S64, -(2**63)), (types.F64, 0.1)]
)
def test_a_result_stands_at_the_beginning_of_8_bytes(t: types.Primitive, value: float) -> None:
    form = scalars.result(t)
    assert form.size == 8
    assert form.unpack(form.pack(value)) == (value,)


def test_no_result_is_8_bytes_that_say_nothing() -> None:
    assert scalars.result(None).unpack(bytes(8)) == ()
