"""Headers and trailers as a guest sees and changes them.

Names keep their casing and fields their order, as the WIT asks; names are compared without regard to case. A change is
checked in this order: the syntax of the name, whether the name is forbidden, the syntax of the values, whether the
fields are immutable, their size. So immutable fields answer `invalid-syntax` and `forbidden` first, as in Wasmtime 49.

Where this differs from Wasmtime 49 (crates/wasi-http):

| | Wasmtime | here |
|---|---|---|
| names | in lower case | as given |
| values of one name | together, at the place of the first | where they were put |
| after a delete | the last name moves into the gap | the order stays |
| a content-length of `05` | reads back `5` | as given |
| a name of 65,536 bytes | `invalid-syntax` | `size-exceeded` |
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Sequence
from typing import Final

from wasihost._base.frozen import Frozen
from wasihost._http.messages import Header

FORBIDDEN: Final = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "transfer-encoding",
        "upgrade",
        "host",
        "http2-settings",
    }
)
"""The names that are the transport's, as in Wasmtime. The WIT leaves them to the host."""
MAX_SIZE: Final = 128 << 10
"""As in Wasmtime, by the same formula."""
MAX_TOTAL: Final = 64 << 20

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, 5.6.2: token
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")  # RFC 9110, 5.5; outer blanks are kept
_NUMBER = re.compile(rb"[0-9]{1,20}")
_NAME_COST = 32
_VALUE_COST = 40


class Refusal(enum.Enum):
    """Why fields refuse a change."""

    INVALID_SYNTAX = "invalid-syntax"
    FORBIDDEN = "forbidden"
    IMMUTABLE = "immutable"
    SIZE_EXCEEDED = "size-exceeded"


class FieldsError(Exception):
    """Fields refuse a change, and are as they were."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


class Room:
    """The size of all fields of a guest together, and of the bytes that it has written to bodies and nothing has read
    yet.

    It is memory of this process: 64 MiB of their sizes.
    """

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_TOTAL


class FieldRules(Frozen):
    """The rules for the fields of one guest: no `forbidden` names, in lower case, and at most `max_size` bytes each."""

    forbidden: frozenset[str]
    max_size: int
    room: Room

    def __init__(self, forbidden: frozenset[str] = FORBIDDEN, max_size: int = MAX_SIZE) -> None:
        self.__dict__.update(forbidden=forbidden, max_size=max_size, room=Room())


class Fields:
    """The fields of one message, or that a guest builds for one."""

    __slots__ = ("_entries", "_rules", "_values", "is_mutable", "size")

    def __init__(self, rules: FieldRules, entries: Iterable[Header] = ()) -> None:
        """Mutable ones. Errors: FieldsError."""
        self._rules = rules
        self._entries: list[Header] = []
        self._values: dict[str, list[bytes]] = {}  # by the name in lower case
        self.is_mutable = True
        self.size = 0
        for name, value in entries:
            self.append(name, value)

    @classmethod
    def received(cls, rules: FieldRules, entries: Iterable[Header]) -> Fields:
        """Immutable ones, as they came in: without those whose names are forbidden, and of any size."""
        found = cls(rules)
        found._replace([(name, value) for name, value in entries if name.lower() not in rules.forbidden])
        found.is_mutable = False
        return found

    @property
    def entries(self) -> list[Header]:
        """Every name with a value, in order."""
        return list(self._entries)

    def __del__(self) -> None:
        self._rules.room.left += self.size

    def get(self, name: str) -> list[bytes]:
        """The values of a name, in order; none for a bad name."""
        return list(self._values.get(name.lower(), ()))

    def has(self, name: str) -> bool:
        """Whether there is a value of a name."""
        return name.lower() in self._values

    def set(self, name: str, values: Sequence[bytes]) -> None:
        """Replaces the values of a name, which go to the end; none deletes it. Errors: FieldsError."""
        entries = self._without(self._check(name, values))
        entries += [(name, value) for value in values]
        by_name, size = _measured(entries)
        self._check_size(size)
        self._hold(entries, by_name, size)

    def delete(self, name: str) -> None:
        """Removes the values of a name, if there are any. Errors: FieldsError."""
        self._replace(self._without(self._check(name, ())))

    def get_and_delete(self, name: str) -> list[bytes]:
        """The values of a name, which are removed. Errors: FieldsError."""
        found = self.get(name)
        self.delete(name)
        return found

    def append(self, name: str, value: bytes) -> None:
        """Adds a value at the end. Errors: FieldsError."""
        key = self._check(name, (value,))
        found = self._values.get(key)
        size = self.size + len(value) + _VALUE_COST + (len(name) + _NAME_COST if found is None else 0)
        self._check_size(size)
        if found is None:
            self._values[key] = [value]
        else:
            found.append(value)
        self._entries.append((name, value))
        self._resize(size)

    def clone(self) -> Fields:
        """A mutable copy. Errors: FieldsError, if the guest has no room for it."""
        if self.size > self._rules.room.left:
            raise FieldsError(Refusal.SIZE_EXCEEDED)
        copy = Fields(self._rules)
        copy._replace(self.entries)
        return copy

    def freeze(self) -> Fields:
        """Makes them immutable, as a message does that gets them, and returns them."""
        self.is_mutable = False
        return self

    def _check(self, name: str, values: Sequence[bytes]) -> str:
        """The name in lower case. Errors: FieldsError, if nothing may be changed so."""
        if not _NAME.fullmatch(name):
            raise FieldsError(Refusal.INVALID_SYNTAX)
        key = name.lower()
        if key in self._rules.forbidden:
            raise FieldsError(Refusal.FORBIDDEN)
        if not all(map(_VALUE.fullmatch, values)) or (key == "content-length" and not all(map(is_length, values))):
            raise FieldsError(Refusal.INVALID_SYNTAX)
        if not self.is_mutable:
            raise FieldsError(Refusal.IMMUTABLE)
        return key

    def _check_size(self, size: int) -> None:
        if size > self._rules.max_size or size - self.size > self._rules.room.left:
            raise FieldsError(Refusal.SIZE_EXCEEDED)

    def _without(self, key: str) -> list[Header]:
        return [entry for entry in self._entries if entry[0].lower() != key]

    def _replace(self, entries: list[Header]) -> None:
        by_name, size = _measured(entries)
        self._hold(entries, by_name, size)

    def _hold(self, entries: list[Header], by_name: dict[str, list[bytes]], size: int) -> None:
        self._entries = entries
        self._values = by_name
        self._resize(size)

    def _resize(self, size: int) -> None:
        self._rules.room.left -= size - self.size
        self.size = size


def _measured(entries: list[Header]) -> tuple[dict[str, list[bytes]], int]:
    """The values by their names in lower case, and the size of all by Wasmtime's formula."""
    by_name: dict[str, list[bytes]] = {}
    size = _VALUE_COST * len(entries)
    for name, value in entries:
        size += len(value)
        key = name.lower()
        found = by_name.get(key)
        if found is None:
            by_name[key] = [value]
            size += len(name) + _NAME_COST
        else:
            found.append(value)
    return by_name, size


def is_length(value: bytes) -> bool:
    """Whether it is the value of a `content-length`."""
    return _NUMBER.fullmatch(value) is not None and int(value) < 1 << 64
