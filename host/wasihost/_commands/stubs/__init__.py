"""`wasihost stubs`: typed Python for a component.

For each interface that it imports a Protocol to implement, for each that it exports a class to call, and the classes of
their types. A class that inherits from the Protocol hands its `wit_types` to the machine, and so does an object of an
exports class: the values that come are of the classes written here.

`naming` gives every name its Python form, `annotations` says what a type is, `classes` and `interfaces` write.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from wasihost._base.errors import ConfigError, WasihostError
from wasihost._commands import limit_options
from wasihost._commands.parsing import Commands, add_plug, reflected
from wasihost._component.adapt import Component, wiring_of
from wasihost._host.host import Host

_DESCRIPTION = """\
Writes typed Python for a component to standard output:
  for each interface it imports    a Protocol: inherit from it, and give an object to Host(providers=...)
  for each interface it exports    a class with async methods
  for all that it exports          the class World, for Host.open(component, exports=World)
  for their types                  dataclasses, enums and flags, which the values that come are of
Interfaces that wasihost provides itself are left out. WIT text is read with wasm-tools (wasihost[wit]).

  wasihost stubs guest.wasm -o guest.py
  wasihost stubs wit/ --world app -o app.py
"""


def add_to(commands: Commands) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "stubs",
        operands="COMPONENT",
        help="write typed Python for what a component imports and exports",
        description=_DESCRIPTION,
    )
    limit_options.add_to(parser, limit_options.OF_OTHERS)
    parser.add_argument("--all", action="store_true", help="also the interfaces that wasihost provides itself")
    parser.add_argument("-o", "--output", metavar="FILE", help="write to FILE, not to standard output")
    parser.add_argument("--sync", action="store_true", help="exports for Host.open_sync, with plain methods")
    parser.add_argument("--world", metavar="NAME", help="the world of WIT text; may be left out if there is only one")
    add_plug(parser)
    parser.add_argument(
        "component",
        metavar="COMPONENT",
        help="its file, or its text in a .wat file; or WIT text: a .wit file, or a folder as in wit/ with wit/deps",
    )
    parser.set_defaults(command=main)


def main(arguments: argparse.Namespace) -> int:
    """Writes the module."""
    from wasihost._component.running.imports.providers import Providers

    limits, _ = limit_options.limits(arguments)
    host = Host(limits=limits)
    ours = Providers({} if arguments.all else host.providers())
    title = f"Typed Python for {Path(arguments.component).name}, written by `wasihost stubs`."
    component = _component(host, arguments)
    text = write(component, title, lambda name: ours.find(name) is not None, is_sync=arguments.sync)
    if arguments.output is None:
        print(text, end="")
        return 0
    try:
        Path(arguments.output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise WasihostError(f"{arguments.output} cannot be written: {error.strerror}") from None
    return 0


def _component(host: Host, arguments: argparse.Namespace) -> Component:
    from wasihost._commands.stubs import wit

    if wit.is_wit(arguments.component):
        return host.reflect(wit.component(arguments.component, arguments.world), plug=dict(arguments.plug))
    if arguments.world is not None:
        raise ConfigError("--world is for WIT text: a component has one world")
    return reflected(host, arguments.component, arguments.plug)


def write(
    component: Component, title: str, left_out: Callable[[str], bool] = lambda _: False, *, is_sync: bool = False
) -> str:
    """The text of a Python module, without the imported interfaces that are `left_out`; `is_sync`: for `open_sync`."""
    from wasihost._commands.stubs.interfaces import Writer  # nothing that `run` should wait for

    return Writer(wiring_of(component), title, left_out, is_sync).text()
