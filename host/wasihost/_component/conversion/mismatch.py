"""Describes the mistake in a Python value that is not one of its WIT type.

Runs only after a plan refused the value, so it may be slow; the rules are those of `frompython`.
"""

from __future__ import annotations

import enum
import operator
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from wasihost._component.conversion.frompython import (
    EnumTable,
    FlagsTable,
    char_code,
    tuple_of,
    unwrap,
)
from wasihost._component.conversion.handles import Refused
from wasihost._component.conversion.numbers import octets, pairs, sequence
from wasihost._component.values import Classes, Err, Ok, attribute, snake_case
from wasihost._component.world import types
from wasihost._component.world.types import ValType

INTEGERS: Final = {
    **{f"u{bits}": (0, 2**bits - 1) for bits in (8, 16, 32, 64)},
    **{f"s{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)},
}

_HANDLES = (types.Own, types.Borrow, types.Stream, types.Future)

Step: TypeAlias = str | int
"""From a value to a part of it: in words, or the number of an element."""
Part: TypeAlias = tuple[Step, ValType | None, Any]
"""A part of a value: where it is, its type (None: it must be None), and itself."""


class _Wrong(Exception):
    """The value that was found, if more can be said than its Python type."""


class Mismatch:
    """Finds the first part of a value that does not fit."""

    def __init__(self, classes: Classes, resource_classes: Mapping[types.Resource, type]) -> None:
        self._classes = classes
        self._resource_classes = resource_classes

    def message(
        self, t: ValType | None, value: Any, where: str = "", names: Sequence[str] = (), refused: Refused | None = None
    ) -> str | None:
        """Such as "field port: expected u16 (0..65535), got 'str'"; None if nothing is wrong.

        `where` is the place of the value itself. With the `names` of parameters, the value is the tuple of their
        arguments. `refused` is about a resource, stream or future, whose rules are not known here.
        """
        found = self._find(t, value, refused)
        if found is None:
            return None
        steps, wrong = found
        if names and isinstance(steps[0], int):
            steps = (f"argument {names[steps[0]]}", *steps[1:])
        words = (f"element {step}" if isinstance(step, int) else step for step in (where, *steps))
        return ": ".join(filter(None, [", ".join(filter(None, words)), wrong]))

    def _find(self, t: ValType | None, value: Any, refused: Refused | None) -> tuple[tuple[Step, ...], str] | None:
        """The path to the mistake, and its description."""
        if refused is not None and value is refused.obj and isinstance(t, _HANDLES):
            wanted = f" ({refused.wanted})" if refused.wanted else ""
            return (), f"expected {self._expected(t)}{wanted}, got {refused.found}"
        try:
            parts = list(self._parts(t, value))
        except _Wrong as wrong:
            return (), f"expected {self._expected(t)}, got {wrong}"
        except Exception:
            return (), f"expected {self._expected(t)}, got {type(value).__name__!r}"
        for step, inner, part in parts:
            if found := self._find(inner, part, refused):
                return (step, *found[0]), found[1]
        return None

    def _expected(self, t: ValType | None) -> str:
        if t is None:
            return "no value (None)"
        text = self._classes.describe(t)
        if text in INTEGERS:
            low, high = INTEGERS[text]
            return f"{text} ({low}..{high})"
        if isinstance(t, types.Own | types.Borrow) and t.resource in self._resource_classes:
            return f"{text} ({self._resource_classes[t.resource].__name__})"
        return text

    def _parts(self, t: ValType | None, value: Any) -> Iterator[Part]:
        """The parts of a value; raises if the value itself is wrong."""
        match t:
            case None if value is not None:
                raise TypeError
            case types.Primitive(name=name):
                _check_primitive(name, value)
            case types.List(element=element):
                yield from _list(element, value)
            case types.Map():
                yield from _map(t, value)
            case types.Record(fields=fields):
                yield from ((f"field {name}", field, _attribute(value, snake_case(name))) for name, field in fields)
            case types.Tuple(elements=elements):
                yield from _tuple(elements, value)
            case types.Variant():
                yield from _variant(t, value)
            case types.Enum():
                self._check_enum(t, value)
            case types.Flags():
                self._check_flags(t, value)
            case types.Option(payload=payload) if value is not None:
                yield "", payload, unwrap(value) if isinstance(payload, types.Option) else value
            case types.Result():
                yield from _result(t, value)
            case types.Own(resource=resource) | types.Borrow(resource=resource):
                if not isinstance(value, self._resource_classes.get(resource, object)):
                    raise TypeError

    def _check_enum(self, t: types.Enum, value: Any) -> None:
        cls = self._classes.of(t)
        try:
            EnumTable(t, cls)[value]
        except KeyError:
            raise (_Wrong(_shown(value)) if isinstance(value, str | cls) else TypeError) from None

    def _check_flags(self, t: types.Flags, value: Any) -> None:
        try:
            FlagsTable(t, self._classes.of(t)).names(value)
        except ValueError:
            raise _Wrong(str(value)) from None
        except KeyError as error:
            if isinstance(value, enum.Flag):
                raise
            raise _Wrong(f"the name {_shown(error.args[0])}") from None


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _attribute(value: Any, name: str) -> Any:
    if isinstance(value, Mapping):
        if name not in value:
            raise _Wrong(f"a mapping without {name!r}")
    elif not hasattr(value, name):
        raise _Wrong(f"{type(value).__name__!r}, which has no attribute {name}")
    return attribute(value, name)


def _check_primitive(name: str, value: Any) -> None:
    if name in INTEGERS:
        low, high = INTEGERS[name]
        number = operator.index(value)
        if not low <= number <= high:
            raise _Wrong(hex(number) if number.bit_length() > 64 else str(number))
    elif name in ("f32", "f64"):
        try:
            struct.pack("=f" if name == "f32" else "=d", value)  # the native "f" makes infinity of too much
        except OverflowError:
            raise _Wrong(f"a {type(value).__name__} that is too large") from None
    elif name == "bool":
        if value.__class__ is not bool:
            raise TypeError
    elif name == "char":
        _check_text(value)
        if len(value) != 1:
            raise _Wrong(_shown(value))
        char_code(value)
    else:
        _check_text(value)


def _check_text(value: Any) -> None:
    try:
        str.encode(value)
    except UnicodeEncodeError:
        raise _Wrong("a str with a lone surrogate") from None


def _list(element: ValType, value: Any) -> Iterator[Part]:
    if element == types.U8 and not isinstance(value, list | tuple):
        try:
            octets(value)
        except ValueError:
            pass  # a sequence of integers, one of which is too large
        else:
            return
    for i, part in enumerate(sequence(value)):
        yield i, element, part


def _map(t: types.Map, value: Any) -> Iterator[Part]:
    for key, part in pairs(value):
        yield "key", t.key, key
        yield f"value of {_shown(key)}", t.value, part


def _tuple(elements: tuple[ValType, ...], value: Any) -> Iterator[Part]:
    found = tuple_of(value)
    if len(found) != len(elements):
        raise _Wrong(f"{len(found)} elements")
    for i, (t, part) in enumerate(zip(elements, found, strict=True)):
        yield i, t, part


def _variant(t: types.Variant, value: Any) -> Iterator[Part]:
    case = _attribute(value, "case")
    payloads = dict(t.cases)
    if case not in payloads:
        raise _Wrong(f"the case {_shown(case)}")
    payload = payloads[case]
    if payload is not None:
        yield f"case {case}", payload, _attribute(value, "value")


def _result(t: types.Result, value: Any) -> Iterator[Part]:
    if not isinstance(value, Ok | Err):
        raise TypeError
    is_ok = isinstance(value, Ok)
    yield "ok" if is_ok else "err", t.ok if is_ok else t.err, value.value
