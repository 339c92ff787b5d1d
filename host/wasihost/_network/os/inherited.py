"""A socket that listens already, given to this process or made before it was forked."""

from __future__ import annotations

import socket

from wasihost._network.base import Address, Family, Socket
from wasihost._network.os.network import OsNetwork
from wasihost._network.wrapping import NetworkAround, SocketAround


class InheritedListener(NetworkAround):
    """The network of this machine, whose TCP socket is one that listens already."""

    def __init__(self, inner: OsNetwork, listener: socket.socket) -> None:
        super().__init__(inner)
        self._network = inner
        self._listener = listener

    def tcp_socket(self, family: Family) -> Socket:
        return _Listening(self._network.adopted(self._listener.dup(), family))


class _Listening(SocketAround):
    __slots__ = ()

    def bind(self, address: Address) -> None:
        """It is bound."""

    def listen(self, backlog: int) -> None:
        """It listens, with the backlog that it has."""
