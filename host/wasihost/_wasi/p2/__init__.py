"""WASI 0.2 on the cores of `wasihost._wasi`: each method converts, calls and converts."""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from wasihost._wasi.context import WasiContext
from wasihost._wasi.p2 import cli, clocks, filesystem, io, random, sockets

IN_ORDER: Final = (*io.IN_ORDER, *sockets.IN_ORDER, *cli.IN_ORDER)
"""Functions that must come after the guest's operations on streams of 0.3."""

WINDOWED: Final = io.WINDOWED
"""Interfaces whose lists of bytes go through a window inside of the guest."""


def providers(context: WasiContext, packages: Container[str]) -> dict[str, object]:
    """A provider for each interface of some packages, by its name with the version."""
    made: dict[str, object] = {}
    if "wasi:io" in packages:
        made |= io.providers()
    if "wasi:cli" in packages:
        made |= cli.providers(context.command, context.stdio(), context.unwritten)
    if "wasi:clocks" in packages:
        made |= clocks.providers(context.clock)
    if "wasi:filesystem" in packages:
        made |= filesystem.providers(context.mounts(), context.unwritten)
    if "wasi:random" in packages:
        made |= random.providers(context.random())
    if "wasi:sockets" in packages:
        made |= sockets.providers(context.access(), context.names(), context.unwritten)
    return made
