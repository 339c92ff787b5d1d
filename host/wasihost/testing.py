"""Tests of guests and networks: a network in memory, virtual time, and the checks that every network passes.

The fixtures for pytest are in `wasihost.pytest`.
"""

from wasihost._base.public import publish as _publish
from wasihost._network.virtual import VirtualNetwork
from wasihost._testing import conformance
from wasihost._testing.loop import VirtualLoop, run_virtual, virtual_loop

__all__ = ["VirtualLoop", "VirtualNetwork", "conformance", "run_virtual", "virtual_loop"]

_publish(globals())
