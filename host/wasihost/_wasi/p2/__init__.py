"""WASI 0.2 on the cores of `wasihost._wasi`: each method converts, calls and converts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wasihost._wasi.context import Maker, WasiContext
from wasihost._wasi.p2 import cli, clocks, filesystem, io, random, sockets

IN_ORDER: Final = (*io.IN_ORDER, *sockets.IN_ORDER, *cli.IN_ORDER)
"""Functions that must come after the guest's operations on streams of 0.3."""

WINDOWED: Final = io.WINDOWED
"""Interfaces whose lists of bytes go through a window inside of the guest."""


def _http(wasi: WasiContext) -> Mapping[str, object]:
    from wasihost._wasi.p2 import http  # only for guests that import it

    return http.providers(wasi.http)


PACKAGES: Final[Mapping[str, Maker]] = {
    "wasi:io": lambda _wasi: io.providers(),
    "wasi:cli": lambda wasi: cli.providers(wasi.command, wasi.stdio, wasi.unwritten),
    "wasi:clocks": lambda wasi: clocks.providers(wasi.clock),
    "wasi:filesystem": lambda wasi: filesystem.providers(wasi.mounts, wasi.unwritten),
    "wasi:http": _http,
    "wasi:random": lambda wasi: random.providers(wasi.random),
    "wasi:sockets": lambda wasi: sockets.providers(wasi.access, wasi.names, wasi.unwritten),
}
"""The functions that make the providers of each package."""
