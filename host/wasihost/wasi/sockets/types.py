"""The provider of the interface `wasi:sockets/types`."""

from __future__ import annotations

from typing import ClassVar

from wasihost.wasi.sockets.access import Access
from wasihost.wasi.sockets.addresses import (
    IpAddress,
    IpAddressFamily,
    IpSocketAddress,
    Ipv4SocketAddress,
    Ipv6SocketAddress,
)
from wasihost.wasi.sockets.errors import ErrorCode
from wasihost.wasi.sockets.tcp import TcpSocket
from wasihost.wasi.sockets.udp import UdpSocket


class Types(Access):
    """`wasi:sockets/types`: the sockets of one guest, on a network and guarded by a policy."""

    wit_types: ClassVar[dict[str, type]] = {
        "error-code": ErrorCode,
        "ip-address-family": IpAddressFamily,
        "ip-address": IpAddress,
        "ipv4-socket-address": Ipv4SocketAddress,
        "ipv6-socket-address": Ipv6SocketAddress,
        "ip-socket-address": IpSocketAddress,
    }

    TcpSocket = TcpSocket
    UdpSocket = UdpSocket
