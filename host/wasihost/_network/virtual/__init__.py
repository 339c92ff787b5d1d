"""A network in memory, for tests: `VirtualNetwork`.

`network` has hosts, names and links, `host` the sockets of Python programs; `tcp` and `udp` are the sockets, on `pipes`
and `ports`; `topology` knows the hosts and links, `ways` how long it takes.
"""

from wasihost._network.peers import Server
from wasihost._network.virtual.connections import Connection
from wasihost._network.virtual.host import VirtualHost
from wasihost._network.virtual.network import VirtualNetwork

__all__ = ["Connection", "Server", "VirtualHost", "VirtualNetwork"]
