"""Values of a type beside values of another type of the same shape: making them, and comparing them."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from wasihost._component.values import Err, Ok, Some, snake_case
from wasihost._component.world import types
from wasihost._component.world.types import ValType

HANDLES = (types.Own, types.Borrow, types.Stream, types.Future)
Leaf = Callable[[ValType, Any], Any]


def without_handles(t: ValType) -> ValType:
    """`t` with a u32 for every handle: of that, Hypothesis makes values."""
    return types.substitute(t, lambda inner: types.U32 if isinstance(inner, HANDLES) else None)


def with_handles(t: ValType, value: Any, make: Leaf) -> Any:
    """The value of `t` for one of `without_handles(t)`, with what `make` gives for each handle.

    Records and variants become objects of no particular class, which is all that a plan asks for.
    """
    match t:
        case types.Own() | types.Borrow() | types.Stream() | types.Future():
            return make(t, value)
        case _ if not types.contains(t, HANDLES):
            return value
        case types.List(element=element):
            return [with_handles(element, item, make) for item in value]
        case types.Map(value=entry):
            return {key: with_handles(entry, item, make) for key, item in value.items()}
        case types.Tuple(elements=elements):
            return tuple(with_handles(inner, item, make) for inner, item in zip(elements, value, strict=True))
        case types.Record(fields=fields):
            names = [(snake_case(name), inner) for name, inner in fields]
            return SimpleNamespace(**{name: with_handles(inner, getattr(value, name), make) for name, inner in names})
        case types.Variant(cases=cases):
            payload = dict(cases)[value.case]
            inner = {} if payload is None else {"value": with_handles(payload, value.value, make)}
            return SimpleNamespace(case=value.case, **inner)
        case types.Option(payload=payload):
            if value is None or not isinstance(payload, types.Option):
                return None if value is None else with_handles(payload, value, make)
            return Some(with_handles(payload, value.value, make))
        case types.Result(ok=ok, err=err):
            payload = ok if isinstance(value, Ok) else err
            return value if payload is None else type(value)(with_handles(payload, value.value, make))
    raise AssertionError(t)


def same(t: ValType | None, a: Any, b: Any) -> bool:
    """Whether two values of `t` are equal, whatever their classes; a NaN is equal to any NaN."""
    match t:
        case None:
            return a is None and b is None
        case types.Primitive(name="f32" | "f64"):
            return (math.isnan(a) and math.isnan(b)) or (a == b and math.copysign(1, a) == math.copysign(1, b))
        case types.Primitive():
            return type(a) is type(b) and bool(a == b)
        case types.List(element=types.Primitive(name="u8")):
            return bytes(a) == bytes(b)
        case types.List(element=element):
            return len(a) == len(b) and all(same(element, x, y) for x, y in zip(a, b, strict=True))
        case types.Map(value=entry):
            return a.keys() == b.keys() and all(same(entry, a[key], b[key]) for key in a)
        case types.Tuple(elements=elements):
            return len(a) == len(b) == len(elements) and all(map(same, elements, a, b))
        case types.Record(fields=fields):
            names = [(snake_case(name), inner) for name, inner in fields]
            return all(same(inner, getattr(a, name), getattr(b, name)) for name, inner in names)
        case types.Variant(cases=cases):
            payload = dict(cases)[a.case]
            return a.case == b.case and (payload is None or same(payload, a.value, b.value))
        case types.Enum() | types.Flags():
            return bool(a.value == b.value)
        case types.Option(payload=types.Option() as payload):
            return (a is None) == (b is None) and (a is None or same(payload, a.value, b.value))
        case types.Option(payload=payload):
            return (a is None) == (b is None) and (a is None or same(payload, a, b))
        case types.Result(ok=ok, err=err):
            return type(a) is type(b) and same(ok if isinstance(a, Ok) else err, a.value, b.value)
    return a is b


__all__ = ["Err", "same", "with_handles", "without_handles"]
