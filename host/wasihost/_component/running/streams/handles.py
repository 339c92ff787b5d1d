"""The handles inside a Python value: they must be dropped or closed if the value is not taken."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from wasihost._base.streams import Source
from wasihost._component.running.streams import incoming
from wasihost._component.values import Ok, attribute, snake_case
from wasihost._component.world import types


def discard(t: types.ValType, value: Any) -> None:
    """Drops the resources inside a value that no guest gets, and closes the streams and futures."""
    for leaf, obj in leaves(t, value):
        if isinstance(leaf, types.Own) and hasattr(obj, "drop"):
            obj.drop()
        elif isinstance(obj, Source):
            obj.close(None)
        elif isinstance(obj, incoming.Reader | incoming.FutureReader) or (
            isinstance(leaf, types.Future) and asyncio.iscoroutine(obj)
        ):
            obj.close()


def leaves(t: types.ValType, value: Any) -> Iterator[tuple[types.ValType, Any]]:
    """Every handle inside a value, in the order in which plans meet them, with its type."""
    match t:
        case types.Own() | types.Borrow() | types.Stream() | types.Future():
            yield t, value
        case types.List(element=element) if _holds_handles(element):
            for item in value:
                yield from leaves(element, item)
        case types.Map(value=of_values) if _holds_handles(of_values):
            for item in value.values():
                yield from leaves(of_values, item)
        case types.Tuple(elements=elements):
            for inner, item in zip(elements, value, strict=False):
                yield from leaves(inner, item)
        case types.Record(fields=fields):
            for name, inner in fields:
                yield from leaves(inner, attribute(value, snake_case(name)))
        case types.Option(payload=payload):
            if value is not None:
                yield from leaves(payload, value.value if isinstance(payload, types.Option) else value)
        case types.Result(ok=ok, err=err):
            inner_type = ok if isinstance(value, Ok) else err
            if inner_type is not None:
                yield from leaves(inner_type, value.value)
        case types.Variant(cases=cases):
            payload_type = dict(cases).get(attribute(value, "case", ""))
            if payload_type is not None:
                yield from leaves(payload_type, attribute(value, "value"))


def _holds_handles(t: types.ValType) -> bool:
    """To be asked where there may be many values: to look at a few takes no longer."""
    return types.contains(t, (types.Own, types.Borrow, types.Stream, types.Future))
