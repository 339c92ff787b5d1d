"""Several policies together: `all_of(Rules(…), office_hours)`, `any_of(…)`; sync as long as those asked are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from wasihost.network.base import Address
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

_Question: TypeAlias = Callable[[], Verdict | Awaitable[Verdict]]


class _Several:
    """Policies asked in turn; the first whose verdict is `until` ends it."""

    def __init__(self, until: bool, policies: Sequence[Policy]) -> None:
        self._until = until
        self._policies = tuple(map(checked, policies))

    def __call__(self, address: Address, use: SocketAddressUse, context: Context) -> Verdict | Awaitable[Verdict]:
        return self._ask([_asking(policy, address, use, context) for policy in self._policies])

    def may_resolve(self, name: str, context: Context) -> Verdict | Awaitable[Verdict]:
        able = [policy for policy in self._policies if hasattr(policy, "may_resolve")]
        return self._ask([_asking_about(policy, name, context) for policy in able])

    def _ask(self, questions: Sequence[_Question], before: Verdict | None = None) -> Verdict | Awaitable[Verdict]:
        for position, question in enumerate(questions, 1):
            answer = question()
            if not isinstance(answer, Verdict):
                return self._ask_on(answer, questions[position:], before)
            if answer.allowed is self._until:
                return answer
            before = _together(before, answer)
        return REFUSED if before is None else before

    async def _ask_on(self, answer: Awaitable[Verdict], rest: Sequence[_Question], before: Verdict | None) -> Verdict:
        verdict = await answer
        found = verdict if verdict.allowed is self._until else self._ask(rest, _together(before, verdict))
        return found if isinstance(found, Verdict) else await found


def _together(first: Verdict | None, second: Verdict) -> Verdict:
    if first is None:
        return second
    return Verdict(second.allowed, first.rule or second.rule, first.target or second.target)


def _asking(policy: Policy, address: Address, use: SocketAddressUse, context: Context) -> _Question:
    return lambda: _verdict(policy, policy(address, use, context))


def _asking_about(policy: Policy, name: str, context: Context) -> _Question:
    return lambda: _verdict(policy, ask_about_name(policy, name, context))


def _verdict(policy: Policy, answer: Answer | Awaitable[Answer]) -> Verdict | Awaitable[Verdict]:
    return _later(policy, answer) if isinstance(answer, Awaitable) else verdict_of(answer, policy)


async def _later(policy: Policy, answer: Awaitable[Answer]) -> Verdict:
    return verdict_of(await answer, policy)


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
