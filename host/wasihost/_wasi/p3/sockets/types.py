"""The provider of the interface `wasi:sockets/types`."""

from __future__ import annotations

from typing import ClassVar

from wasihost._wasi.common.addresses import (
    IpAddress,
    IpAddressFamily,
    IpSocketAddress,
    Ipv4SocketAddress,
    Ipv6SocketAddress,
)
from wasihost._wasi.p3.sockets.errors import ErrorCode
from wasihost._wasi.p3.sockets.tcp import TcpSocket
from wasihost._wasi.p3.sockets.udp import UdpSocket
from wasihost._wasi.sockets.access import Access


class Types:
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

    def __init__(self, access: Access) -> None:
        self.access = access
