"""Which addresses sockets take."""

from __future__ import annotations

import functools
from ipaddress import IPv4Address, IPv6Address

from wasihost._network.base import Address, Family


def is_valid_local(address: Address, family: Family) -> bool:
    """Whether TCP's `bind` takes it: unicast and of the socket's family."""
    return is_of_family(address, family) and _is_unicast(address)


def is_valid_remote(address: Address, family: Family) -> bool:
    """Whether TCP's `connect` takes it: as `bind`, and neither the address nor the port is zero."""
    return _is_unicast(address) and is_valid_peer(address, family)


@functools.lru_cache(maxsize=1024)
def is_valid_peer(address: Address, family: Family) -> bool:
    """Whether UDP's `connect` and `send` take it: of the socket's family, and neither address nor port is zero."""
    return is_of_family(address, family) and not address.ip.is_unspecified and address.port != 0


def is_of_family(address: Address, family: Family) -> bool:
    """Whether UDP's `bind` takes it. IPv6 sockets carry IPv6 only: addresses that mean an IPv4 one are not of them."""
    ip = address.ip
    if isinstance(ip, IPv4Address):
        return family == 4
    return family == 6 and ip.ipv4_mapped is None and not _is_ipv4_compatible(ip)


def _is_ipv4_compatible(ip: IPv6Address) -> bool:
    """`::a.b.c.d`, deprecated by RFC 4291, section 2.5.5.1; `::` and `::1` are not."""
    return 1 < int(ip) < 1 << 32


def _is_unicast(address: Address) -> bool:
    """Broadcast addresses of a subnet cannot be recognised."""
    return not address.ip.is_multicast and address.ip != _BROADCAST


_BROADCAST = IPv4Address("255.255.255.255")
