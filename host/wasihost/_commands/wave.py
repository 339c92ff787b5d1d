"""Values as Wasmtime's command line has them: WAVE, `wasihost run --invoke 'f("a", [1, 2], {x: some(3)})'`.

Reading gives values that `jsonvalues` takes, and writing takes those that it gives: one place checks them. The grammar
is that of https://github.com/bytecodealliance/wasm-tools/tree/main/crates/wasm-wave.
"""

from __future__ import annotations

import base64
import ctypes
import json
import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

from wasihost._base.errors import UnsupportedTypeError
from wasihost._commands.jsonvalues import JsonError, is_object
from wasihost._component.world import types
from wasihost._component.world.types import ValType

T = TypeVar("T")

_BLANK = re.compile(r"(?:\s|//[^\n]*)*")
_LABEL = re.compile(r"%?[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*")
_EMPTY_RECORD = re.compile(r"\{\s*:\s*\}")
_NUMBER = re.compile(r"-?(?:inf(?![A-Za-z0-9-])|[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)")
_ESCAPE = r"\\(?:[tnr\"'\\]|u\{[0-9a-fA-F]{1,6}\})"
_QUOTED = {"string": re.compile(rf'"((?:[^"\\]|{_ESCAPE})*)"'), "char": re.compile(rf"'([^'\\]|{_ESCAPE})'")}
_LINES = re.compile(rf'"""((?:\r?\n(?:(?!\n *""")(?:[^"\\\n]|{_ESCAPE}|"(?!"")))*)*)\n( *)"""')
"""Lines between triple quotes; the last has nothing but the indentation of all."""
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r"}
_KEYWORDS = {"true", "false", "inf", "nan", "some", "none", "ok", "err"}
_FLOATS = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def check(path: str, func: types.Func) -> None:
    """Refuses a function whose values have no such form. Errors: UnsupportedTypeError."""
    for t in func.types:
        for inner in types.walk(t):
            if isinstance(inner, types.Stream | types.Future):
                name = type(inner).__name__.lower()
                raise UnsupportedTypeError(f"{path}: a {name} cannot be written in this form: give JSON arguments")


