"""Writes docs/reference/command-line.md, `make docs`: commands, options and exit codes, from the parsers."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from wasihost._commands import exits
from wasihost._commands.cli import parser
from wasihost._commands.parsing import Parser

PAGE = Path(__file__).resolve().parents[1] / "docs/reference/command-line.md"
_HEAD = """\
# Command line

`make docs` writes this page from what `wasihost COMMAND --help` prints. `wasihost help` lists the topics that it
explains besides, such as `wasihost help rules`.
"""
_COMPLETION = """\
`wasihost completion bash`, `zsh` and `fish` print a script for the shell, which completes commands and options. On a
terminal, help and messages have colours, unless NO_COLOR is set.
"""


def page() -> str:
    """The text of the page."""
    return "\n".join([_HEAD, _COMPLETION, *map("\n".join, map(_section, parser().commands.values())), *_exit_codes()])


def _section(command: Parser) -> Iterator[str]:
    yield f"## {command.prog}\n"
    yield f"```\n{command.format_usage().strip()}\n\n{(command.description or '').strip()}\n```\n"
    for title, actions in command.sections():
        shown = [action for action in actions if action.dest != "help" and action.help not in (None, argparse.SUPPRESS)]
        rows = [*map(_row, shown)]
        if rows:
            yield "\n".join([f"| {title} | |", "|---|---|", *rows, ""])


def _row(action: argparse.Action) -> str:
    value = "" if action.nargs == 0 else f" {action.metavar}" if action.option_strings else str(action.metavar)
    names = ", ".join(f"`{name}{value}`" for name in action.option_strings) or f"`{value}`"
    return f"| {_cell(names)} | {_cell(action.help or '')} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _exit_codes() -> Iterator[str]:
    yield "## Exit codes\n"
    yield "\n".join(["| code | meaning |", "|---|---|", *(f"| {code} | {text} |" for code, text in exits.TABLE), ""])


def main() -> None:
    """Replaces the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
