"""The network of the operating system, on the running asyncio event loop (or a compatible one, such as uvloop).

`tcp` and `udp` have the sockets, `endpoint` their common base. Differences between platforms end there:

| difference | where | mended by |
|---|---|---|
| buffer sizes come back doubled | Linux, socket(7) | halving them |
| pending network errors come out of accept | Linux, accept(2) | ECONNABORTED |
| no free port in connect: EADDRNOTAVAIL, EAGAIN | Linux, BSD (WIT, connect) | EADDRINUSE |
| too large buffers: ENOBUFS | BSD | ignored: sizes are hints |
| accepted sockets lack some options of the listener | macOS | set again |
| TCP_KEEPIDLE is called TCP_KEEPALIVE | macOS | used |
| a UDP socket's first peer limits the next ones: EINVAL | Linux | disconnected before it is connected again |
| disconnecting takes back a port that the system chose | Linux | bound to it again |
| disconnecting gives EAFNOSUPPORT or EINVAL and works | macOS, connect(2) | ignored |
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from ipaddress import ip_address

from wasihost._network.base import DatagramSocket, Family, IpAddress, Network, Socket
from wasihost._network.lookups import LookupThreads
from wasihost._network.names import is_localhost
from wasihost._network.os.endpoint import new_os_socket
from wasihost._network.os.share import Share
from wasihost._network.os.tcp import OsSocket
from wasihost._network.os.udp import OsDatagramSocket


class OsNetwork(Network):
    """The network of this machine, unrestricted: restrict guests by a policy.

    Each guest of a `Host` gets one of its own. `sockets` is how many may be open at a time, by default a quarter of the
    files that this process may have open; the sockets of all guests of a process take at most half of those, or as many
    as one of them may have.
    """

    def __init__(self, *, sockets: int | None = None) -> None:
        self._sockets = sockets
        self._share = Share(sockets)
        self._threads = LookupThreads()

    def __repr__(self) -> str:
        return f"OsNetwork({'' if self._sockets is None else f'sockets={self._sockets}'})"

    def for_guest(self, sockets: int | None = None) -> OsNetwork:
        return OsNetwork(sockets=self._sockets if sockets is None else sockets)

    def for_server(self, sockets: int) -> OsNetwork:
        made = OsNetwork(sockets=sockets)
        made._share = Share(sockets, is_guests=False)
        return made

    def tcp_socket(self, family: Family) -> Socket:
        self._share.require_room()
        return OsSocket(new_os_socket(family, socket.SOCK_STREAM), family, self._share)

    def adopted(self, os_socket: socket.socket, family: Family) -> Socket:
        """A TCP socket of this process as one of this network, which owns it from now on."""
        os_socket.setblocking(False)
        return OsSocket(os_socket, family, self._share)

    def udp_socket(self, family: Family) -> DatagramSocket:
        self._share.require_room()
        return OsDatagramSocket(new_os_socket(family, socket.SOCK_DGRAM), family, self._share)

    async def resolve(self, name: str) -> Sequence[IpAddress]:
        host = "localhost" if is_localhost(name) else name
        # The kind of socket only keeps each address from coming three times.
        found = await self._threads.run(socket.getaddrinfo, host, None, type=socket.SOCK_STREAM)
        return [ip_address(str(address[0]).partition("%")[0]) for *_, address in found]
