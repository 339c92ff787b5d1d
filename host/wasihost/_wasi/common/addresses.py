"""The address types of `wasi:sockets`, and their counterparts at the network seam."""

from __future__ import annotations

import enum
import functools
from ipaddress import IPv4Address, IPv6Address
from typing import ClassVar, TypeAlias

from wasihost._base.frozen import Frozen
from wasihost._network.base import Address, Family

Ipv4Tuple: TypeAlias = tuple[int, int, int, int]
Ipv6Tuple: TypeAlias = tuple[int, int, int, int, int, int, int, int]


class IpAddressFamily(enum.Enum):
    """WIT: `enum ip-address-family`."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"


FAMILIES: dict[IpAddressFamily, Family] = {IpAddressFamily.IPV4: 4, IpAddressFamily.IPV6: 6}


class IpAddress:
    """WIT: `variant ip-address`."""

    class Ipv4(Frozen):
        """Four bytes."""

        case: ClassVar[str] = "ipv4"
        value: Ipv4Tuple

    class Ipv6(Frozen):
        """Eight 16-bit groups."""

        case: ClassVar[str] = "ipv6"
        value: Ipv6Tuple


class Ipv4SocketAddress(Frozen):
    """WIT: `record ipv4-socket-address`."""

    port: int
    address: Ipv4Tuple

    def __init__(self, port: int, address: Ipv4Tuple) -> None:
        fields = self.__dict__
        fields["port"] = port
        fields["address"] = address


class Ipv6SocketAddress(Frozen):
    """WIT: `record ipv6-socket-address`."""

    port: int
    flow_info: int
    address: Ipv6Tuple
    scope_id: int

    def __init__(self, port: int, flow_info: int, address: Ipv6Tuple, scope_id: int) -> None:
        fields = self.__dict__
        fields["port"] = port
        fields["flow_info"] = flow_info
        fields["address"] = address
        fields["scope_id"] = scope_id


class IpSocketAddress:
    """WIT: `variant ip-socket-address`."""

    class Ipv4(Frozen):
        """An IPv4 address and a port."""

        case: ClassVar[str] = "ipv4"
        value: Ipv4SocketAddress

        def __init__(self, value: Ipv4SocketAddress) -> None:
            self.__dict__["value"] = value

    class Ipv6(Frozen):
        """An IPv6 address, a port, flow information and a scope."""

        case: ClassVar[str] = "ipv6"
        value: Ipv6SocketAddress

        def __init__(self, value: Ipv6SocketAddress) -> None:
            self.__dict__["value"] = value


AnyIpAddress: TypeAlias = IpAddress.Ipv4 | IpAddress.Ipv6
AnyIpSocketAddress: TypeAlias = IpSocketAddress.Ipv4 | IpSocketAddress.Ipv6


# ---- to and from the network seam; each datagram has an address, and most have one that another had before


def from_family(family: Family) -> IpAddressFamily:
    """A family of the network seam as an `ip-address-family`."""
    return IpAddressFamily.IPV4 if family == 4 else IpAddressFamily.IPV6


def to_network(address: AnyIpSocketAddress) -> Address:
    """An `ip-socket-address` as the network seam has it.

    Its value is of a generated class where an interface uses this type but not that of the value.
    """
    if isinstance(address, IpSocketAddress.Ipv4):
        return _v4_to_network(address.value.port, address.value.address)
    value = address.value
    return _v6_to_network(value.port, value.flow_info, value.address, value.scope_id)


@functools.lru_cache(maxsize=1024)
def _v4_to_network(port: int, octets: Ipv4Tuple) -> Address:
    return Address(IPv4Address(bytes(octets)), port)


@functools.lru_cache(maxsize=1024)
def _v6_to_network(port: int, flow_info: int, groups: Ipv6Tuple, scope_id: int) -> Address:
    packed = b"".join(group.to_bytes(2, "big") for group in groups)
    return Address(IPv6Address(packed), port, flow_info, scope_id)


@functools.lru_cache(maxsize=1024)
def from_network(address: Address) -> AnyIpSocketAddress:
    """An address of the network seam as an `ip-socket-address`."""
    if address.ip.version == 4:
        return IpSocketAddress.Ipv4(Ipv4SocketAddress(address.port, _ipv4_tuple(address.ip.packed)))
    groups = _ipv6_tuple(address.ip.packed)
    return IpSocketAddress.Ipv6(Ipv6SocketAddress(address.port, address.flow_info, groups, address.scope_id))


def from_ip(ip: IPv4Address | IPv6Address) -> AnyIpAddress:
    """An IP address as an `ip-address`."""
    return IpAddress.Ipv4(_ipv4_tuple(ip.packed)) if ip.version == 4 else IpAddress.Ipv6(_ipv6_tuple(ip.packed))


def _ipv4_tuple(packed: bytes) -> Ipv4Tuple:
    a, b, c, d = packed
    return a, b, c, d


def _ipv6_tuple(packed: bytes) -> Ipv6Tuple:
    a, b, c, d, e, f, g, h = (packed[i] << 8 | packed[i + 1] for i in range(0, 16, 2))
    return a, b, c, d, e, f, g, h
