"""`wasihost inspect`."""

from __future__ import annotations

import argparse

from wasihost._commands import limit_options, provider_options
from wasihost._commands.exits import FAILURE
from wasihost._commands.parsing import Commands, add_component, add_no_cache, add_plug, add_wasip2, cache, reflected
from wasihost._host.host import Host

_DESCRIPTION = """\
Shows the imports and exports of a component as WIT, and marks each imported
function:
  direct      a Python function in Wasmtime's linker
  adapted     through the adapter component: async, with streams or futures
  native 0.2  Wasmtime's own WASI 0.2, with --wasip2 native
  denied 0.2  its sockets, which are denied whatever the policy
  missing     nothing provides it
The exit code is 1 if something is missing.
"""


def add_to(commands: Commands) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "inspect",
        operands="COMPONENT",
        help="show imports and exports of a component, and whether it will run",
        description=_DESCRIPTION,
        topics=("limits", "cache"),
    )
    add_wasip2(parser)
    add_no_cache(parser)
    limit_options.add_to(parser, limit_options.OF_OTHERS)
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument(
        "--why", action="store_true", help="a table instead: the server of each import, its version, and its options"
    )
    instead.add_argument("--json", action="store_true", help="the same as JSON, for programs")
    provider_options.add_to(parser)
    add_plug(parser)
    add_component(parser)
    parser.set_defaults(command=main)


def main(arguments: argparse.Namespace) -> int:
    """Prints the report; 1 if the component will not run."""
    # Nothing that `run` should wait for.
    import json

    from wasihost._commands.inspection import Inspection

    with provider_options.provided(arguments) as providers:
        limits, _ = limit_options.limits(arguments)
        host = Host(providers=providers, cache=cache(arguments), wasip2=arguments.wasip2, limits=limits)
        component = reflected(host, arguments.component, arguments.plug)
        inspection = Inspection(component, host.providers(), why=arguments.why)
        if not inspection.problems:
            component.compile()  # only then it is known whether its code is valid
    print(json.dumps(inspection.document(), indent=2) if arguments.json else inspection.text)
    return FAILURE if inspection.problems else 0
