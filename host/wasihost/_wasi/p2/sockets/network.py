"""`wasi:sockets/network` and `instance-network`."""

from __future__ import annotations

from typing import Final

from wasihost._wasi.common.addresses import (
    IpAddress,
    IpAddressFamily,
    IpSocketAddress,
    Ipv4SocketAddress,
    Ipv6SocketAddress,
)
from wasihost._wasi.p2.io.error import Domain, Error
from wasihost._wasi.p2.sockets.errors import ErrorCode, error_code

TYPES: Final[dict[str, type]] = {
    "error-code": ErrorCode,
    "ip-address-family": IpAddressFamily,
    "ip-address": IpAddress,
    "ipv4-socket-address": Ipv4SocketAddress,
    "ipv6-socket-address": Ipv6SocketAddress,
    "ip-socket-address": IpSocketAddress,
}
"""Of wasi:sockets/network; the other interfaces use them."""


class NetworkResource:
    """WIT: `resource network`; a handle without a meaning: the policy has the guest's permissions."""


class Network:
    """Provider of wasi:sockets/network."""

    Network = NetworkResource

    wit_types = TYPES

    def network_error_code(self, err: Error) -> ErrorCode | None:
        """WIT: `network-error-code: func(err: borrow<error>) -> option<error-code>`.

        None for an error of a stream that is no socket's.
        """
        return error_code(err.cause) if err.domain is Domain.NETWORK else None


class InstanceNetwork:
    """Provider of wasi:sockets/instance-network."""

    Network = NetworkResource

    def instance_network(self) -> NetworkResource:
        """WIT: `instance-network: func() -> network`; a new handle at each call."""
        return NetworkResource()
