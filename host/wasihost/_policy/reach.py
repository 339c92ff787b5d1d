"""Which addresses are public, and which ones a name may lead to.

A resolver's answer is in the hands of the owner of the name, who may answer with an address of this machine or of the
embedder's network, and with another one the next time (DNS rebinding). So the effect of a rule with a name depends on
the address, too:

| rule names | a resolver's answer may be |
|---|---|
| the host itself, `db.example.com` | anything but this machine, a link-local address or a cloud's metadata |
| a domain, `*.example.com` | a public address |
| `localhost`, `*.localhost` | a loopback address (RFC 6761, section 6.3) |

The whole Internet can reach public addresses: the registries of IANA are written out here, since `ipaddress` differs
from one Python to the next. An IPv6 address that embeds an IPv4 one counts as that one.
"""

from __future__ import annotations

import functools
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final, TypeAlias

from wasihost._network.base import IpAddress
from wasihost._network.names import is_localhost

IpNetwork: TypeAlias = IPv4Network | IPv6Network
Texts: TypeAlias = tuple[str, ...]

LOOPBACK: Final[Texts] = ("127.0.0.0/8", "::1/128")  # RFC 1122, RFC 4291
PRIVATE: Final[Texts] = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")  # RFC 1918, RFC 4193
LINK_LOCAL: Final[Texts] = ("169.254.0.0/16", "fe80::/10")  # RFC 3927, RFC 4291
MULTICAST: Final[Texts] = ("224.0.0.0/4", "ff00::/8")  # RFC 5771, RFC 4291
METADATA: Final[Texts] = (
    "169.254.169.254",  # nearly all clouds
    "168.63.129.16",  # Azure
    "192.0.0.192",  # Oracle
    "100.100.100.200",  # Alibaba
    "fd00:ec2::254",  # AWS
    "fd20:ce::254",  # Google
    "fd00:42::42",  # Scaleway
)
"""Addresses at which clouds give a machine its metadata, and often credentials."""

NOT_PUBLIC: Final[Texts] = (
    # IANA IPv4 Special-Purpose Address Registry of 2025: the ranges that are not globally reachable. And multicast.
    "0.0.0.0/8",  # this network, RFC 791
    "10.0.0.0/8",
    "100.64.0.0/10",  # shared by the customers of a provider, RFC 6598
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",  # protocol assignments, RFC 6890
    "192.0.2.0/24",  # documentation, RFC 5737
    "192.88.99.0/24",  # relays of 6to4, deprecated by RFC 7526
    "192.168.0.0/16",
    "198.18.0.0/15",  # benchmarks, RFC 2544
    "198.51.100.0/24",  # documentation, RFC 5737
    "203.0.113.0/24",  # documentation, RFC 5737
    "224.0.0.0/4",
    "240.0.0.0/4",  # reserved, RFC 1112; broadcast
    # IANA IPv6 Special-Purpose Address Registry of 2025, within 2000::/3, which is all of global unicast (RFC 4291;
    # IANA IPv6 Address Space): fc00::/7, fec0::/10, 5f00::/16 and others need no line.
    "2001::/23",  # protocol assignments and Teredo, RFC 2928 and RFC 4380
    "2001:db8::/32",  # documentation, RFC 3849
    "2002::/16",  # 6to4, RFC 3056, deprecated by RFC 7526
    "3fff::/20",  # documentation, RFC 9637
    *METADATA,
)
PUBLIC_WITHIN: Final[Texts] = (  # globally reachable ranges within those
    *("192.0.0.9", "192.0.0.10", "2001:1::1", "2001:1::2", "2001:1::3"),  # anycast: RFC 7723, RFC 8155, RFC 9665
    "2001:3::/32",  # AMT, RFC 7450
    "2001:4:112::/48",  # AS112, RFC 7535
    "2001:20::/28",  # ORCHIDv2, RFC 7343
    "2001:30::/28",  # drones, RFC 9374
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_MAPPED = 0xFFFF  # ::ffff:0:0/96, RFC 4291
_NAT64 = 0x64FF9B << 64  # 64:ff9b::/96, RFC 6052
_6TO4 = 0x2002  # 2002::/16, RFC 3056
_LOCAL: Final[Texts] = ("0.0.0.0/8", "::/128", *LOOPBACK, *LINK_LOCAL, *METADATA)


@functools.lru_cache(maxsize=1024)
def is_public(ip: IpAddress) -> bool:
    """Whether the whole Internet can reach the address, by the registries of IANA, and it is not a cloud's."""
    if isinstance(ip, IPv6Address) and ip not in _GLOBAL_UNICAST:
        carried = carried_ip(ip)
        return carried is not ip and is_public(carried)
    return not _is_in(ip, NOT_PUBLIC) or _is_in(ip, PUBLIC_WITHIN)


def carried_ip(ip: IpAddress) -> IpAddress:
    """The IPv4 address to which an IPv6 one leads by NAT64 or 6to4, or which it maps; else the address itself."""
    if isinstance(ip, IPv4Address):
        return ip
    number = int(ip)  # a tenth of the time of the properties of `ipaddress`
    if number >> 32 in (_MAPPED, _NAT64):
        return IPv4Address(number & 0xFFFFFFFF)
    return IPv4Address(number >> 80 & 0xFFFFFFFF) if number >> 112 == _6TO4 else ip


@functools.lru_cache(maxsize=1024)
def may_lead_to(pattern: str, name: str, ip: IpAddress) -> bool:
    """Whether a rule with that name or `*.example.com` allows an address that a resolver gave for a name it matches."""
    if is_localhost(name):
        return _is_in(ip, LOOPBACK)
    return is_public(ip) if pattern.startswith("*.") else not _is_in(carried_ip(ip), _LOCAL)


def _is_in(ip: IpAddress, texts: Texts) -> bool:
    return any(ip in network for network in _networks(texts))


@functools.cache
def _networks(texts: Texts) -> tuple[IpNetwork, ...]:
    return tuple(map(ip_network, texts))
