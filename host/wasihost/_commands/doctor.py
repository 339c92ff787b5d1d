"""`wasihost doctor`: versions, and whether everything works here."""

from __future__ import annotations

import argparse
import os
import sys

from wasihost._base.terminals import coloured, may_have_colours
from wasihost._commands import advisories
from wasihost._commands.exits import FAILURE
from wasihost._commands.messages import ERROR
from wasihost._commands.parsing import Commands
from wasihost._commands.topics import row
from wasihost._component import ffi

_DESCRIPTION = """\
Prints versions and extras, the means of the system that wasihost uses, whether
guests run here, also after a fork, and the security advisories about Wasmtime
that were known when this version was made. The exit code is 1 if something does
not work.
"""


def add_to(commands: Commands) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "doctor", help="print versions, and whether everything works here", description=_DESCRIPTION
    )
    parser.set_defaults(command=main)


def main(_arguments: argparse.Namespace) -> int:
    """Prints the findings; 1 if something does not work."""
    from wasihost._commands.diagnosis import findings  # nothing that `run` should wait for

    found = [*findings()]
    has_colours = may_have_colours(sys.stdout, os.environ)
    for name, text, style in found:
        lines = "\n".join(row(name, text, 16))
        print(coloured(lines, style) if style and has_colours else lines)
    lacking = advisories.of(ffi.VERSION)
    print(
        f"\nAdvisories about Wasmtime {ffi.VERSION} that were known on {advisories.KNOWN_ON}: {len(lacking) or 'none'}"
    )
    for name, text in lacking:
        print("\n".join(row(name, text, 24)))
    print(f"Later ones: {advisories.URL}")
    return FAILURE if any(finding.style == ERROR for finding in found) else 0
