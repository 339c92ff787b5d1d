"""For tests of programs that run guests: virtual time, and the checks that every network passes.

- `virtual_loop` and `run_virtual`: an event loop whose time moves when nothing else can run.
- `wasihost.testing.conformance`: the checks whether a network of your own keeps the rules of the seam.
- `VirtualNetwork`: a network in memory.
"""

from wasihost._network.virtual import VirtualNetwork
from wasihost._testing.loop import VirtualLoop, run_virtual, virtual_loop

__all__ = ["VirtualLoop", "VirtualNetwork", "run_virtual", "virtual_loop"]
