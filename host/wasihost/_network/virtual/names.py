"""The names of a virtual network: those of its hosts, `localhost`, and whatever else a test gives."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from wasihost._network.base import IpAddress
from wasihost._network.names import Addresses, ascii_name, is_localhost, literal, parse_addresses
from wasihost._network.virtual.topology import LOOPBACK


class VirtualNames:
    """Addresses by name, in any spelling of it."""

    def __init__(self) -> None:
        self._addresses: dict[str, Sequence[IpAddress]] = {"localhost": tuple(LOOPBACK.values())}

    def add(self, name: str, addresses: Addresses) -> None:
        """Gives a name its addresses, best first, instead of those that it had. ValueError: it is not a name."""
        self._addresses[ascii_name(name).removesuffix(".")] = parse_addresses(addresses)

    def resolve(self, name: str) -> Sequence[IpAddress]:
        """The addresses. Errors: socket.gaierror, EAI_NONAME."""
        if (ip := literal(name)) is not None:
            return [ip]
        try:
            name = ascii_name(name).removesuffix(".")
            return self._addresses["localhost" if is_localhost(name) and name not in self._addresses else name]
        except (KeyError, ValueError):
            raise socket.gaierror(socket.EAI_NONAME, f"the virtual network has no host {name!r}") from None
