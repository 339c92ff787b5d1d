"""Patterns of guests' paths: `/data/**`, `**/.git/**`, `/tmp/*.txt`.

A pattern is matched part by part. `*` in a part is any text, `?` any character, and `**` any number of parts, none too:
`/data/**` is `/data` and all below it. Everything else is literal. Parts that are empty or `.` do not count, but
for the one before the first `/`, which sets absolute paths apart from relative ones.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence, Set
from typing import Final

ANY: Final = "**"


def parts(path: str) -> tuple[str, ...]:
    """The parts between the slashes of a path; first an empty one if it is absolute."""
    root = ("",) if path.startswith("/") else ()
    return root + tuple(part for part in path.split("/") if part not in ("", "."))


def literal(path: str) -> str:
    """The pattern that matches a path; `?` for characters that a pattern or a terminal cannot show."""
    return "".join("?" if letter == "*" or not letter.isprintable() else letter for letter in path)


class Glob:
    """A pattern, partly matched: the set of positions in it that a path may have reached."""

    def __init__(self, text: str) -> None:
        self._parts = parts(text)
        self._end = len(self._parts)
        self._anywhere = self._skipping({0}) if self._parts[:1] == (ANY,) else frozenset[int]()

    @property
    def takes_all_below(self) -> bool:
        """Whether it matches all files below each match."""
        return self._parts[-1:] == (ANY,)

    def matches(self, path: Sequence[str]) -> bool:
        """Whether a path, in parts, is meant."""
        return self._end in self._after(path)

    def depends_on(self, path: Sequence[str]) -> bool:
        """Whether it means something at or below this path which it would not mean in another place."""
        return not self._after(path) <= self._anywhere

    def _after(self, path: Sequence[str]) -> Set[int]:
        reached: Set[int] = self._skipping({0})
        for name in path:
            taking = [each for each in reached if each < self._end and _takes(self._parts[each], name)]
            reached = self._skipping({each if self._parts[each] == ANY else each + 1 for each in taking})
        return reached

    def _skipping(self, reached: set[int]) -> frozenset[int]:
        """With those after a `**`, which may take no part."""
        for position, part in enumerate(self._parts):
            if position in reached and part == ANY:
                reached.add(position + 1)
        return frozenset(reached)


@functools.lru_cache(maxsize=4096)
def _takes(part: str, name: str) -> bool:
    if part in (ANY, name):
        return True
    return bool(name) and _regex(part).fullmatch(name) is not None


@functools.cache
def _regex(part: str) -> re.Pattern[str]:
    words = {"*": ".*", "?": "."}
    return re.compile("".join(words.get(letter) or re.escape(letter) for letter in part), re.DOTALL)
