"""wasi:sockets 0.2, on the cores that 0.3 uses too."""

from __future__ import annotations

from typing import Final

from wasihost._base.streams import Unwritten
from wasihost._network.names import Names
from wasihost._wasi.sockets.access import Access

IN_ORDER: Final = ("wasi:sockets/tcp@0.2.0#[method]tcp-socket.start-bind",)
"""Functions that must come after the guest's operations on streams of 0.3, which may hold the port that it wants."""


def providers(access: Access, names: Names, unwritten: Unwritten) -> dict[str, object]:
    """A provider for each interface, for one guest."""
    # Importing wasihost shall not take the time of these.
    from wasihost._wasi.p2.sockets.ip_name_lookup import IpNameLookup
    from wasihost._wasi.p2.sockets.network import InstanceNetwork, Network
    from wasihost._wasi.p2.sockets.tcp import Tcp, TcpCreateSocket
    from wasihost._wasi.p2.sockets.udp import Udp, UdpCreateSocket
    from wasihost._wasi.sockets.lookup import Lookup

    return {
        "wasi:sockets/network@0.2.0": Network(),
        "wasi:sockets/instance-network@0.2.0": InstanceNetwork(),
        "wasi:sockets/tcp@0.2.0": Tcp(),
        "wasi:sockets/tcp-create-socket@0.2.0": TcpCreateSocket(access, unwritten),
        "wasi:sockets/udp@0.2.0": Udp(),
        "wasi:sockets/udp-create-socket@0.2.0": UdpCreateSocket(access),
        "wasi:sockets/ip-name-lookup@0.2.0": IpNameLookup(Lookup(names, access)),
    }
