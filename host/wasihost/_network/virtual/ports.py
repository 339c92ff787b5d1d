"""The ports of one host and one protocol: the socket bound to each address."""

from __future__ import annotations

import errno
from typing import Generic, TypeVar

from wasihost._network.base import Address, IpAddress

EPHEMERAL = range(32768, 61000)
"""The ports that replace port 0, one after another: Linux's ip_local_port_range."""

T = TypeVar("T")


class Ports(Generic[T]):
    """Endpoints by address. Both families have their own ports; the wildcard address is in the way of all others."""

    def __init__(self) -> None:
        self._bound: dict[tuple[int, int], dict[IpAddress, T]] = {}  # by family and port
        self._next = EPHEMERAL.start

    def bind(self, address: Address, endpoint: T) -> Address:
        """The address that the endpoint has now. EADDRINUSE: another has it, or there is no free port."""
        ip = address.ip
        port = address.port or self._free_port(address.ip)
        holders = self._bound.setdefault((ip.version, port), {})
        if holders and (ip in holders or ip.is_unspecified or any(other.is_unspecified for other in holders)):
            raise OSError(errno.EADDRINUSE, f"another socket is bound to {Address(ip, port)}")
        holders[ip] = endpoint
        return Address(ip, port)

    def release(self, address: Address) -> None:
        """The address is free again."""
        key = (address.ip.version, address.port)
        holders = self._bound[key]
        del holders[address.ip]
        if not holders:
            del self._bound[key]

    def at(self, address: Address) -> T | None:
        """The socket that receives at an address."""
        holders = self._bound.get((address.ip.version, address.port), {})
        for ip, endpoint in holders.items():
            if ip == address.ip or ip.is_unspecified:
                return endpoint
        return None

    def _free_port(self, ip: IpAddress) -> int:
        for _ in EPHEMERAL:
            port = self._next
            self._next = port + 1 if port + 1 in EPHEMERAL else EPHEMERAL.start
            if (ip.version, port) not in self._bound:
                return port
        raise OSError(errno.EADDRINUSE, "no ephemeral port is free")
