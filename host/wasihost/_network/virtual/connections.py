"""The connections of a virtual network, and their ends, for assertions in tests."""

from __future__ import annotations

from typing import Literal

from wasihost._network.base import Address
from wasihost._network.virtual.pipes import Pipe


class Connection:
    """One TCP connection; it keeps its numbers after its end."""

    __slots__ = ("_from_server", "_to_server", "client", "server")

    def __init__(self, client: Address, server: Address, to_server: Pipe, from_server: Pipe) -> None:
        self.client = client
        self.server = server
        self._to_server = to_server
        self._from_server = from_server

    @property
    def bytes_to_server(self) -> int:
        """The bytes that the client sent, arrived or not."""
        return self._to_server.carried

    @property
    def bytes_to_client(self) -> int:
        """The bytes that the server sent, arrived or not."""
        return self._from_server.carried

    @property
    def state(self) -> Literal["open", "client ended", "server ended", "closed", "reset"]:
        """Which ends have sent a FIN, or that one has reset it."""
        if self._to_server.is_reset or self._from_server.is_reset:
            return "reset"
        match self._to_server.end_sent, self._from_server.end_sent:
            case True, True:
                return "closed"
            case True, False:
                return "client ended"
            case False, True:
                return "server ended"
        return "open"

    def __repr__(self) -> str:
        there = self.bytes_to_server
        back = self.bytes_to_client
        return f"<{self.client} -> {self.server}, {self.state}, {there} bytes there, {back} back>"
