"""A network together with the policy that guards it: what every socket of one guest shares."""

from __future__ import annotations

import errno
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from wasihost.component.values import WitError
from wasihost.network.base import Address, Family, Network
from wasihost.network.policy import Policy, SocketAddressUse, deny_all
from wasihost.wasi.sockets.errors import ErrorCode, wit_error

T = TypeVar("T")


class Access:
    """The network of a guest and what the guest may do there; without a policy, nothing."""

    def __init__(self, network: Network, policy: Policy = deny_all) -> None:
        self.network = network
        self.policy = policy

    def ask(self, address: Address, use: SocketAddressUse) -> bool | Awaitable[bool]:
        """The policy's answer, which may take time."""
        return self.policy(address, use)

    def allows(self, asked: Sequence[tuple[Address, SocketAddressUse]]) -> bool | Awaitable[bool]:
        """Whether the policy allows all of these; it is not asked on after a refusal."""
        for position, (address, use) in enumerate(asked, 1):
            answer = self.ask(address, use)
            if not isinstance(answer, bool):
                return self._allows_after(answer, asked[position:])
            if not answer:
                return False
        return True

    async def _allows_after(self, answer: Awaitable[bool], asked: Sequence[tuple[Address, SocketAddressUse]]) -> bool:
        if not await answer:
            return False
        rest = self.allows(asked)
        return rest if isinstance(rest, bool) else await rest

    async def require(self, address: Address, *uses: SocketAddressUse) -> None:
        """Returns when the policy allows one of the uses, else raises access-denied; waits only if the policy does."""
        for use in uses:
            answer = self.ask(address, use)
            if answer if isinstance(answer, bool) else await answer:
                return
        raise WitError(ErrorCode.AccessDenied())


def new_socket(make: Callable[[Family], T], family: Family) -> T:
    """A socket of the network. EAFNOSUPPORT is `not-supported` here, and nowhere else."""
    try:
        return make(family)
    except OSError as error:
        if error.errno == errno.EAFNOSUPPORT:
            raise WitError(ErrorCode.NotSupported()) from error
        raise wit_error(error) from error
