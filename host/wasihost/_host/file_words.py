"""Operations on files as words of a recording, and back: arguments and answers."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from wasihost._wasi.filesystem.metadata import Identity, Kind, Stat

Words: TypeAlias = tuple[str, ...]


def arguments(values: Sequence[object]) -> Words:
    """The words of arguments: paths, numbers, times, flags."""
    return tuple(map(_word, values))


def _word(value: object) -> str:
    if isinstance(value, enum.Flag):
        return " ".join(flag.name.lower().replace("_", "-") for flag in type(value) if flag in value and flag.name)
    if isinstance(value, enum.Enum):
        return value.name.lower().replace("_", "-")
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def answers(value: Any) -> Words:
    """The words of an operation's result."""
    if value is None:
        return ()
    if isinstance(value, Stat):
        times = (value.accessed_ns, value.modified_ns, value.changed_ns)
        return (value.kind.value, str(value.links), str(value.size), *map(_time, times))
    if isinstance(value, bytes):
        return (_name(value),)
    if isinstance(value, tuple):
        return (identity(value),)
    return tuple(f"{kind.value} {name}" for name, kind in value)


def identity(value: Identity) -> str:
    """Device and inode."""
    return f"{value[0]}:{value[1]}"


def to_identity(word: str) -> Identity:
    """Device and inode again."""
    device, inode = word.split(":")
    return int(device), int(inode)


def _to_stat(words: Words) -> Stat:
    kind, links, size, *times = words
    return Stat(Kind(kind), int(size), int(links), *(None if time == "-" else int(time) for time in times))


def _to_entries(words: Words) -> list[tuple[str, Kind]]:
    found = (word.partition(" ") for word in words)
    return [(name, Kind(kind)) for kind, _, name in found]


FROM_WORDS: Final[dict[str, Callable[[Words], Any]]] = {
    "stat": _to_stat,
    "stat_at": _to_stat,
    "identity_at": lambda words: to_identity(words[0]),
    "readlink": lambda words: _to_name(words[0]),
    "entries": _to_entries,
}
"""The result of an operation, from its words; operations that are not here return nothing."""


def _time(ns: int | None) -> str:
    return "-" if ns is None else str(ns)


def _name(name: bytes) -> str:
    return name.decode(errors="surrogateescape")


def _to_name(word: str) -> bytes:
    return word.encode(errors="surrogateescape")
