"""WASI 0.2 on the cores of `wasihost._wasi`: each method converts, calls and converts."""

from __future__ import annotations

from typing import Final

from wasihost._wasi.context import WasiContext
from wasihost._wasi.p2 import cli, clocks, filesystem, io, random, sockets

IN_ORDER: Final = (*io.IN_ORDER, *sockets.IN_ORDER, *cli.IN_ORDER)
"""Functions that must come after what the guest did with streams of 0.3."""

WINDOWED: Final = io.WINDOWED
"""Interfaces whose lists of bytes go through a window inside of the guest."""


def providers(context: WasiContext) -> dict[str, object]:
    """A provider for each interface, by its name with the version."""
    return {
        **io.providers(),
        **cli.providers(context.command, context.stdio, context.unwritten),
        **clocks.providers(context.clock),
        **filesystem.providers(context.mounts),
        **random.providers(context.random),
        **sockets.providers(context.access, context.names, context.unwritten),
    }
