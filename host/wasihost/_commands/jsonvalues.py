"""Component values as JSON, for `wasihost run --invoke`.

| WIT | JSON |
|---|---|
| bool, integers, string, char | true and false, numbers, strings |
| f32, f64 | numbers; "NaN", "Infinity", "-Infinity" |
| list<u8> | {"base64": "…"}; given also as a string, of which it is the UTF-8, or as an array of numbers |
| list, tuple | arrays |
| map | an object if the keys are strings or chars, else an array of arrays with key and value |
| record | an object by the names of WIT; an option that is left out is null |
| enum; flags | the name; an array of names |
| variant | {"case": "…", "value": …}, without value where the case has none |
| option | the value or null; {"some": …} around the inner one of two |
| result inside a value | {"ok": …} or {"err": …} |
| stream | an array with all elements, for u8 as list<u8>; read to its end |
| future | its value |

Resources have no JSON.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import math
from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace
from typing import Any

from wasihost._base.errors import UnsupportedTypeError
from wasihost._component.conversion.mismatch import INTEGERS
from wasihost._component.values import Err, Ok, Some, flags_class, snake_case
from wasihost._component.world import types
from wasihost._component.world.types import ValType

_FLOATS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class JsonError(ValueError):
    """JSON that is not a value of its WIT type: its place, the expected form, and the value."""


def check(path: str, func: types.Func) -> None:
    """Refuses a function whose values have no JSON."""
    for t in func.types:
        for inner in types.walk(t):
            if isinstance(inner, types.Own | types.Borrow):
                raise UnsupportedTypeError(f"{path}: the resource {inner.resource.name} cannot be given as JSON")


# ---- from JSON


def from_json(t: ValType, value: Any, where: str) -> Any:
    """The Python value for a result of `json.loads`; `where` is for errors. Errors: JsonError."""
    match t:
        case types.Primitive(name=name):
            return _primitive(name, value, where)
        case types.List(element=types.U8):
            return _octets(value, where)
        case types.List(element=element):
            items = _expect(value, list, "an array", where)
            return [from_json(element, item, f"{where}[{i}]") for i, item in enumerate(items)]
        case types.Map():
            return _map(t, value, where)
        case types.Tuple(elements=elements):
            return _tuple(elements, value, where)
        case types.Record(fields=fields):
            return _record(dict(fields), value, where)
        case types.Enum(names=names):
            if value not in names:
                raise _wrong(where, " or ".join(map(repr, names)), value)
            return value
        case types.Flags(names=names):
            return _flags(names, value, where)
        case types.Variant(cases=cases):
            return _variant(dict(cases), value, where)
        case types.Option(payload=payload):
            return _option(payload, value, where)
        case types.Result(ok=ok, err=err):
            (word, inner), *_ = _only(value, ("ok", "err"), where).items()
            payload = ok if word == "ok" else err
            found = _maybe(payload, inner, f"{where}.{word}")
            return Ok(found) if word == "ok" else Err(found)
        case types.Stream(payload=payload):
            return _stream(payload, value, where)
        case types.Future(payload=payload):
            return _later(_maybe(payload, value, where))
    raise UnsupportedTypeError(f"{where}: no JSON for {t}")


def _maybe(t: ValType | None, value: Any, where: str) -> Any:
    if t is not None:
        return from_json(t, value, where)
    if value is not None:
        raise _wrong(where, "null", value)
    return None


def _wrong(where: str, expected: str, found: Any) -> JsonError:
    text = repr(found)
    return JsonError(f"{where}: expected {expected}, got {text if len(text) <= 60 else text[:57] + '...'}")


def _expect(value: Any, cls: type, expected: str, where: str) -> Any:
    if not isinstance(value, cls) or (isinstance(value, bool) and cls is not bool):
        raise _wrong(where, expected, value)
    return value


def _unicode(value: Any, expected: str, where: str) -> str:
    """A string without half of a surrogate pair, which JSON allows."""
    text: str = _expect(value, str, expected, where)
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise _wrong(where, f"{expected} of Unicode", value)
    return text


def _only(value: Any, words: Sequence[str], where: str) -> dict[str, Any]:
    """An object with exactly one of these keys."""
    if not isinstance(value, dict) or len(value) != 1 or not set(value) <= set(words):
        raise _wrong(where, " or ".join(f'{{"{word}": …}}' for word in words), value)
    return value


def _primitive(name: str, value: Any, where: str) -> Any:
    if name in INTEGERS:
        low, high = INTEGERS[name]
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise _wrong(where, f"{name} ({low}..{high})", value)
        return value
    if name in ("f32", "f64"):
        if isinstance(value, str) and value in _FLOATS:
            return _FLOATS[value]
        _expect(value, int | float, f"{name}, a number", where)  # type: ignore[arg-type]
        try:
            return float(value)
        except OverflowError:
            raise _wrong(where, f"{name}, a number", value) from None
    if name == "bool":
        return _expect(value, bool, "true or false", where)
    _unicode(value, f"{name}, a string", where)
    if name == "char" and len(value) != 1:
        raise _wrong(where, "char, a string of one character", value)
    return value


def _octets(value: Any, where: str) -> bytes:
    if isinstance(value, str):
        return _unicode(value, "a string", where).encode()
    if isinstance(value, list):
        return bytes(from_json(types.U8, item, f"{where}[{i}]") for i, item in enumerate(value))
    text = _only(value, ("base64",), where)["base64"]
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise _wrong(f"{where}.base64", "a string of Base64", text) from None


def _tuple(elements: Sequence[ValType], value: Any, where: str) -> tuple[Any, ...]:
    items = _expect(value, list, f"an array of {len(elements)}", where)
    if len(items) != len(elements):
        raise _wrong(where, f"an array of {len(elements)}", value)
    return tuple(from_json(t, item, f"{where}[{i}]") for i, (t, item) in enumerate(zip(elements, items, strict=True)))


def _record(fields: dict[str, ValType], value: Any, where: str) -> Any:
    _expect(value, dict, f"an object with {', '.join(fields)}", where)
    if unknown := set(value) - set(fields):
        raise JsonError(f"{where}: no field {sorted(unknown)[0]!r}; the fields are {', '.join(fields)}")
    for name, t in fields.items():
        if name not in value and not isinstance(t, types.Option):
            raise JsonError(f"{where}: the field {name} is missing")
    found = {name: from_json(t, value.get(name), f"{where}.{name}") for name, t in fields.items()}
    return SimpleNamespace(**{snake_case(name): inner for name, inner in found.items()})


def _flags(names: Sequence[str], value: Any, where: str) -> Any:
    for i, item in enumerate(_expect(value, list, "an array of names", where)):
        if item not in names:
            raise _wrong(f"{where}[{i}]", " or ".join(map(repr, names)), item)
    cls: Any = flags_class("Flags", types.Flags(tuple(names)))
    return cls(sum(1 << names.index(item) for item in set(value)))


def _variant(cases: dict[str, ValType | None], value: Any, where: str) -> Any:
    if not isinstance(value, dict) or not {"case"} <= set(value) <= {"case", "value"}:
        raise _wrong(where, '{"case": …} or {"case": …, "value": …}', value)
    case = value["case"]
    if not isinstance(case, str) or case not in cases:
        raise _wrong(f"{where}.case", " or ".join(map(repr, cases)), case)
    return SimpleNamespace(case=case, value=_maybe(cases[case], value.get("value"), f"{where}.value"))


def is_object(t: types.Map) -> bool:
    """Whether a map is a JSON object, whose keys are strings."""
    return t.key in (types.STRING, types.CHAR)


def _map(t: types.Map, value: Any, where: str) -> dict[Any, Any]:
    if not is_object(t):
        return dict(from_json(t.pairs, value, where))
    found = {}
    for key, item in _expect(value, dict, "an object", where).items():
        found[from_json(t.key, key, f"a key of {where}")] = from_json(t.value, item, f"{where}.{key}")
    return found


def _option(payload: ValType, value: Any, where: str) -> Any:
    if value is None:
        return None
    if isinstance(payload, types.Option):
        return Some(from_json(payload, _only(value, ("some",), where)["some"], f"{where}.some"))
    return from_json(payload, value, where)


async def _each(items: Sequence[Any]) -> AsyncIterator[Any]:
    for item in items:
        yield item


def _stream(payload: ValType | None, value: Any, where: str) -> AsyncIterator[Any]:
    if payload == types.U8:
        return _each([_octets(value, where)])
    items = _expect(value, list, "an array", where)
    return _each([_maybe(payload, item, f"{where}[{i}]") for i, item in enumerate(items)])


async def _later(value: Any) -> Any:
    return value


# ---- to JSON


async def to_json(t: ValType | None, value: Any) -> Any:
    """A value from a guest as `json.dumps` takes it; reads its streams to their ends, all at once."""
    match t:
        case None:
            return None
        case types.Primitive(name="f32" | "f64") if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case types.Primitive():
            return value
        case types.List(element=types.U8):
            return {"base64": base64.b64encode(value).decode()}
        case types.List(element=element):
            return await _all(*(to_json(element, item) for item in value))
        case types.Map():
            entries = await to_json(t.pairs, list(value.items()))
            return dict(entries) if is_object(t) else entries
        case types.Tuple(elements=elements):
            return await _all(*map(to_json, elements, value))
        case types.Record(fields=fields):
            items = await _all(*(to_json(inner, getattr(value, snake_case(name))) for name, inner in fields))
            return dict(zip((name for name, _ in fields), items, strict=True))
        case types.Enum():
            return value.value
        case types.Flags(names=names):
            return [name for bit, name in enumerate(names) if value.value & 1 << bit]
        case types.Variant(cases=cases):
            payload = dict(cases)[value.case]
            return {"case": value.case} | ({} if payload is None else {"value": await to_json(payload, value.value)})
        case types.Option(payload=types.Option() as inner) if value is not None:
            return {"some": await to_json(inner, value.value)}
        case types.Option(payload=payload):
            return None if value is None else await to_json(payload, value)
        case types.Result(ok=ok, err=err):
            is_ok = isinstance(value, Ok)
            return {"ok" if is_ok else "err": await to_json(ok if is_ok else err, value.value)}
        case types.Stream(payload=types.U8):
            return await to_json(types.List(types.U8), b"".join([chunk async for chunk in value]))
        case types.Stream(payload=payload):
            return [await to_json(payload, item) async for item in value]
        case types.Future(payload=payload):
            return await to_json(payload, await value)
    raise UnsupportedTypeError(f"no JSON for {t}")


async def _all(*parts: Any) -> list[Any]:
    return list(await asyncio.gather(*parts))
