"""Hypothesis strategies for WIT types and their values in Python."""

from __future__ import annotations

import enum
import functools
import math
from typing import Any

from hypothesis import strategies as st

from wasihost._component.conversion.mismatch import INTEGERS
from wasihost._component.values import Classes, Err, Ok, Some, case_names, upper_snake_case
from wasihost._component.world import types
from wasihost._component.world.types import ValType

PRIMITIVES = [
    *(types.Primitive(name) for name in INTEGERS),
    *(types.BOOL, types.CHAR, types.STRING, types.F32, types.F64),
]
KEYS = [t for t in PRIMITIVES if t.name not in ("f32", "f64")]
"""What a map may have as its keys."""
# Keywords of Python, words of its enums and dataclasses, and of our generated classes, are names like any other.
WORDS = ["a", "b2", "class", "none", "name", "value", "case", "self", "is", "true", "x", "error", "mro", "at"]


def names() -> st.SearchStrategy[str]:
    """A WIT name: kebab-case words."""
    return st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map("-".join)


def _name_tuples(max_size: int) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(names(), min_size=1, max_size=max_size, unique=True).map(tuple)


@st.composite
def _named(draw: st.DrawFn, inner: st.SearchStrategy[Any]) -> tuple[tuple[str, Any], ...]:
    return tuple((name, draw(inner)) for name in draw(_name_tuples(5)))


def _containers(inner: st.SearchStrategy[ValType]) -> st.SearchStrategy[ValType]:
    maybe = st.none() | inner
    return st.one_of(
        st.builds(types.List, inner),
        st.builds(types.Option, inner),
        st.builds(types.Map, st.sampled_from(KEYS), inner),
        st.builds(types.Result, maybe, maybe),
        st.builds(types.Tuple, st.lists(inner, min_size=1, max_size=5).map(tuple)),
        st.builds(types.Record, _named(inner)),
        st.builds(types.Variant, _named(maybe)),
    )


@functools.cache  # Hypothesis takes longer to look at it than to draw
def val_types(max_leaves: int = 8, *handles: ValType) -> st.SearchStrategy[ValType]:
    """Any type of a value; of resources, streams and futures only these."""
    simple = st.one_of(
        st.sampled_from(PRIMITIVES),
        st.builds(types.Enum, _name_tuples(6)),
        st.builds(types.Flags, _name_tuples(32)),
        st.sampled_from(handles) if handles else st.nothing(),
    )
    return st.recursive(simple, _containers, max_leaves=max_leaves)


def values(t: ValType, classes: Classes) -> st.SearchStrategy[Any]:
    """Values of a type, exactly as a plan reads them back; no NaN, which is not equal to itself."""
    match t:
        case types.Primitive(name=name):
            return _primitive(name)
        case types.List(element=types.Primitive(name="u8")):
            return st.binary(max_size=20)
        case types.List(element=element):
            return st.lists(values(element, classes), max_size=4)
        case types.Map(key=key, value=value):
            return st.dictionaries(values(key, classes), values(value, classes), max_size=4)
        case types.Tuple(elements=elements):
            return st.tuples(*(values(element, classes) for element in elements))
        case types.Record(fields=fields):
            return st.builds(classes.of(t), *(values(field, classes) for _, field in fields))
        case types.Variant():
            return _variant(t, classes)
        case types.Enum():
            members: Any = classes.of(t)
            return st.sampled_from(list(members))
        case types.Flags(names=names):
            return st.sets(st.sampled_from(names)).map(lambda chosen: _flags(classes.of(t), chosen))
        case types.Option(payload=payload):
            present = values(payload, classes)
            return st.none() | (present.map(Some) if isinstance(payload, types.Option) else present)
        case types.Result(ok=ok, err=err):
            return st.builds(Ok, _maybe(ok, classes)) | st.builds(Err, _maybe(err, classes))
    raise AssertionError(t)


def _primitive(name: str) -> st.SearchStrategy[Any]:
    match name:
        case "bool":
            return st.booleans()
        case "char":
            return st.characters(exclude_categories=["Cs"])
        case "string":
            return st.text(max_size=20)
        case "f32":
            return st.floats(width=32, allow_nan=False)
        case "f64":
            return st.floats(allow_nan=False)
    low, high = INTEGERS[name]
    return st.integers(low, high)


def _maybe(t: ValType | None, classes: Classes) -> st.SearchStrategy[Any]:
    return st.none() if t is None else values(t, classes)


def _variant(t: types.Variant, classes: Classes) -> st.SearchStrategy[Any]:
    cls, class_names = classes.of(t), case_names(name for name, _ in t.cases)
    return st.one_of(
        [
            st.builds(getattr(cls, class_names[name]), *([] if payload is None else [values(payload, classes)]))
            for name, payload in t.cases
        ]
    )


def _flags(cls: Any, chosen: set[str]) -> enum.Flag:
    found: enum.Flag = cls(0)
    for name in chosen:
        found |= cls[upper_snake_case(name)]
    return found


def junk() -> st.SearchStrategy[Any]:
    """Values that are mostly of no given type."""
    simple = st.one_of(
        st.none(),
        st.booleans(),
        st.sampled_from([-1, 255, 256, 2**16, 2**32, 2**64, 2**5000, -(2**63) - 1]),
        st.sampled_from([1.5, math.inf, math.nan, 1e300, 1j]),
        st.text(max_size=2),
        st.sampled_from(["\ud800", "ab\udfff", "none", b"", b"ab", bytearray(b"x"), memoryview(b"xy"), range(3)]),
        st.sampled_from([object(), type, Ok(), Err(1), Some(None), {}, {"a": 1}, set()]),
        st.builds(lambda: memoryview(b"wxyz").cast("I")),  # not hashable
    )
    return st.recursive(
        simple,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.lists(inner, max_size=3).map(tuple), st.builds(Ok, inner)
        ),
        max_leaves=4,
    )
