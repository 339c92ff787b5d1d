"""The network of the operating system."""

from wasihost._network.os.network import OsNetwork

__all__ = ["OsNetwork"]
