"""The checks that every network passes, also one of your own.

    @pytest.mark.parametrize("check", conformance.CHECKS, ids=str)
    async def test_my_network_keeps_the_rules(check: conformance.Check) -> None:
        await check(MyNetwork())

or all of them at once: `await check_network(MyNetwork)`. Each check makes sockets on the network, closes them, and
raises a ConformanceError that says which rule of `wasihost._network.base` was broken, and how. Both ends are on the
loopback addresses unless `Ends` says where else they are, as for two hosts of one virtual network.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Awaitable, Callable, Iterable
from types import ModuleType
from typing import TypeAlias

from wasihost._network.base import Family, Network
from wasihost._testing import name_checks, tcp_checks, udp_checks
from wasihost._testing.ends import ConformanceError, Ends

__all__ = ["CHECKS", "Check", "ConformanceError", "Ends", "check_network"]

Rule: TypeAlias = Callable[[Ends, Family], Awaitable[None]]


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
                what = str(error) if isinstance(error, ConformanceError) else f"{type(error).__name__}: {error}"
                raise ConformanceError(f"{self}: {self.rule} {what}") from error


def _rules(module: ModuleType) -> list[Rule]:
    found = vars(module).values()
    return [rule for rule in found if inspect.iscoroutinefunction(rule) and rule.__module__ == module.__name__]


_BOTH: tuple[Family, ...] = (4, 6)

CHECKS: tuple[Check, ...] = (
    *(Check(rule, family) for module in (tcp_checks, udp_checks) for rule in _rules(module) for family in _BOTH),
    *(Check(rule, 4) for rule in _rules(name_checks)),
)
"""Every check, for both families of addresses."""


async def check_network(make: Callable[[], Network | Ends], *, families: Iterable[Family] = (4, 6)) -> None:
    """Runs every check on a new network each; raises one ConformanceError for all that failed."""
    failures = []
    for check in CHECKS:
        if check.family in families:
            try:
                await check(make())
            except ConformanceError as error:
                failures.append(str(error))
    if failures:
        raise ConformanceError("\n".join(failures))
