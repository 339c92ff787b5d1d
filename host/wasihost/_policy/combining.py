"""Several policies together: `all_of(Rules(…), office_hours)`, `any_of(…)`; sync as long as those asked are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, TypeVar

from wasihost._network.base import Address
from wasihost._policy.asking import Steps, run
from wasihost._policy.policy import (
    REFUSED,
    Answer,
    FilePolicy,
    FileUse,
    Policy,
    PolicyContext,
    RequestPolicy,
    SocketAddressUse,
    Verdict,
    ask_about_name,
    checked,
    file_policy,
    request_policy,
    verdict_of,
)

if TYPE_CHECKING:  # for guests that use HTTP
    from wasihost._http.messages import Request

P = TypeVar("P")


class _Combined:
    """Several policies. About files and requests those are asked that say something about them."""

    def __init__(self, policies: Sequence[Policy]) -> None:
        self._policies = tuple(map(checked, policies))
        self._of_files = [found for policy in self._policies if (found := file_policy(policy)) is not None]
        self._of_requests = [of for policy in self._policies if (of := request_policy(policy)) is not None]

    _name: ClassVar[str]

    def __repr__(self) -> str:
        return f"{self._name}({', '.join(map(repr, self._policies))})"

    @property
    def may_use_file(self) -> FilePolicy | None:
        return self._judge_file if self._of_files else None

    @property
    def may_request(self) -> RequestPolicy | None:
        return self._judge_request if self._of_requests else None

    def _judge_file(self, path: str, use: FileUse, context: PolicyContext) -> Verdict | Awaitable[Verdict]:
        raise NotImplementedError

    def _judge_request(self, request: Request, context: PolicyContext) -> Verdict | Awaitable[Verdict]:
        raise NotImplementedError


class _All(_Combined):
    _name = "all_of"

    def __call__(self, address: Address, use: SocketAddressUse, context: PolicyContext) -> Verdict | Awaitable[Verdict]:
        return run(self._judge(address, use, context))

    def may_resolve(self, name: str, context: PolicyContext) -> Verdict | Awaitable[Verdict]:
        return run(self._judge_name(name, context))

    def _judge(self, address: Address, use: SocketAddressUse, context: PolicyContext) -> Steps[Verdict]:
        verdicts = yield from _until(False, self._policies, lambda policy: policy(address, use, context))
        agreed = _agreed(verdicts, lambda target: target)
        target = agreed.target
        if target is None:
            return agreed
        for policy, verdict in zip(self._policies, verdicts, strict=True):
            if verdict.target is None:  # allowed is the address that the guest wants, and not where it leads
                there = verdict_of((yield policy(target, use, context)), policy)
                if not there.allowed or there.target not in (None, target):
                    return Verdict(False, there.rule)
        return agreed

    def _judge_name(self, name: str, context: PolicyContext) -> Steps[Verdict]:
        verdicts = yield from _until(False, self._policies, lambda policy: ask_about_name(policy, name, context))
        return _agreed(verdicts, lambda target: target.ip)

    def _judge_file(self, path: str, use: FileUse, context: PolicyContext) -> Verdict | Awaitable[Verdict]:
        return run(self._last(self._of_files, lambda policy: policy(path, use, context)))

    def _judge_request(self, request: Request, context: PolicyContext) -> Verdict | Awaitable[Verdict]:
        return run(self._last(self._of_requests, lambda policy: policy(request, context)))

    def _last(self, policies: Sequence[P], ask: Callable[[P], Answer | Awaitable[Answer]]) -> Steps[Verdict]:
        return (yield from _until(False, policies, ask))[-1]


class _Any(_Combined):
    _name = "any_of"

    def __call__(self, address: Address, use: SocketAddressUse, context: PolicyContext) -> Verdict | Awaitable[Verdict]:
        return run(self._judge(self._policies, lambda policy: policy(address, use, context)))

    def may_resolve(self, name: str, context: PolicyContext) -> Verdict | Awaitable[Verdict]:
        able = [policy for policy in self._policies if hasattr(policy, "may_resolve")]
        return run(self._judge(able, lambda policy: ask_about_name(policy, name, context)))

    def _judge_file(self, path: str, use: FileUse, context: PolicyContext) -> Verdict | Awaitable[Verdict]:
        return run(self._judge(self._of_files, lambda policy: policy(path, use, context)))

    def _judge_request(self, request: Request, context: PolicyContext) -> Verdict | Awaitable[Verdict]:
        return run(self._judge(self._of_requests, lambda policy: policy(request, context)))

    def _judge(self, policies: Sequence[P], ask: Callable[[P], Answer | Awaitable[Answer]]) -> Steps[Verdict]:
        verdicts = yield from _until(True, policies, ask)
        if not verdicts or verdicts[-1].allowed:
            return verdicts[-1] if verdicts else REFUSED
        return next((verdict for verdict in verdicts if verdict.rule is not None), verdicts[-1])


def _until(
    allowed: bool, policies: Sequence[P], ask: Callable[[P], Answer | Awaitable[Answer]]
) -> Steps[list[Verdict]]:
    """The verdicts of these, up to the first that is `allowed` or not."""
    verdicts: list[Verdict] = []
    for policy in policies:
        verdicts.append(verdict_of((yield ask(policy)), policy))
        if verdicts[-1].allowed is allowed:
            break
    return verdicts


def _agreed(verdicts: Sequence[Verdict], of: Callable[[Address], object]) -> Verdict:
    """The common verdict; targets agree if `of` them is equal."""
    if not verdicts or not verdicts[-1].allowed:
        return verdicts[-1] if verdicts else REFUSED
    rewriting = [(verdict, of(verdict.target)) for verdict in verdicts if verdict.target is not None]
    for verdict, target in rewriting[1:]:
        if target != rewriting[0][1]:
            return Verdict(False, f"the conflict of {rewriting[0][0].rule} with {verdict.rule}")
    return rewriting[0][0] if rewriting else verdicts[0]


def all_of(*policies: Policy) -> Policy:
    """The policy that allows a use if each of these allows it, asked in this order until one refuses.

    Where one sends the traffic to another address, the others must allow that address too, and may not send it
    elsewhere. A policy without `may_resolve` allows no names; one without `may_use_file` leaves files to the others,
    and one without `may_request` requests. Of no policies, nothing is allowed.
    """
    return _All(policies)


def any_of(*policies: Policy) -> Policy:
    """The policy that allows a use if one of these allows it, asked in this order until one does.

    Its verdict counts as it is, with the address to which it sends the traffic. So a rule of one that denies does not
    keep another from allowing. About files those are asked that have a `may_use_file`, about requests those that have a
    `may_request`.
    """
    return _Any(policies)
