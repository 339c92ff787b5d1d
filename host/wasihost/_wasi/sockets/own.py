"""Connections of a guest with itself over loopback, which need no rule.

Theory of operation. WASI has no socket pairs, so programs make one of a listener that they connect to: CPython does
for each event loop of asyncio. Within one guest of WASI 0.2 this is allowed where no rule says anything: a socket that
is bound to any free port of loopback listens privately, the guest connects to where it listens so, and such a listener
accepts the connections that this guest has begun, known by their local addresses, and resets every other. A policy that
refuses by a rule, or for a reason of its own, is obeyed, and so is `deny_all`.
"""

from __future__ import annotations

from typing import Final

from wasihost._network.base import Address
from wasihost._policy import Verdict

OWN: Final = Verdict(True, "the exception for a guest's own socket pairs")


def is_free_loopback_port(address: Address) -> bool:
    """Whether to bind there may be the beginning of such a connection."""
    return address.ip.is_loopback and address.port == 0


class OwnListeners:
    """The private listeners of one guest, and which connections it has begun to each."""

    def __init__(self) -> None:
        self._begun: dict[Address, set[Address]] = {}

    def __contains__(self, address: Address) -> bool:
        return address in self._begun

    def open(self, address: Address) -> None:
        """The guest listens there, privately."""
        self._begun[address] = set()

    def close(self, address: Address) -> None:
        """It listens there no more."""
        self._begun.pop(address, None)

    def connect(self, address: Address, local: Address) -> None:
        """The guest begins to connect to its listener, from there."""
        self._begun[address].add(local)

    def accept(self, address: Address, peer: Address) -> bool:
        """Whether it is the guest that connects; once for each connection."""
        begun = self._begun.get(address, set())
        if peer not in begun:
            return False
        begun.remove(peer)
        return True
