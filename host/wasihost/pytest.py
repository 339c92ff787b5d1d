"""The types of the fixtures that the pytest plugin has, for annotations."""

from wasihost._base.public import publish as _publish
from wasihost._pytest import BenchClock, Guest, GuestLoader, Trace

__all__ = ["BenchClock", "Guest", "GuestLoader", "Trace"]

_publish(globals())
