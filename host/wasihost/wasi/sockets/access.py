"""A network together with the policy that guards it: what every socket and every lookup of one guest shares."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import TypeVar

from wasihost.network.base import Address, Network
from wasihost.policy import Context, Decision, Policy, SocketAddressUse, Verdict, deny_all
from wasihost.policy.asking import Asker, settled

T = TypeVar("T")


class Refused(PermissionError):
    """The policy refuses: EACCES. A class of its own, as what a policy raises may be a PermissionError too."""


class Access(Asker):
    """The network of a guest and what the guest may do there; without a policy, nothing."""

    def __init__(
        self,
        network: Network,
        policy: Policy = deny_all,
        guest: str = "",
        on_decision: Callable[[Decision], None] | None = None,
    ) -> None:
        super().__init__(policy, guest, on_decision)
        self.network = network

    async def require(self, address: Address, *uses: SocketAddressUse, context: Context | None = None) -> Verdict:
        """The verdict on the first use that the policy allows; waits only if the policy does. Errors: Refused."""
        return permitted(await settled(self.ask_for_one(address, uses, context)))


def permitted(verdict: Verdict) -> Verdict:
    """The verdict if it allows. Errors: Refused."""
    if not verdict.allowed:
        raise Refused(errno.EACCES, os.strerror(errno.EACCES))
    return verdict
