"""`python -m wasihost`, and the command `wasihost`."""

from __future__ import annotations

import sys

from wasihost._commands import collecting
from wasihost._commands.cli import main


def start() -> int:
    """Runs the command line, as all that this process does; gives the exit code."""
    # All that was imported stays. The collector would look through it again and again, and once more at the exit: that
    # would be an eighth of the time that a small guest takes.
    collecting.begin()
    return main()


if __name__ == "__main__":
    sys.exit(start())
