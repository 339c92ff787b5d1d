"""Columns of a table as lists of numbers, and lists of numbers as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from wasihost._arrow.ipc import library
from wasihost._component.conversion.numbers import array_code
from wasihost._component.values import snake_case

_TYPES = {
    "s8": "int8",
    "u8": "uint8",
    "s16": "int16",
    "u16": "uint16",
    "s32": "int32",
    "u32": "uint32",
    "s64": "int64",
    "u64": "uint64",
    "f32": "float32",
    "f64": "float64",
}


def column(table: Any, name: str, number: str) -> Sequence[Any]:
    """A column as a list of that number type: its own memory, unless it is in several chunks.

    Its name is that of the parameter, as it is or in the form of Python. Errors: TypeError.
    """
    pa = library()
    found = next((each for each in (name, snake_case(name)) if each in table.column_names), None)
    if found is None:
        raise TypeError(f"the table has no column {snake_case(name)}: it has {', '.join(table.column_names)}")
    chunks = table.column(found)
    wanted = getattr(pa, _TYPES[number])()
    if chunks.type != wanted:
        raise TypeError(f"column {found} is {chunks.type}, and the parameter a list<{number}>: cast it to {wanted}")
    if chunks.null_count:
        raise TypeError(f"column {found} has {chunks.null_count} nulls, and a list<{number}> has none: fill them")
    array = chunks.chunk(0) if chunks.num_chunks == 1 else chunks.combine_chunks()
    if not len(array):
        return ()
    numbers = memoryview(array.buffers()[1]).cast("B").cast(cast(Any, array_code(number)))
    return numbers[array.offset : array.offset + len(array)]


def to_table(lists: Mapping[str, tuple[str, Sequence[Any]]]) -> Any:
    """The table whose columns have these names, number types and numbers."""
    pa = library()
    return pa.table({name: pa.array(numbers, getattr(pa, _TYPES[t])()) for name, (t, numbers) in lists.items()})
