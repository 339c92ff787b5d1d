"""`wasihost compile`."""

from __future__ import annotations

import argparse

from wasihost._base.errors import WasihostError
from wasihost._commands import limit_options
from wasihost._commands.parsing import Commands, add_component, add_plug, add_wasip2, reflected
from wasihost._host.host import Host

_DESCRIPTION = """\
Compiles a component into a file that `wasihost run --compiled FILE`, `wasihost serve --compiled FILE` and
Host.load_compiled take and start without a compiler, for images and workers. It is native code for this processor and
these versions of wasihost and Wasmtime; with --limit fuel=N, code that counts fuel.
"""


def add_to(commands: Commands) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "compile",
        operands="--output FILE COMPONENT",
        help="compile a component into a file",
        description=_DESCRIPTION,
        topics=("limits",),
    )
    add_wasip2(parser)
    limit_options.add_to(parser, limit_options.OF_OTHERS)
    add_plug(parser)
    parser.add_argument("--output", "-o", metavar="FILE", required=True, help="the file to write")
    add_component(parser)
    parser.set_defaults(command=main)


def main(arguments: argparse.Namespace) -> int:
    """Compiles it."""
    limits, _ = limit_options.limits(arguments)
    host = Host(wasip2=arguments.wasip2, limits=limits)
    component = reflected(host, arguments.component, arguments.plug)
    try:
        host.save_compiled(component, arguments.output)
    except OSError as error:
        raise WasihostError(f"{arguments.output} cannot be written: {error.strerror}") from None
    return 0
