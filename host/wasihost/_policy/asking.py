"""How a guest's policy is asked: at once where it answers at once, else with something to await.

Theory of operation. The use of answers is written once, as a generator that yields each answer of a policy and
is sent the same, awaited if need be. `run` goes through one as far as answers are there, and gives a `Question`
for the rest. So a policy that answers at once costs no coroutine and no turn of the event loop; and an answer that
takes time can be cancelled, which a coroutine around it that has not begun would not do.

An `Asker` emits a `Decision` for each verdict before the verdict has an effect: to `on_decision`, and to the logger
`wasihost.policy`, which has refusals as warnings, so many each second, and the rest at the level INFO. It makes a
decision only if one of them wants it; whether the logger wants INFO is looked up when the instance is made, since most
datagrams are allowed.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from wasihost._network.base import Address
from wasihost._network.names import canonical
from wasihost._policy.decisions import Decision
from wasihost._policy.known_names import KnownNames
from wasihost._policy.policy import (
    ALLOWED,
    Answer,
    FilePolicy,
    FileUse,
    HttpUse,
    NameUse,
    Policy,
    PolicyContext,
    RequestPolicy,
    SocketAddressUse,
    Use,
    Verdict,
    allow_all,
    ask_about_name,
    deny_all,
    file_policy,
    request_policy,
    verdict_of,
)
from wasihost._policy.refusals import LOGGER, Refusals

if TYPE_CHECKING:  # for guests that use HTTP
    from wasihost._http.messages import Request

T = TypeVar("T")
Steps: TypeAlias = Generator[Answer | Awaitable[Answer], Answer, T]


class Question(Generic[T]):
    """Steps that wait for an answer: await them, or await `answer` and give `settle` its result."""

    __slots__ = ("_steps", "_waits_for")

    def __init__(self, steps: Steps[T], waits_for: Awaitable[Answer]) -> None:
        self._steps = steps
        self._waits_for = waits_for

    @property
    def answer(self) -> Awaitable[Answer]:
        """The answer that the policy gave; if policies are combined, the one that takes time."""
        waits_for = self._waits_for
        return waits_for.answer if isinstance(waits_for, Question) else waits_for

    def settle(self, answer: Answer) -> T | Question[T]:
        """The result of the steps, or the next question."""
        if isinstance(self._waits_for, Question):
            inner = self._waits_for.settle(answer)
            return Question(self._steps, inner) if isinstance(inner, Question) else _go_on(self._steps, inner)
        return _go_on(self._steps, answer)

    def __await__(self) -> Generator[Any, Any, T]:
        found: T | Question[T] = self
        while isinstance(found, Question):
            found = found.settle((yield from found.answer.__await__()))
        return found


def run(steps: Steps[T]) -> T | Question[T]:
    """The result of the steps, if every answer that they yield is there; else the question that they wait for."""
    return _go_on(steps, None)


def _go_on(steps: Steps[T], answer: Answer | None) -> T | Question[T]:
    try:
        found = steps.send(answer)  # type: ignore[arg-type]  # None starts them
        while not isinstance(found, Awaitable):
            found = steps.send(found)
    except StopIteration as stop:
        result: T = stop.value
        return result
    return Question(steps, found)


async def settled(verdict: Verdict | Question[Verdict]) -> Verdict:
    """A verdict, once it is there."""
    return verdict if isinstance(verdict, Verdict) else await verdict


class Asker:
    """Asks the policy of one guest, and emits its decisions; without a policy, all is refused."""

    def __init__(
        self,
        policy: Policy = deny_all,
        guest: str = "",
        on_decision: Callable[[Decision], None] | None = None,
    ) -> None:
        self.policy = policy
        self.known_names = KnownNames()
        self.context = PolicyContext(
            guest, None, self.known_names.names, self.known_names.targets, self.known_names.hosts
        )
        self._refusals = Refusals(guest)
        self._on_decision = on_decision
        self._emits_what_is_allowed = on_decision is not None or _logs(logging.INFO)
        # Decisions of `allow_all` are emitted only if there is a listener.
        self.asks_about_files = file_policy(policy) is not None and (
            policy is not allow_all or self._emits_what_is_allowed
        )

    def ask(
        self,
        address: Address,
        use: SocketAddressUse,
        context: PolicyContext | None = None,
        source: Address | None = None,
        otherwise: Verdict | None = None,
    ) -> Verdict | Question[Verdict]:
        """The policy's verdict; `otherwise` is the verdict on uses that no rule allows and none refuses, but for
        `deny_all`.

        `source` is the origin of a datagram whose sender is to be shown as `address`; the policy must send there all
        that is for that address.
        """
        context = context or self.context
        answer = self.policy(address, use, context)
        if not self._emits_what_is_allowed:  # for nearly all datagrams nothing is left to do then
            if answer is True:
                return ALLOWED
            if isinstance(answer, Verdict) and answer.allowed and answer.target is None:
                return answer
        return run(self._asked(answer, address, use, context, source, otherwise))

    def ask_for_each(
        self, asked: Sequence[tuple[Address, SocketAddressUse]], otherwise: Verdict | None = None
    ) -> Verdict | Question[Verdict]:
        """The verdict on the first of these if the policy allows all, else the first refusal; see `ask`."""
        return run(self._each(asked, otherwise))

    def ask_about_name(self, name: str, context: PolicyContext | None = None) -> Verdict | Question[Verdict]:
        """The verdict on the lookup of a name in ASCII."""
        return run(self._name(name, context or self.context))

    def ask_about_request(self, request: Request, otherwise: Verdict | None = None) -> Verdict | Question[Verdict]:
        """The verdict on a request to be sent; `otherwise` as in `ask`.

        A policy that says nothing of requests allows it: its answers about name and address decide.
        """
        policy = request_policy(self.policy)
        return ALLOWED if policy is None else run(self._request(policy, request, otherwise))

    def ask_about_files(self, asked: Sequence[tuple[str, FileUse]]) -> Verdict | Question[Verdict]:
        """The verdict on the last of these uses of paths if the policy allows all, else the first refusal."""
        policy = file_policy(self.policy)
        return ALLOWED if policy is None else run(self._files(policy, asked))

    def decide(self, address: Address, use: SocketAddressUse, verdict: Verdict, context: PolicyContext) -> Verdict:
        """Emits the verdict on a use that the policy is not asked about, and returns it."""
        self._emit_address(address, use, verdict, context)
        return verdict

    def allow_name(self, name: str, rule: str, context: PolicyContext | None = None) -> None:
        """Emits that a name may be looked up about which the policy is not asked."""
        self._emit_name(name, Verdict(True, rule), context or self.context)

    def close(self) -> None:
        """Ends the log of refusals."""
        self._refusals.close()

    # ---- below

    def _asked(
        self,
        answer: Answer | Awaitable[Answer],
        address: Address,
        use: SocketAddressUse,
        context: PolicyContext,
        source: Address | None = None,
        otherwise: Verdict | None = None,
    ) -> Steps[Verdict]:
        verdict = self._judged((yield answer), address, otherwise)
        if source is not None and verdict.target not in (None, source):
            verdict = Verdict(False, verdict.rule)
        self._emit_address(address, use, verdict, context)
        return verdict

    def _each(self, asked: Sequence[tuple[Address, SocketAddressUse]], otherwise: Verdict | None) -> Steps[Verdict]:
        first: Verdict | None = None
        for address, use in asked:
            answer = self.ask(address, use, otherwise=otherwise)
            verdict = answer if isinstance(answer, Verdict) else verdict_of((yield answer), self.policy)
            if not verdict.allowed:
                return verdict
            first = first or verdict
        assert first is not None
        return first

    def _one_of(
        self,
        address: Address,
        uses: Sequence[SocketAddressUse],
        context: PolicyContext,
        otherwise: Verdict | None = None,
    ) -> Steps[Verdict]:
        """The verdict on the first of the uses that the policy allows, else on the first; no other is emitted."""
        decided: tuple[SocketAddressUse, Verdict] | None = None
        for use in uses:
            verdict = self._judged((yield self.policy(address, use, context)), address, otherwise)
            if decided is None or verdict.allowed:
                decided = use, verdict
            if verdict.allowed:
                break
        assert decided is not None
        self._emit_address(address, *decided, context)
        return decided[1]

    def _name(self, name: str, context: PolicyContext) -> Steps[Verdict]:
        verdict = verdict_of((yield ask_about_name(self.policy, name, context)), self.policy)
        self._emit_name(name, verdict, context)
        return verdict

    def _request(self, policy: RequestPolicy, request: Request, otherwise: Verdict | None) -> Steps[Verdict]:
        context = self.context.of(request)
        verdict = verdict_of((yield policy(request, context)), self.policy)
        if otherwise is not None and not verdict.allowed and verdict.rule is None:
            verdict = otherwise
        is_logged = self._is_logged(verdict)
        if is_logged or self._on_decision is not None:
            self._emit(HttpUse.REQUEST, None, (), verdict, context, is_logged)
        return verdict

    def _files(self, policy: FilePolicy, asked: Sequence[tuple[str, FileUse]]) -> Steps[Verdict]:
        verdict = ALLOWED
        for path, use in asked:
            verdict = verdict_of((yield policy(path, use, self.context)), self.policy)
            is_logged = self._is_logged(verdict)
            if is_logged or self._on_decision is not None:
                self._emit(use, None, (), verdict, self.context, is_logged, path)
            if not verdict.allowed:
                break
        return verdict

    def _judged(self, answer: Answer, address: Address, otherwise: Verdict | None) -> Verdict:
        verdict = verdict_of(answer, self.policy)
        if otherwise is not None and not verdict.allowed and verdict.rule is None and self.policy is not deny_all:
            return otherwise
        target = verdict.target
        if target is not None and not _is_peer(target, address.ip.version):
            raise ValueError(f"the policy sends {address} to {target}, which is no address of a peer of that family")
        return verdict

    def _emit_address(self, address: Address, use: SocketAddressUse, verdict: Verdict, context: PolicyContext) -> None:
        is_logged = self._is_logged(verdict)
        if is_logged or self._on_decision is not None:
            names = context.names_of(address.ip)
            if verdict.allowed or verdict.rule is not None:  # else a rule could not allow it by those names
                names = (*context.rewritten_names_of(address.ip), *names)
            self._emit(use, address, names, verdict, context, is_logged)

    def _emit_name(self, name: str, verdict: Verdict, context: PolicyContext) -> None:
        is_logged = self._is_logged(verdict)
        if is_logged or self._on_decision is not None:
            self._emit(NameUse.RESOLVE, None, (name.removesuffix("."),), verdict, context, is_logged)

    def _is_logged(self, verdict: Verdict) -> bool:
        if verdict.allowed:
            return self._emits_what_is_allowed and _logs(logging.INFO)
        return _logs(logging.WARNING) and self._refusals.are_logged()

    def _emit(
        self,
        use: Use,
        address: Address | None,
        names: tuple[str, ...],
        verdict: Verdict,
        context: PolicyContext,
        is_logged: bool,
        path: str | None = None,
    ) -> None:
        decision = Decision(
            use=use,
            address=address,
            names=names,
            allowed=verdict.allowed,
            rule=verdict.rule,
            target=verdict.target,
            guest=context.guest,
            local=context.local,
            path=path,
            request=None if context.request is None else _described(context.request),
        )
        if is_logged:
            level = logging.INFO if verdict.allowed else logging.WARNING
            LOGGER.log(level, "%s", decision, extra={"decision": decision})
        if self._on_decision is not None:
            self._on_decision(decision)


def _described(request: Request) -> str:
    from wasihost._http.targets import target_of  # for guests that use HTTP

    return f"{request.method} {target_of(request)}"


@functools.lru_cache(maxsize=1024)
def _is_peer(target: Address, family: int) -> bool:
    """Whether something of this family can be sent there."""
    return canonical(target.ip).version == family and not target.ip.is_unspecified and target.port != 0


def _logs(level: int) -> bool:
    """Whether logging is set up for that level; else Python would write to stderr."""
    return LOGGER.isEnabledFor(level) and LOGGER.hasHandlers()
