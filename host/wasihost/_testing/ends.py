"""The network under test as conformance checks use it: two ends, their sockets, and the waits for them."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import os
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv6Address
from typing import TypeVar

from wasihost._network.base import Address, DatagramSocket, Endpoint, Family, IpAddress, Network, Socket

T = TypeVar("T")
E = TypeVar("E", bound=Endpoint)

LOOPBACK: dict[Family, IpAddress] = {4: IPv4Address("127.0.0.1"), 6: IPv6Address("::1")}
PATIENCE_S = 20
"""Far more than any wait of a check takes."""


class ConformanceError(AssertionError):
    """A network or file system breaks a rule; says which one, and what it did instead."""


class Ends:
    """Where a check has its client and its server, and all the sockets that it made.

    `ips` has the server's address for each family; `client`'s is the same host's unless `client_ips` says otherwise.
    """

    def __init__(
        self,
        server: Network,
        client: Network | None = None,
        ips: dict[Family, IpAddress] = LOOPBACK,
        client_ips: dict[Family, IpAddress] | None = None,
    ) -> None:
        self.server = server
        self.client = client or server
        self.ips = ips
        self.client_ips = client_ips or ips
        self._made: list[Endpoint] = []

    def close(self) -> None:
        """Closes every socket."""
        for endpoint in self._made:
            endpoint.close()

    def own(self, endpoint: E) -> E:
        """Closes it at the end too."""
        self._made.append(endpoint)
        return endpoint

    # ---- TCP

    def tcp(self, family: Family) -> Socket:
        """A socket of the server's side."""
        return self.own(self.server.tcp_socket(family))

    def tcp_client(self, family: Family) -> Socket:
        """A socket of the client's side."""
        return self.own(self.client.tcp_socket(family))

    def bound(self, family: Family, port: int = 0) -> Socket:
        """A socket of the server's side that has an address."""
        made = self.tcp(family)
        made.bind(Address(self.ips[family], port))
        return made

    def listener(self, family: Family, backlog: int = 16) -> Socket:
        """One that listens."""
        made = self.bound(family)
        made.listen(backlog)
        return made

    async def connect(self, listener: Socket, family: Family) -> Socket:
        """A client that is connected."""
        client = self.tcp_client(family)
        client.connect(listener.local_address())
        await until(client.finish_connect, client.wait_writable)
        return client

    async def accept(self, listener: Socket) -> tuple[Socket, Address]:
        """The next connection of a listener."""
        accepted, peer = await until(listener.accept, listener.wait_readable)
        return self.own(accepted), peer

    async def pair(self, family: Family) -> tuple[Socket, Socket]:
        """A client and the server's socket for it."""
        listener = self.listener(family)
        client = await self.connect(listener, family)
        return client, (await self.accept(listener))[0]

    # ---- UDP

    def udp(self, family: Family, port: int = 0) -> DatagramSocket:
        """A bound socket of the server's side."""
        made = self.own(self.server.udp_socket(family))
        made.bind(Address(self.ips[family], port))
        return made

    def udp_client(self, family: Family) -> DatagramSocket:
        """A bound socket of the client's side."""
        made = self.own(self.client.udp_socket(family))
        made.bind(Address(self.client_ips[family], 0))
        return made


# ---- waits


async def until(call: Callable[[], T], wait: Callable[[Callable[[], None]], None]) -> T:
    """The result of a call when it does not block any more."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    return call()
                except BlockingIOError:
                    ready = asyncio.Event()
                    wait(ready.set)
                    await asyncio.sleep(0)  # also for a network that calls back at once, and in vain
                    await ready.wait()
    except TimeoutError:
        raise ConformanceError(f"{call} blocks, and {wait} did not call back within {PATIENCE_S} s") from None


async def received(end: Socket, size: int) -> bytes:
    """So many bytes, or fewer if the end comes before."""
    view = memoryview(bytearray(size))
    filled = 0
    while filled < size:
        n = await until(functools.partial(end.recv_into, view[filled:]), end.wait_readable)
        if not n:
            break
        filled += n
    return bytes(view[:filled])


async def send_all(end: Socket, data: bytes) -> None:
    """Sends all of it."""
    view = memoryview(data)
    while view:
        sent = await until(functools.partial(end.send, view), end.wait_writable)
        expect(0 < sent <= len(view), f"send gives how many bytes it took of {len(view)}", sent)
        view = view[sent:]


async def datagram(end: DatagramSocket) -> tuple[bytes, Address]:
    """The next datagram."""
    return await until(end.recv_from, end.wait_readable)


async def until_called(calls: list[str]) -> None:
    """Returns when a callback has noted its call."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not calls:  # noqa: ASYNC110, there is no event to wait for
                await asyncio.sleep(0.001)
    except TimeoutError:
        raise ConformanceError(f"a callback did not come within {PATIENCE_S} s") from None


async def settle() -> None:
    """Lets bytes under way arrive."""
    for _ in range(20):
        await asyncio.sleep(0.001)


# ---- expectations


def expect(holds: bool, rule: str, found: object = None) -> None:
    """Raises unless the rule was kept."""
    if not holds:
        raise ConformanceError(f"{rule}; found: {found!r}")


def expect_equal(found: object, expected: object, rule: str) -> None:
    """Raises unless the two are equal."""
    expect(found == expected, f"{rule}: expected {expected!r}", found)


@contextlib.contextmanager
def expect_error(rule: str, *codes: int) -> Iterator[None]:
    """Raises unless an OSError with one of these numbers comes out."""
    names = " or ".join(errno.errorcode[code] for code in codes)
    try:
        yield
    except OSError as error:
        if error.errno not in codes:
            found = errno.errorcode.get(error.errno or 0, repr(error))
            raise ConformanceError(
                f"{rule}: expected {names}; found: {found} ({os.strerror(error.errno or 0)})"
            ) from error
    else:
        raise ConformanceError(f"{rule}: expected {names}; nothing was raised")
