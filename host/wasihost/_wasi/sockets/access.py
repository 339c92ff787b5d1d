"""A network together with the policy that guards it: shared by every socket and every lookup of one guest."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import TypeVar

from wasihost._network.base import Address, Family, Network
from wasihost._policy import Decision, Policy, PolicyContext, SocketAddressUse, Verdict, deny_all
from wasihost._policy.asking import Asker, Steps
from wasihost._wasi.failures import Failure, Reason
from wasihost._wasi.sockets.own import OwnListeners

T = TypeVar("T")


class Refused(PermissionError):
    """The policy refuses: EACCES. A class of its own, as a policy itself may raise PermissionError too."""

    def __init__(self) -> None:
        super().__init__(errno.EACCES, os.strerror(errno.EACCES))


class Access(Asker):
    """The network of a guest and its permissions there; without a policy, none."""

    def __init__(
        self,
        network: Network,
        policy: Policy = deny_all,
        guest: str = "",
        on_decision: Callable[[Decision], None] | None = None,
    ) -> None:
        super().__init__(policy, guest, on_decision)
        self.network = network
        self.own = OwnListeners()

    def require(
        self,
        address: Address,
        *uses: SocketAddressUse,
        context: PolicyContext | None = None,
        otherwise: Verdict | None = None,
    ) -> Steps[Verdict]:
        """Steps to the verdict on the first use that the policy allows, `otherwise` as in `ask`. Errors: Refused."""
        return permitted((yield from self._one_of(address, uses, context or self.context, otherwise)))


def permitted(verdict: Verdict) -> Verdict:
    """The verdict if it allows. Errors: Refused."""
    if not verdict.allowed:
        raise Refused
    return verdict


def new_socket(make: Callable[[Family], T], family: Family) -> T:
    """A socket of the network. EAFNOSUPPORT is NOT_SUPPORTED here, and nowhere else."""
    try:
        return make(family)
    except OSError as error:
        if error.errno == errno.EAFNOSUPPORT:
            raise Failure(Reason.NOT_SUPPORTED) from error
        raise Failure(error) from error
