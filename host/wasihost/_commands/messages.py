"""Messages of commands on standard error: lines that begin with `wasihost:`."""

from __future__ import annotations

import os
import sys
from typing import Final

from wasihost._base.terminals import coloured, may_have_colours

ERROR: Final = "1;31"  # bold red, ECMA-48 8.3.117
WARNING: Final = "33"  # yellow
NOTE: Final = "1"  # bold


def say(text: str, style: str = NOTE) -> None:
    """Prints each line of a text, with the name of this program before it, which has the style on a terminal."""
    name = "wasihost:"
    if may_have_colours(sys.stderr, os.environ):
        name = coloured(name, style)
    for line in text.splitlines():
        print(name, line, file=sys.stderr)
