"""`wasihost inspect --why`: for each import its server, the version, and the options that concern it."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from wasihost._base.quoting import line
from wasihost._commands import provider_options
from wasihost._component.world import versions
from wasihost._component.world.wiring import Wiring
from wasihost._host import native_wasip2

_HEAD = ("import", "served by", "version", "options of `wasihost run`")
_WIDEST = 60
"""Of a column; a guest chooses the names of its imports."""
_OPTIONS = {
    "wasi:cli/environment": "--env, --inherit-env, --argv0",
    "wasi:cli/stdin": "--stdin",
    "wasi:filesystem/": "--dir",
    "wasi:random/": "--seed",
    "wasi:sockets/ip-name-lookup": "--allow-resolve, --deny-resolve, --add-host",
    **provider_options.HINTS,
    "wasi:sockets/": "--allow-net, --allow-outbound, --allow-inbound, --limit",
}
"""By the beginning of an interface's name."""
_OPTIONS_0_2 = ("wasi:cli/environment", "wasi:cli/stdin")
"""Those that Wasmtime's own WASI 0.2 follows too."""


def table(wiring: Wiring, providers: Collection[str]) -> Iterator[str]:
    """The table, a line for each import; `providers` are the names under which they are registered."""
    rows = [_HEAD, *(_row(name, wiring, providers) for name in wiring.world.imports)]
    widths = [min(max(map(len, column)), _WIDEST) for column in zip(*rows, strict=True)]
    for row in rows:
        yield line("  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)).rstrip())


def _row(name: str, wiring: Wiring, providers: Collection[str]) -> tuple[str, str, str, str]:
    options = next((text for start, text in _OPTIONS.items() if name.startswith(start)), "-")
    if name in wiring.native:
        server = "Wasmtime, which denies it" if native_wasip2.denies(name) else "Wasmtime"
        return name, server, "0.2", options if name.startswith(_OPTIONS_0_2) else "-"
    serving = versions.serving(name, providers)
    if serving is None:
        return name or "the world itself", "nothing", "-", provider_options.hint_for(name)
    return name or "the world itself", "wasihost", serving.partition("@")[2] or "any", options
