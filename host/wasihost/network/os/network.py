"""The network of the operating system, on the running asyncio event loop (or a compatible one, such as uvloop).

`tcp` and `udp` have the sockets, `endpoint` what they share. Differences between platforms end there:

| what | where | what is done |
|---|---|---|
| buffer sizes come back doubled | Linux, socket(7) | halved |
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

from wasihost.network.base import DatagramSocket, Family, IpAddress, Network, Socket
from wasihost.network.lookups import LookupThreads
from wasihost.network.os.endpoint import new_os_socket
from wasihost.network.os.tcp import OsSocket
from wasihost.network.os.udp import OsDatagramSocket


class OsNetwork(Network):
    """The network of this machine, unrestricted: what a guest may do is for a policy to say.

    Each guest of a `Host` gets one of its own, with threads for its lookups.
    """

    def __init__(self) -> None:
        self._threads = LookupThreads()

    def for_guest(self) -> OsNetwork:
        return OsNetwork()

    def tcp_socket(self, family: Family) -> Socket:
        return OsSocket(new_os_socket(family, socket.SOCK_STREAM), family)

    def udp_socket(self, family: Family) -> DatagramSocket:
        return OsDatagramSocket(new_os_socket(family, socket.SOCK_DGRAM), family)

    async def resolve(self, name: str) -> Sequence[IpAddress]:
        # The kind of socket only keeps each address from coming three times.
        found = await self._threads.run(socket.getaddrinfo, name, None, type=socket.SOCK_STREAM)
        return [ip_address(str(address[0]).partition("%")[0]) for *_, address in found]
