"""What the providers of one guest stand on, whichever version of WASI they serve."""

from __future__ import annotations

from wasihost.clock import Clock
from wasihost.frozen import Frozen
from wasihost.network.names import Names
from wasihost.wasi.cli import Command
from wasihost.wasi.random import Random
from wasihost.wasi.sockets.access import Access


class WasiContext(Frozen):
    """The cores that all of them share: one stdout, one source of random numbers, one guard of the network."""

    command: Command
    clock: Clock
    random: Random
    access: Access
    names: Names
