"""The types of the fixtures that the pytest plugin has, for annotations."""

from wasihost._base.public import publish as _publish
from wasihost._pytest import Answer, Asked, BenchClock, Guest, GuestFiles, GuestLoader, Http, Origin, ServedGuest, Trace

__all__ = [
    "Answer",
    "Asked",
    "BenchClock",
    "Guest",
    "GuestFiles",
    "GuestLoader",
    "Http",
    "Origin",
    "ServedGuest",
    "Trace",
]

_publish(globals())
