"""asyncio on the seam: Python programs on any network, with asyncio's own streams and protocols."""

from wasihost._network.peers.datagrams import Answering, Datagrams, DatagramSocketTransport
from wasihost._network.peers.streams import (
    Connected,
    Server,
    SocketTransport,
    connect,
    create_connection,
    create_server,
    listen,
    open_connection,
    start_server,
)

__all__ = [
    "Answering",
    "Connected",
    "DatagramSocketTransport",
    "Datagrams",
    "Server",
    "SocketTransport",
    "connect",
    "create_connection",
    "create_server",
    "listen",
    "open_connection",
    "start_server",
]
