"""Limits as the command line has them: `run-time-s=10`, `bytes-out=1MiB`; KiB, MiB and GiB are units of bytes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from wasihost._base.errors import ConfigError

_UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def name_of(text: str) -> str:
    """The field that a text is about."""
    return text.partition("=")[0].replace("-", "_")


def parse(texts: Iterable[str], names: Collection[str], fractions: Collection[str]) -> dict[str, Any]:
    """The fields that the texts name, with their numbers, which are whole but in `fractions`. Errors: ConfigError."""
    found: dict[str, Any] = {}
    for text in texts:
        name = name_of(text)
        if "=" not in text or name not in names:
            known = ", ".join(names).replace("_", "-")
            raise ConfigError(f"limit {text!r}: expected NAME=NUMBER, where NAME is one of {known}")
        if name in found:
            raise ConfigError(f"limit {text!r}: {text.partition('=')[0]} has a limit already")
        found[name] = _number(text, name, name in fractions)
    return found


def _number(text: str, name: str, may_be_fraction: bool) -> int | float:
    value = text.partition("=")[2]
    unit = value[-3:] if "bytes" in name and value[-3:] in _UNITS else ""
    try:
        return float(value) if may_be_fraction else int(value.removesuffix(unit)) * _UNITS.get(unit, 1)
    except ValueError:
        expected = "a number" if may_be_fraction else "a whole number"
        units = ", nor one of KiB, MiB or GiB" if "bytes" in name else ""
        raise ConfigError(f"limit {text!r}: {value!r} is not {expected}{units}") from None
