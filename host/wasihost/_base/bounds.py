"""Fields of a dataclass that are bounds: each has a description and the numbers that it takes.

    @dataclass(frozen=True, kw_only=True)
    class Limits:
        memories: int = whole("Linear memories", 50)

The checks and the texts of `--limit` with its help come from these. Tests compare docs/reference/limits.md with them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from wasihost._base.errors import ConfigError
from wasihost._base.frozen import Frozen
from wasihost._base.nearest import did_you_mean

if TYPE_CHECKING:

    class Bytes:
        """A field for a number of bytes, given as an int or as a text such as "64MiB", and always an int afterwards."""

        def __get__(self, obj: object, owner: type) -> int: ...
        def __set__(self, obj: object, value: int | str) -> None: ...

    class BytesOrNone:
        """The same, where None is no limit."""

        def __get__(self, obj: object, owner: type) -> int | None: ...
        def __set__(self, obj: object, value: int | str | None) -> None: ...

else:
    Bytes = int
    BytesOrNone = int | None

UNITS: Final = {"GiB": 1 << 30, "MiB": 1 << 20, "KiB": 1 << 10}
_LARGEST_FRACTION: Final = 1e9  # 30 years in seconds, which fit into 64 bits of nanoseconds


class Bound(Frozen):
    """The description of a field, and the numbers that it takes; None too, if that is its default."""

    what: str
    default: float | None
    is_whole: bool
    least: int
    greatest: int | None

    def check(self, name: str, value: object) -> None:
        """Errors: ConfigError, which names the field."""
        if not (self.takes(value) or (value is None and self.default is None)):
            raise ConfigError(f"{name}: expected {self.expected}, got {value!r}")

    @property
    def expected(self) -> str:
        """The numbers that it takes, in words."""
        if not self.is_whole:
            return "a number, more than 0 and at most 1e9"
        if self.greatest is None:
            return f"a whole number, {self.least} or more"
        return f"a whole number from {self.least} to {self.greatest}"

    def takes(self, value: object) -> bool:
        """Whether a value is such a number."""
        if isinstance(value, bool):
            return False
        if not self.is_whole:
            return isinstance(value, int | float) and 0 < value <= _LARGEST_FRACTION
        return isinstance(value, int) and self.least <= value and (self.greatest is None or value <= self.greatest)


def whole(what: str, default: int | None = None, *, least: int = 0, greatest: int | None = None) -> Any:
    """A field for a whole number."""
    return _field(Bound(what, default, True, least, greatest))


def fraction(what: str, default: float | None = None) -> Any:
    """A field for a number."""
    return _field(Bound(what, default, False, 0, None))


def _field(bound: Bound) -> Any:
    return dataclasses.field(default=bound.default, metadata={"bound": bound})


def bounds(owner: Any) -> dict[str, Bound]:
    """The bounds among the fields of a dataclass or of an object of it, by name."""
    return {field.name: field.metadata["bound"] for field in dataclasses.fields(owner) if "bound" in field.metadata}


def settle(made: Any) -> None:
    """Makes numbers of texts such as "64MiB", and checks all bounds of a new object.

    Errors: ConfigError, which names the field.
    """
    for name, bound in bounds(made).items():
        value = getattr(made, name)
        if isinstance(value, str) and "bytes" in name:
            value = _number(f"{name}={value}", bound.is_whole)
            object.__setattr__(made, name, value)
        bound.check(name, value)


def described(made: Any) -> str:
    """The object as Python that makes it, without the fields that have their default."""
    given = {name: getattr(made, name) for name, bound in bounds(made).items() if getattr(made, name) != bound.default}
    return f"{type(made).__qualname__}({', '.join(f'{name}={value!r}' for name, value in given.items())})"


# ---- as the command line has them: `run-time-s=10`, `bytes-out=1MiB`


def name_of(text: str) -> str:
    """The field that a text is about."""
    return text.partition("=")[0].replace("-", "_")


def parse(texts: Iterable[str], known: dict[str, Bound]) -> dict[str, Any]:
    """The fields that the texts name, with their numbers. Errors: ConfigError."""
    found: dict[str, Any] = {}
    for text in texts:
        name = name_of(text)
        if "=" not in text or name not in known:
            names = [each.replace("_", "-") for each in known]
            hint = did_you_mean(text.partition("=")[0], names)
            raise ConfigError(f"limit {text!r}: expected NAME=NUMBER, where NAME is one of {', '.join(names)}{hint}")
        if name in found:
            raise ConfigError(f"limit {text!r}: {text.partition('=')[0]} has a limit already")
        found[name] = _number(text, known[name].is_whole)
    return found


def _number(text: str, is_whole: bool) -> int | float:
    name, _, value = text.partition("=")
    unit = value[-3:] if "bytes" in name and value[-3:] in UNITS else ""
    try:
        return int(value.removesuffix(unit)) * UNITS.get(unit, 1) if is_whole else float(value)
    except ValueError:
        expected = "a whole number" if is_whole else "a number"
        units = ", nor one of KiB, MiB or GiB" if "bytes" in name else ""
        raise ConfigError(f"limit {text!r}: {value!r} is not {expected}{units}") from None


def shown(name: str, value: float | None) -> str:
    """A value of a field as people read it: bytes in the largest unit."""
    if value is None:
        return "none"
    return _bytes(int(value)) if name.endswith("bytes") else f"{value:,}"


def _bytes(value: int) -> str:
    word, unit = next((word, unit) for word, unit in UNITS.items() if value >= unit)
    count = -(-value // unit)
    less = count * unit - value
    return f"{count} {word}" + (f" - {_bytes(less)}" if less else "")
