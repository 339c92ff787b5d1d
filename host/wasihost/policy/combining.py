"""Several policies together: `all_of(Rules(…), office_hours)`, `any_of(…)`; sync as long as those asked are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from wasihost.network.base import Address
from wasihost.policy.asking import Steps, run
from wasihost.policy.policy import (
    REFUSED,
    Answer,
    Context,
    Policy,
    SocketAddressUse,
    Verdict,
    ask_about_name,
    checked,
    verdict_of,
)


class _Several:
    """Policies asked in turn; the first whose verdict is `until` ends it."""

    def __init__(self, until: bool, policies: Sequence[Policy]) -> None:
        self._until = until
        self._policies = tuple(map(checked, policies))

    def __call__(self, address: Address, use: SocketAddressUse, context: Context) -> Verdict | Awaitable[Verdict]:
        return run(self._ask(self._policies, lambda policy: policy(address, use, context)))

    def may_resolve(self, name: str, context: Context) -> Verdict | Awaitable[Verdict]:
        able = [policy for policy in self._policies if hasattr(policy, "may_resolve")]
        return run(self._ask(able, lambda policy: ask_about_name(policy, name, context)))

    def _ask(
        self, policies: Sequence[Policy], question: Callable[[Policy], Answer | Awaitable[Answer]]
    ) -> Steps[Verdict]:
        before: Verdict | None = None
        for policy in policies:
            verdict = verdict_of((yield question(policy)), policy)
            if verdict.allowed is self._until:
                return verdict
            before = _together(before, verdict)
        return REFUSED if before is None else before


def _together(first: Verdict | None, second: Verdict) -> Verdict:
    if first is None:
        return second
    return Verdict(second.allowed, first.rule or second.rule, first.target or second.target)


def all_of(*policies: Policy) -> Policy:
    """The policy that allows what each of these allows, asked in this order until one refuses.

    Names: those without `may_resolve` are not asked. The first target counts, and each is asked about the address that
    the guest wants.
    """
    return _Several(False, policies)


def any_of(*policies: Policy) -> Policy:
    """The policy that allows what one of these allows, asked in this order until one does; so a deny rule of one keeps
    nobody from being allowed by another.
    """
    return _Several(True, policies)
