"""`wasi:sockets` 0.3: the providers are `types.Types` and `ip_name_lookup.IpNameLookup`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from wasihost.network.base import Network
from wasihost.network.names import Names
from wasihost.policy import Decision, Policy

IN_ORDER: Final = ("wasi:sockets/types@0.3.0#[method]tcp-socket.bind",)
"""Functions that must come after what the guest did with streams: a port is free once its accept stream is dropped."""


def providers(
    network: Network,
    policy: Policy,
    names: Names | None = None,
    guest: str = "",
    on_decision: Callable[[Decision], None] | None = None,
) -> dict[str, object]:
    """A provider for each interface, for one guest.

    `names` are the network's if none are given; `guest` is what the policy is told, and `on_decision` is told what the
    policy says.
    """
    # Importing wasihost shall not take the time of these, nor shall commands that only show a component.
    from wasihost.wasi.sockets.ip_name_lookup import IpNameLookup
    from wasihost.wasi.sockets.types import Types

    types = Types(network, policy, guest, on_decision)
    return {
        "wasi:sockets/types@0.3.0": types,
        "wasi:sockets/ip-name-lookup@0.3.0": IpNameLookup(names or Names(network.resolve), types),
    }
