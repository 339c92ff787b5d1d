"""How tables become the arguments of an export, and its result a table: by the types in its WIT.

| parameters | get |
|---|---|
| one `list<u8>` | the table as Arrow IPC |
| one `stream<u8>` | the same, message by message |
| lists of numbers | the columns with their names |
| one record of lists of numbers | the columns with the names of its fields |

| result | is |
|---|---|
| `list<u8>` or `stream<u8>` | a table as Arrow IPC |
| another list of numbers | a column with the name of the function |
| a record of lists of numbers | a table with its fields as columns |
| a `result` | its ok value; err raises `WitError` |
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeAlias

from wasihost._arrow import columns, ipc
from wasihost._base.errors import UnsupportedTypeError
from wasihost._base.frozen import Frozen
from wasihost._base.quoting import line
from wasihost._base.streams import GuestByteStream
from wasihost._component.instance import Instance, called_by
from wasihost._component.values import snake_case
from wasihost._component.world import types
from wasihost._component.world.types import U8, List, Record, Result, Stream, ValType
from wasihost._component.world.wiring import Called

Fields: TypeAlias = tuple[tuple[str, ValType], ...]
_BYTES = List(U8)
_STREAM = Stream(U8)


class Convention(Frozen):
    """How an export takes a table and gives one."""

    arguments: Callable[[Any], tuple[Any, ...]]
    table: Callable[[Any], Any]


async def call(instance: Instance, name: str, table: Any) -> Any:
    """Calls an export with a table, see the top of this module: the table that it returns."""
    convention = convention_of(called_by(instance, name))
    result = await instance.call(name, *convention.arguments(ipc.table_of(table)))
    if isinstance(result, GuestByteStream):
        result = b"".join([block async for block in result])
    return convention.table(result)


@lru_cache(maxsize=1024)
def convention_of(called: Called) -> Convention:
    """Errors: UnsupportedTypeError."""
    result = called.func.result
    if isinstance(result, Result):
        result = result.ok
    return Convention(_arguments(called, called.func.params), _table(called, result))


def _arguments(called: Called, params: Fields) -> Callable[[Any], tuple[Any, ...]]:
    match [t for _, t in params]:
        case [t] if t == _BYTES:
            return lambda table: (ipc.to_bytes(table),)
        case [t] if t == _STREAM:
            return lambda table: (ipc.to_stream(table),)
        case [Record(fields=fields)] if _are_lists(fields):
            return lambda table: ({snake_case(name): columns.column(table, name, t) for name, t in _numbers(fields)},)
    if params and _are_lists(params):
        numbers = _numbers(params)
        return lambda table: tuple(columns.column(table, name, t) for name, t in numbers)
    raise _unsupported(called, "takes no table")


def _table(called: Called, t: ValType | None) -> Callable[[Any], Any]:
    if t in (_BYTES, _STREAM):
        return ipc.from_bytes
    match t:
        case List(element=types.Primitive(name=number)) if number in types.NUMBERS:
            return lambda numbers: columns.to_table({snake_case(called.name): (number, numbers)})
        case Record(fields=fields) if _are_lists(fields):
            named = [(snake_case(name), number) for name, number in _numbers(fields)]
            return lambda record: columns.to_table({name: (t, getattr(record, name)) for name, t in named})
        case None:
            return lambda _: None
    raise _unsupported(called, "gives no table")


def _are_lists(fields: Fields) -> bool:
    return all(types.is_numbers(t) for _, t in fields)


def _numbers(fields: Fields) -> list[tuple[str, str]]:
    """The names of fields that are lists of numbers, with the types of these."""
    found = []
    for name, t in fields:
        assert isinstance(t, List)
        assert isinstance(t.element, types.Primitive)
        found.append((name, t.element.name))
    return found


def _unsupported(called: Called, what: str) -> UnsupportedTypeError:
    return UnsupportedTypeError(
        line(f"{called.path} {what}: expected list<u8> or stream<u8> with Arrow IPC, or lists of numbers as columns")
    )
