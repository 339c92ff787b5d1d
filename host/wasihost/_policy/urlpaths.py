"""Patterns of the paths of URLs: `/v1/*`, `/search?q=*`.

`*` is any text. A pattern without `?` leaves the query out. The meaning of a path is up to the server, which may decode
`%2e%2e%2f` and then go up: so each path has two forms, as it is written (RFC 3986, section 6.2.2) and as such a server
reads it.
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias

from wasihost._base.frozen import Frozen

_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_ESCAPE: Final = "%([0-9A-Fa-f]{2})"
_Pieces: TypeAlias = tuple[str, ...]


class PathPattern(Frozen):
    """A pattern, as the pieces between its `*`, in both forms."""

    written: _Pieces
    read: _Pieces
    has_query: bool

    @classmethod
    def parse(cls, text: str) -> PathPattern:
        """The pattern of a text, in which everything but `*` is literal."""
        pieces = text.split("*")
        return cls(tuple(map(_written, pieces)), tuple(map(_decoded, pieces)), "?" in text)

    def matches_every_form(self, path: str) -> bool:
        """Whether it means a path, with its query, in both forms."""
        written, read = self._forms(path)
        return _matches(self.written, written) and _matches(self.read, read)

    def matches_some_form(self, path: str) -> bool:
        """Whether it means one of them."""
        written, read = self._forms(path)
        return _matches(self.written, written) or _matches(self.read, read)

    def _forms(self, path: str) -> tuple[str, str]:
        path, mark, query = path.partition("?")
        written = _written(path)
        read = _resolved(_decoded(path).replace("\\", "/"))
        if not self.has_query:
            return written, read
        return written + mark + _written(query), read + mark + _decoded(query)


def _written(text: str) -> str:
    """With escapes of letters and digits decoded, and the others in capital letters."""
    return re.sub(_ESCAPE, lambda found: _unreserved(found[0]), text)


def _unreserved(escape: str) -> str:
    letter = chr(int(escape[1:], 16))
    return letter if letter in _UNRESERVED else escape.upper()


def _decoded(text: str) -> str:
    return re.sub(_ESCAPE, lambda found: chr(int(found[1], 16)), text)


def _resolved(path: str) -> str:
    """Without `.`, `..` and empty parts; a part may have parameters behind `;`."""
    *parts, last = path.split("/")
    found: list[str] = []
    for part in (*parts, last):
        name = part.partition(";")[0]
        if name == "..":
            del found[-1:]
        elif name != "." and part:
            found.append(part)
    is_directory = last.partition(";")[0] in ("", ".", "..")
    return "/" + "/".join(found) + ("/" if is_directory and found else "")


def _matches(pieces: _Pieces, text: str) -> bool:
    """Whether the pieces are in the text in this order, the first at its beginning and the last at its end.

    In the time that it takes to read the text, whatever it is: a guest chooses it.
    """
    if len(pieces) == 1:
        return text == pieces[0]
    first, *middle, last = pieces
    if not text.startswith(first):
        return False
    position = len(first)
    for piece in middle:
        found = text.find(piece, position)
        if found < 0:
            return False
        position = found + len(piece)
    return len(text) - position >= len(last) and text.endswith(last)
