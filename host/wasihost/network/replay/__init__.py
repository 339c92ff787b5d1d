"""A recording instead of a network."""

from wasihost.network.replay.network import ReplayNetwork

__all__ = ["ReplayNetwork"]
