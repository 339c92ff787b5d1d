"""The users that keep a socket of the network open."""

from __future__ import annotations

from wasihost._network.base import Socket


class SharedSocket:
    """A socket of the network with the number of its owners; whoever makes it is the first."""

    __slots__ = ("_owners", "resets", "socket")

    def __init__(self, socket: Socket) -> None:
        self.socket = socket
        self.resets = False  # whether closing is a reset
        self._owners = 1

    def own(self) -> SharedSocket:
        """Adds an owner."""
        self._owners += 1
        return self

    def release(self) -> None:
        """Takes an owner away; the last one closes the socket."""
        self._owners -= 1
        if not self._owners:
            if self.resets:
                self.socket.abort()
            else:
                self.socket.close()
