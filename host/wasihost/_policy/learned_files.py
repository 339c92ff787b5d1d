"""The rules for files that a run needs, from the files that it used: one for each path, or for all in a directory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Set
from typing import Final

from wasihost._base.globs import Glob, literal, parts
from wasihost._policy.policy import FileUse, Use

MOST_IN_ONE: Final = 4
"""Files of a directory that get rules of their own; if there are more, there is one for all in it."""
_VERBS: Final = {FileUse.READ: "read ", FileUse.WRITE: "write "}


class LearnedFiles:
    """The paths that were used, and the rules that allow that."""

    def __init__(self) -> None:
        self._paths: dict[Use, set[str]] = defaultdict(set)

    def add(self, path: str, use: Use) -> None:
        """A path was used."""
        self._paths[use].add(path)

    @property
    def rules(self) -> list[str]:
        """The rules, without a verb where both are needed."""
        moved = {f"{literal(path).rstrip('/')}/**" for path in self._paths[FileUse.MOVE]}
        patterns = {use: _patterns(self._paths[use], moved) for use in _VERBS}
        both = patterns[FileUse.READ] & patterns[FileUse.WRITE]
        single = [verb + pattern for use, verb in _VERBS.items() for pattern in sorted(patterns[use] - both)]
        return [*sorted(moved | both), *single]


def _patterns(paths: Iterable[str], moved: Set[str]) -> set[str]:
    """The patterns for these paths, without those that a directory contains which was moved."""
    within = [Glob(pattern) for pattern in moved]
    by_directory: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        names = parts(path)
        if not any(glob.matches(names) for glob in within):
            by_directory[path.rpartition("/")[0]].append(literal(path))
    found: set[str] = set()
    for directory, patterns in by_directory.items():
        many = len(patterns) > MOST_IN_ONE
        found.update([f"{literal(directory)}/*"] if many and directory else patterns)
    return found
