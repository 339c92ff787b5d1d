"""A network together with the policy that guards it: what every socket of one guest shares."""

from __future__ import annotations

from collections.abc import Awaitable

from wasihost.component.values import WitError
from wasihost.network.base import Address, Network
from wasihost.network.policy import Policy, SocketAddressUse, deny_all
from wasihost.wasi.sockets.errors import ErrorCode


class Access:
    """The network of a guest and what the guest may do there; without a policy, nothing."""

    def __init__(self, network: Network, policy: Policy = deny_all) -> None:
        self.network = network
        self.policy = policy

    def ask(self, address: Address, use: SocketAddressUse) -> bool | Awaitable[bool]:
        """The policy's answer, which may take time."""
        return self.policy(address, use)

    async def require(self, address: Address, use: SocketAddressUse) -> None:
        """Returns when the policy allows the use, else raises access-denied; waits only if the policy does."""
        answer = self.ask(address, use)
        if not (answer if isinstance(answer, bool) else await answer):
            raise WitError(ErrorCode.AccessDenied())
