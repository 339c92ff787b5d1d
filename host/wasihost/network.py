"""Networks that guests use: the operating system's, one in memory, and those that change another one.

A network of your own is a `Network`; `wasihost.testing.conformance` checks it.
"""

from wasihost._base.public import publish as _publish
from wasihost._network.base import Address, DatagramSocket, Endpoint, Family, Network, Option, Socket
from wasihost._network.faults import Fault, FaultPlan, FaultyNetwork, RandomFaults
from wasihost._network.names import Addresses, Resolver
from wasihost._network.os import OsNetwork
from wasihost._network.quotas import QuotaNetwork, Quotas
from wasihost._network.virtual import Connection, Server, VirtualHost, VirtualNetwork
from wasihost._network.wrapping import DatagramSocketAround, NetworkAround, SocketAround

__all__ = [
    "Address",
    "Addresses",
    "Connection",
    "DatagramSocket",
    "DatagramSocketAround",
    "Endpoint",
    "Family",
    "Fault",
    "FaultPlan",
    "FaultyNetwork",
    "Network",
    "NetworkAround",
    "Option",
    "OsNetwork",
    "QuotaNetwork",
    "Quotas",
    "RandomFaults",
    "Resolver",
    "Server",
    "Socket",
    "SocketAround",
    "VirtualHost",
    "VirtualNetwork",
]

_publish(globals())
