"""WASI 0.3 on the cores of `wasihost._wasi`: each method converts, calls and converts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wasihost._wasi.context import Maker, WasiContext
from wasihost._wasi.p3 import cli, clocks, filesystem, random, sockets

IN_ORDER: Final = (*sockets.IN_ORDER, *cli.IN_ORDER)
"""Functions that must come after the guest's operations on streams."""


def _http(wasi: WasiContext) -> Mapping[str, object]:
    from wasihost._wasi.p3 import http  # only for guests that import it

    return http.providers(wasi.http)


PACKAGES: Final[Mapping[str, Maker]] = {
    "wasi:cli": lambda wasi: cli.providers(wasi.command, wasi.stdio),
    "wasi:clocks": lambda wasi: clocks.providers(wasi.clock),
    "wasi:filesystem": lambda wasi: filesystem.providers(wasi.mounts),
    "wasi:http": _http,
    "wasi:random": lambda wasi: random.providers(wasi.random),
    "wasi:sockets": lambda wasi: sockets.providers(wasi.access, wasi.names),
}
"""The functions that make the providers of each package."""
