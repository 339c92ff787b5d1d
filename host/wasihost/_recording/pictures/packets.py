"""IP packets as bytes: IPv4 (RFC 791) or IPv6 (RFC 8200), with TCP (RFC 9293) or UDP (RFC 768) in it.

Scapy's layers would do as well, and take 0.7 ms for each packet instead of 0.02.
"""

from __future__ import annotations

import struct
from typing import Final

from wasihost._network.base import Address, IpAddress

FIN = 1
SYN = 2
RST = 4
PSH = 8
ACK = 16
WINDOW: Final = 0xFFFF
_TCP = 6
_UDP = 17
_HOP_LIMIT: Final = 64
_VERSION_4 = 0x45
_DONT_FRAGMENT = 0x4000
_VERSION_6 = 6 << 28


def tcp(source: Address, destination: Address, number: int, expected: int, flags: int, data: bytes) -> bytes:
    """A TCP packet: `number` is of its first byte, `expected` of the one that the source waits for."""
    ports = (source.port, destination.port)
    header = struct.pack("!HHIIBBHHH", *ports, number, expected, 5 << 4, flags, WINDOW, 0, 0)
    return _ip(source.ip, destination.ip, _TCP, header, 16, data)


def udp(source: Address, destination: Address, data: bytes) -> bytes:
    """A UDP packet."""
    header = struct.pack("!HHHH", source.port, destination.port, 8 + len(data), 0)
    return _ip(source.ip, destination.ip, _UDP, header, 6, data)


def _ip(source: IpAddress, goal: IpAddress, protocol: int, header: bytes, checksum_at: int, data: bytes) -> bytes:
    addresses = source.packed + goal.packed
    size = len(header) + len(data)
    checksum = _checksum(b"".join((addresses, struct.pack("!II", size, protocol), header, data)))
    if protocol == _UDP:
        checksum = checksum or 0xFFFF  # 0 says that there is none
    header = header[:checksum_at] + struct.pack("!H", checksum) + header[checksum_at + 2 :]
    if source.version == 6:
        outer = struct.pack("!IHBB", _VERSION_6, size, protocol, _HOP_LIMIT)
    else:
        fields = (_VERSION_4, 0, 20 + size, 0, _DONT_FRAGMENT, _HOP_LIMIT, protocol)
        outer = struct.pack("!BBHHHBBH", *fields, _checksum(struct.pack("!BBHHHBB", *fields) + addresses))
    return b"".join((outer, addresses, header, data))


def _checksum(data: bytes) -> int:
    """RFC 1071: adding words and the carry to the sum is to count modulo 0xFFFF."""
    return -int.from_bytes(data + b"\0" * (len(data) % 2), "big") % 0xFFFF