def read_arguments(text: str, params: Sequence[tuple[str, ValType]]) -> list[Any]:
    """The arguments of a call, `("a", 1)` with its parentheses, as JSON. Errors: JsonError."""
    return _Reader(text).arguments(params)


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def arguments(self, params: Sequence[tuple[str, ValType]]) -> list[Any]:
        found = self._list("(", ")", [partial(self._value, t) for _, t in params])
        self._skip_blanks()
        if self._at < len(self._text):
            raise self._wrong("the end of the call")
        return found

    # ---- values

    def _value(self, t: ValType) -> Any:
        match t:
            case types.Primitive(name=name):
                return self._primitive(name)
            case types.List(element=element):
                return self._many("[", "]", lambda: self._value(element))
            case types.Map():
                pairs = self._value(t.pairs)
                return dict(pairs) if is_object(t) else pairs
            case types.Tuple(elements=elements):
                return self._list("(", ")", [partial(self._value, element) for element in elements])
            case types.Record(fields=fields):
                return self._record(dict(fields))
            case types.Enum():
                return self._label("a name")
            case types.Flags():
                return self._many("{", "}", lambda: self._label("a name"))
            case types.Variant(cases=cases):
                name = self._label("a name of a case")
                payload = self._payload(dict(cases).get(name))
                return {"case": name} | ({} if payload is None else {"value": payload})
            case types.Option(payload=inner):
                return self._option(inner)
            case types.Result(ok=ok, err=err):
                return self._result(ok, err)
        raise UnsupportedTypeError(f"{t} cannot be written in this form")

    def _primitive(self, name: str) -> Any:
        if name in _QUOTED:
            is_long = name == "string" and self._is_at('"""')
            quoted = self._lines() if is_long else self._take(_QUOTED[name], f"a {name} in quotes")[1]
            try:
                return re.sub(_ESCAPE, _unescaped, quoted)
            except ValueError:
                raise self._wrong("escapes of Unicode characters before this") from None
        if name == "bool":
            label = self._label("true or false")
            return {"true": True, "false": False}.get(label, label)
        if name in ("f32", "f64") and self._next_is("nan"):
            return _FLOATS[self._label("nan")]
        text = self._take(_NUMBER, "a number")[0]
        try:
            return _FLOATS.get(text) or (float(text) if name in ("f32", "f64") else int(text))
        except ValueError:
            raise self._wrong("a whole number") from None

    def _lines(self) -> str:
        text, indentation = self._take(_LINES, "lines between triple quotes").groups()
        lines = re.split(r"\r?\n", text)[1:]
        if not all(line.startswith(indentation) for line in lines):
            raise self._wrong("lines indented as their end before this")
        return "\n".join(line.removeprefix(indentation) for line in lines)

    def _record(self, fields: dict[str, ValType]) -> dict[str, Any]:
        self._skip_blanks()
        if empty := _EMPTY_RECORD.match(self._text, self._at):
            self._at = empty.end()
            return {}
        return dict(self._many("{", "}", lambda: self._field(fields)))

    def _field(self, fields: dict[str, ValType]) -> tuple[str, Any]:
        name = self._label("a name of a field")
        self._mark(":")
        if name not in fields:
            raise self._wrong(f"one of the fields {', '.join(fields)} before this value")
        return name, self._value(fields[name])

    def _option(self, inner: ValType) -> Any:
        if self._next_is("none"):
            self._label("none")
            return None
        is_written = self._next_is("some") or isinstance(inner, types.Option | types.Result)
        if is_written and self._label("some or none") != "some":
            raise self._wrong("some or none")
        found = self._payload(inner) if is_written else self._value(inner)
        return {"some": found} if isinstance(inner, types.Option) else found

    def _result(self, ok: ValType | None, err: ValType | None) -> dict[str, Any]:
        if self._next_is("ok", "err") or ok is None or isinstance(ok, types.Option | types.Result):
            word = self._label("ok or err")
            return {word: self._payload(ok if word == "ok" else err)}
        return {"ok": self._value(ok)}

    def _payload(self, t: ValType | None) -> Any:
        if t is None:
            return None
        self._mark("(")
        found = self._value(t)
        self._mark(")")
        return found

    # ---- text

    def _skip_blanks(self) -> None:
        blank = _BLANK.match(self._text, self._at)
        assert blank
        self._at = blank.end()

    def _next_is(self, *words: str) -> bool:
        self._skip_blanks()
        found = _LABEL.match(self._text, self._at)
        return found is not None and found[0] in words

    def _is_at(self, mark: str) -> bool:
        self._skip_blanks()
        return self._text.startswith(mark, self._at)

    def _take(self, pattern: re.Pattern[str], expected: str) -> re.Match[str]:
        self._skip_blanks()
        found = pattern.match(self._text, self._at)
        if found is None:
            raise self._wrong(expected)
        self._at = found.end()
        return found

    def _label(self, expected: str) -> str:
        return self._take(_LABEL, expected)[0].removeprefix("%")

    def _mark(self, mark: str) -> None:
        if not self._is_at(mark):
            raise self._wrong(repr(mark))
        self._at += 1

    def _many(self, start: str, end: str, read: Callable[[], T]) -> list[T]:
        """All until `end`, with commas between them, and one behind the last if you like."""
        found: list[T] = []
        self._mark(start)
        while not self._is_at(end):
            found.append(read())
            if not self._is_at(end):
                self._mark(",")
        self._mark(end)
        return found

    def _list(self, start: str, end: str, reads: Sequence[Callable[[], Any]]) -> list[Any]:
        """As many as there are `reads`."""
        rest = iter(reads)

        def read() -> Any:
            reading = next(rest, None)
            if reading is None:
                raise self._wrong(f"{end!r} after {len(reads)}")
            return reading()

        found = self._many(start, end, read)
        if len(found) < len(reads):
            raise JsonError(f"in {self._text[: self._at][-30:]!r}: expected {len(reads)} values, got {len(found)}")
        return found

    def _wrong(self, expected: str) -> JsonError:
        rest = self._text[self._at :]
        found = repr(rest if len(rest) <= 30 else rest[:30] + "...") if rest else "the end"
        return JsonError(f"after {self._text[: self._at][-30:]!r}: expected {expected}, got {found}")


