"""`wasi:sockets`: the provider is `types.Types`; addresses, errors and states each have one file."""

from __future__ import annotations

from typing import Final

from wasihost.network.base import Network
from wasihost.network.policy import Policy
from wasihost.wasi.sockets.types import Types

IN_ORDER: Final = ("wasi:sockets/types#[method]tcp-socket.bind",)
"""Functions that must come after what the guest did with streams: a port is free once its accept stream is dropped."""


def providers(network: Network, policy: Policy) -> dict[str, object]:
    """A provider for each interface, by its name without the version."""
    return {"wasi:sockets/types": Types(network, policy)}
