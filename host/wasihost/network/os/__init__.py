"""The network of the operating system."""

from wasihost.network.os.network import OsNetwork

__all__ = ["OsNetwork"]