def _unescaped(escape: re.Match[str]) -> str:
    character = escape[0][1:]
    if character.startswith("u"):
        return chr(int(character[2:-1], 16)).encode().decode()  # which no surrogate goes through
    return _ESCAPES.get(character, character)


# ---- writing


def text(t: ValType | None, value: Any, encoding: str = "utf-8") -> str:
    """A value of `jsonvalues.to_json` as Wasmtime prints it, with escapes for characters that `encoding` lacks."""
    shown = _text(t, value)
    return "".join(c if c.encode(encoding, "ignore") else _escape(c) for c in shown)


def _text(t: ValType | None, value: Any) -> str:
    match t:
        case None:
            return "()"
        case types.Primitive(name=name):
            return _primitive_text(name, value)
        case types.List(element=types.U8):
            return f"[{', '.join(map(str, base64.b64decode(value['base64'])))}]"
        case types.List(element=element):
            return f"[{', '.join(_text(element, item) for item in value)}]"
        case types.Map():
            return _text(t.pairs, list(value.items()) if is_object(t) else value)
        case types.Tuple(elements=elements):
            return f"({', '.join(map(_text, elements, value))})"
        case types.Record(fields=fields):
            return f"{{{', '.join(_fields(fields, value)) or ':'}}}"
        case types.Enum():
            return _label_text(value)
        case types.Flags():
            return f"{{{', '.join(map(_label_text, value))}}}"
        case types.Variant(cases=cases):
            return _case(_label_text(value["case"]), dict(cases)[value["case"]], value.get("value"))
        case types.Option(payload=inner):
            some = value["some"] if isinstance(inner, types.Option) and value is not None else value
            return "none" if value is None else _case("some", inner, some)
        case types.Result(ok=ok, err=err):
            ((word, inner_value),) = value.items()
            return _case(word, ok if word == "ok" else err, inner_value)
    raise UnsupportedTypeError(f"{t} cannot be written in this form")


def _fields(fields: Sequence[tuple[str, ValType]], value: dict[str, Any]) -> Iterator[str]:
    for name, t in fields:
        if not (isinstance(t, types.Option) and value[name] is None):
            yield f"{_label_text(name)}: {_text(t, value[name])}"


def _case(word: str, payload: ValType | None, value: Any) -> str:
    return word if payload is None else f"{word}({_text(payload, value)})"


def _label_text(name: str) -> str:
    return f"%{name}" if name in _KEYWORDS else name


def _primitive_text(name: str, value: Any) -> str:
    if name in _QUOTED:
        quote = '"' if name == "string" else "'"
        return quote + "".join(map(_escaped, value)) + quote
    if name not in ("f32", "f64"):
        return json.dumps(value)
    if isinstance(value, str):
        return next(word for word, found in _FLOATS.items() if found == value)
    shortest = f"{_shortest_f32(value) if name == 'f32' else Decimal(repr(value)):f}"
    return shortest.removesuffix(".0")


def _shortest_f32(value: float) -> Decimal:
    """The fewest digits that are this number again, which has 32 bits."""
    texts = (f"{value:.{digits}g}" for digits in range(1, 10))
    return Decimal(next(t for t in texts if ctypes.c_float(float(t)).value == value))


def _escaped(character: str) -> str:
    known = {"\t": "\\t", "\n": "\\n", "\r": "\\r", '"': '\\"', "'": "\\'", "\\": "\\\\"}
    return known.get(character) or (character if character.isprintable() else _escape(character))


def _escape(character: str) -> str:
    return f"\\u{{{ord(character):x}}}"
