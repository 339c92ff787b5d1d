"""A recording instead of a network."""

from wasihost._recording.replay.network import ReplayNetwork

__all__ = ["ReplayNetwork"]
