"""A network together with the policy that guards it: what every socket and every lookup of one guest shares.

Theory of operation. Whoever is about to do something asks here first, and gets a `Verdict`, or a `Question` if the
policy takes time. Both have been told as a `Decision` once the verdict is there: to `on_decision`, and to the logger
`wasihost.policy`, where what is refused is a warning and what is allowed is of the level INFO. A decision is made only
for somebody who wants it: whether anybody wants those that allow is looked up when the instance is made, since most
datagrams are allowed.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Awaitable, Callable, Generator, Sequence
from typing import Any, Final, TypeVar

from wasihost.component.values import WitError
from wasihost.network.base import Address, Family, Network
from wasihost.network.names import ToldNames
from wasihost.policy import Answer, Context, Decision, NameUse, Policy, SocketAddressUse, Use, Verdict, deny_all
from wasihost.policy.policy import ALLOWED, ask_about_name, verdict_of
from wasihost.wasi.sockets.addresses import is_valid_peer
from wasihost.wasi.sockets.errors import ErrorCode, wit_error

T = TypeVar("T")
LOGGER: Final = logging.getLogger("wasihost.policy")


class Question:
    """A policy that is still thinking: await it, or give `settle` what its answer came to."""

    __slots__ = ("_settle", "answer")

    def __init__(self, answer: Awaitable[Answer], settle: Callable[[Answer], Verdict]) -> None:
        self.answer = answer
        self._settle = settle

    def settle(self, answer: Answer) -> Verdict:
        """The verdict, told."""
        return self._settle(answer)

    def __await__(self) -> Generator[Any, Any, Verdict]:
        return self._settle((yield from self.answer.__await__()))


class Access:
    """The network of a guest and what the guest may do there; without a policy, nothing."""

    def __init__(
        self,
        network: Network,
        policy: Policy = deny_all,
        guest: str = "",
        on_decision: Callable[[Decision], None] | None = None,
    ) -> None:
        self.network = network
        self.policy = policy
        self.told = ToldNames()
        self.context = Context(guest, None, self.told.names)
        self._on_decision = on_decision
        self._tells_what_is_allowed = on_decision is not None or _logs(logging.INFO)

    def ask(
        self,
        address: Address,
        use: SocketAddressUse,
        context: Context | None = None,
        source: Address | None = None,
    ) -> Verdict | Question:
        """The policy's verdict, or a question if it takes time.

        `source` is where a datagram came from whose sender is to be shown as `address`; the policy must send there what
        is for that address.
        """
        context = context or self.context
        answer = self.policy(address, use, context)
        if not self._tells_what_is_allowed:  # for nearly all datagrams nothing is left to do then
            if answer is True:
                return ALLOWED
            if isinstance(answer, Verdict) and answer.allowed and answer.target is None:
                return answer
        if not isinstance(answer, bool) and isinstance(answer, Awaitable):
            return Question(answer, lambda answer: self._settle(answer, address, use, context, source))
        return self._settle(answer, address, use, context, source)

    def ask_about_name(self, name: str) -> Verdict | Question:
        """The same about the lookup of a name in ASCII."""
        answer = ask_about_name(self.policy, name, self.context)
        if isinstance(answer, Awaitable):
            return Question(answer, lambda answer: self._settle_name(answer, name))
        return self._settle_name(answer, name)

    def allows(self, asked: Sequence[tuple[Address, SocketAddressUse]]) -> Verdict | Awaitable[Verdict]:
        """The verdict on the first of these if the policy allows all; it is not asked on after a refusal."""
        first: Verdict | None = None
        for position, (address, use) in enumerate(asked, 1):
            verdict = self.ask(address, use)
            if not isinstance(verdict, Verdict):
                return self._allows_after(verdict, first, asked[position:])
            if not verdict.allowed:
                return verdict
            first = first or verdict
        assert first is not None
        return first

    async def _allows_after(
        self, question: Question, first: Verdict | None, rest: Sequence[tuple[Address, SocketAddressUse]]
    ) -> Verdict:
        verdict = await question
        first = first or verdict
        if not verdict.allowed or not rest:
            return first if verdict.allowed else verdict
        later = self.allows(rest)
        later = later if isinstance(later, Verdict) else await later
        return first if later.allowed else later

    async def require(self, address: Address, *uses: SocketAddressUse, context: Context | None = None) -> Verdict:
        """The verdict, if the policy allows one of the uses, else raises access-denied; waits only if the policy does.

        Only the use that decided is told: the one that is allowed, or the first.
        """
        context = context or self.context
        refused: tuple[SocketAddressUse, Verdict] | None = None
        for use in uses:
            answer = self.policy(address, use, context)
            verdict = self._judged(await answer if isinstance(answer, Awaitable) else answer, address)
            if verdict.allowed:
                self._tell_address(address, use, verdict, context)
                return verdict
            refused = refused or (use, verdict)
        assert refused is not None
        self._tell_address(address, *refused, context)
        raise WitError(ErrorCode.AccessDenied())

    def tell_name(self, name: str, rule: str) -> None:
        """Tells that a name may be looked up, which the policy was not asked about."""
        self._settle_name(Verdict(True, rule), name)

    # ---- below

    def _settle(
        self, answer: Answer, address: Address, use: SocketAddressUse, context: Context, source: Address | None
    ) -> Verdict:
        verdict = self._judged(answer, address)
        if source is not None and verdict.target not in (None, source):
            verdict = Verdict(False, verdict.rule)
        self._tell_address(address, use, verdict, context)
        return verdict

    def _judged(self, answer: Answer, address: Address) -> Verdict:
        verdict = verdict_of(answer, self.policy)
        target = verdict.target
        if target is not None and not is_valid_peer(target, address.ip.version):
            raise ValueError(f"the policy sends {address} to {target}, which is no address of a peer of that family")
        return verdict

    def _settle_name(self, answer: Answer, name: str) -> Verdict:
        verdict = verdict_of(answer, self.policy)
        if self._is_told(verdict):
            self._tell(NameUse.RESOLVE, None, (name.removesuffix("."),), verdict, self.context)
        return verdict

    def _tell_address(self, address: Address, use: SocketAddressUse, verdict: Verdict, context: Context) -> None:
        if self._is_told(verdict):
            self._tell(use, address, context.names_of(address.ip), verdict, context)

    def _is_told(self, verdict: Verdict) -> bool:
        return self._tells_what_is_allowed or (not verdict.allowed and _logs(logging.WARNING))

    def _tell(
        self, use: Use, address: Address | None, names: tuple[str, ...], verdict: Verdict, context: Context
    ) -> None:
        decision = Decision(
            use, address, names, verdict.allowed, verdict.rule, verdict.target, context.guest, context.local
        )
        level = logging.INFO if verdict.allowed else logging.WARNING
        if _logs(level):
            LOGGER.log(level, "%s", decision, extra={"decision": decision})
        if self._on_decision is not None:
            self._on_decision(decision)


def _logs(level: int) -> bool:
    """Whether anybody has set up logging and wants that; else Python would write to stderr."""
    return LOGGER.isEnabledFor(level) and LOGGER.hasHandlers()


async def settled(verdict: Verdict | Question) -> Verdict:
    """A verdict, once it is there."""
    return verdict if isinstance(verdict, Verdict) else await verdict


def new_socket(make: Callable[[Family], T], family: Family) -> T:
    """A socket of the network. EAFNOSUPPORT is `not-supported` here, and nowhere else."""
    try:
        return make(family)
    except OSError as error:
        if error.errno == errno.EAFNOSUPPORT:
            raise WitError(ErrorCode.NotSupported()) from error
        raise wit_error(error) from error
