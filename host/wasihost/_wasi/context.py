"""The parts that the providers of one guest share, whichever version of WASI they serve."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from wasihost._base.clock import Clock
from wasihost._base.frozen import Frozen
from wasihost._base.streams import Unwritten
from wasihost._network.names import Names
from wasihost._wasi.cli import Command, Stdio
from wasihost._wasi.filesystem.mounts import Mounts
from wasihost._wasi.random import Random
from wasihost._wasi.sockets.access import Access

if TYPE_CHECKING:  # for guests with HTTP
    from wasihost._wasi.http.context import Http


class WasiContext(Frozen):
    """The cores that all of them share: standard streams, random numbers, the guarded network, directories, HTTP.

    Those that are functions are made when they are first called, and given again: most guests want few of them.
    """

    command: Command
    stdio: Callable[[], Stdio]
    clock: Clock
    random: Callable[[], Random]
    access: Callable[[], Access]
    names: Callable[[], Names]
    unwritten: Unwritten
    mounts: Callable[[], Mounts]
    http: Callable[[], Http]
    closing: contextlib.ExitStack
    """The parts that end with the guest."""
