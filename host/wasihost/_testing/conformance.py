"""The checks that every network and every file system passes, also one of your own.

    @pytest.mark.parametrize("check", conformance.CHECKS, ids=str)
    async def test_my_network_keeps_the_rules(check: conformance.Check) -> None:
        await check(MyNetwork())

or all of them at once: `await check_network(MyNetwork)`. Each check makes sockets on the network, closes them, and
raises a ConformanceError that says which rule of `wasihost._network.base` was broken, and how. Both ends are on the
loopback addresses unless `Ends` says where else they are, as for two hosts of one virtual network.

    @pytest.mark.parametrize("check", conformance.FILE_CHECKS, ids=str)
    async def test_my_files_keep_the_rules(check: conformance.FileCheck) -> None:
        await check(MyFiles())

and `await check_files(MyFiles)` do the same for a file system. One that can be changed has to be empty; one that is
`read_only` has the files of `conformance.TREE`. Operations that fail with EROFS, as methods of `VirtualFiles` do that
are not overridden, are not checked if they are to link, to set times or to make symbolic links.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Awaitable, Callable, Iterable
from types import ModuleType
from typing import Any, TypeAlias

from wasihost._network.base import Family, Network
from wasihost._testing import file_changing_checks, file_reading_checks, name_checks, tcp_checks, udp_checks
from wasihost._testing.ends import ConformanceError, Ends
from wasihost._testing.tree import TREE, Tree
from wasihost._wasi.filesystem.nodes import FileSystem

__all__ = [
    "CHECKS",
    "FILE_CHECKS",
    "TREE",
    "Check",
    "ConformanceError",
    "Ends",
    "FileCheck",
    "check_files",
    "check_network",
]

Rule: TypeAlias = Callable[[Ends, Family], Awaitable[None]]
FileRule: TypeAlias = Callable[[Tree], Awaitable[None]]


class Check:
    """A rule of the seam, for a family of addresses."""

    def __init__(self, rule: Rule, family: Family) -> None:
        self._rule = rule
        self.family = family

    @property
    def name(self) -> str:
        """The rule in a few words."""
        return self._rule.__name__

    @property
    def rule(self) -> str:
        """The rule in a sentence or two."""
        return inspect.getdoc(self._rule) or ""

    def __str__(self) -> str:
        return f"{self.name}-ipv{self.family}"

    __repr__ = __str__

    async def __call__(self, network: Network | Ends) -> None:
        """Raises a ConformanceError unless the network keeps the rule."""
        ends = network if isinstance(network, Ends) else Ends(network)
        with contextlib.closing(ends):
            try:
                await self._rule(ends, self.family)
            except Exception as error:
                raise _broken(self, error) from error


class FileCheck:
    """A rule of file systems."""

    def __init__(self, rule: FileRule, changes: bool) -> None:
        self._rule = rule
        self.changes = changes

    @property
    def name(self) -> str:
        """The rule in a few words."""
        return self._rule.__name__

    @property
    def rule(self) -> str:
        """The rule in a sentence or two."""
        return inspect.getdoc(self._rule) or ""

    def __str__(self) -> str:
        return self.name

    __repr__ = __str__

    async def __call__(self, files: FileSystem) -> None:
        """Raises a ConformanceError unless the rule is kept. Of a file system that is read-only, reading is checked."""
        with contextlib.closing(Tree(files)) as tree:
            try:
                if not self.changes:
                    await tree.create_tree()
                if not (self.changes and tree.is_read_only):
                    await self._rule(tree)
            except Exception as error:
                raise _broken(self, error) from error


def _broken(check: Check | FileCheck, error: Exception) -> ConformanceError:
    what = str(error) if isinstance(error, ConformanceError) else f"{type(error).__name__}: {error}"
    return ConformanceError(f"{check}: {check.rule} {what}")


def _rules(module: ModuleType) -> list[Any]:
    found = vars(module).items()
    return [
        rule
        for name, rule in found
        if inspect.iscoroutinefunction(rule) and rule.__module__ == module.__name__ and not name.startswith("_")
    ]


_BOTH: tuple[Family, ...] = (4, 6)

CHECKS: tuple[Check, ...] = (
    *(Check(rule, family) for module in (tcp_checks, udp_checks) for rule in _rules(module) for family in _BOTH),
    *(Check(rule, 4) for rule in _rules(name_checks)),
)
"""Every check of networks, for both families of addresses."""

FILE_CHECKS: tuple[FileCheck, ...] = (
    *(FileCheck(rule, changes=False) for rule in _rules(file_reading_checks)),
    *(FileCheck(rule, changes=True) for rule in _rules(file_changing_checks)),
)
"""Every check of file systems."""


async def check_network(make: Callable[[], Network | Ends], *, families: Iterable[Family] = (4, 6)) -> None:
    """Runs every check on a new network each; raises one ConformanceError for all that failed."""
    await _check_all(check(make()) for check in CHECKS if check.family in families)


async def check_files(make: Callable[[], FileSystem]) -> None:
    """Runs every check on a new file system each; raises one ConformanceError for all that failed."""
    await _check_all(check(make()) for check in FILE_CHECKS)


async def _check_all(checks: Iterable[Awaitable[None]]) -> None:
    failures = []
    for check in checks:
        try:
            await check
        except ConformanceError as error:
            failures.append(str(error))
    if failures:
        raise ConformanceError("\n".join(failures))
