"""The option `--limit` of `wasihost run`: of the guest itself, of its network, and of its files."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from wasihost._base.bounds import bounds, parse
from wasihost._base.limits import Limits
from wasihost._commands.parsing import Parser

if TYPE_CHECKING:
    from wasihost._network.quotas import Quotas

OF_OTHERS = "another limit, as for `wasihost run`, such as world-parts=200000; may be repeated"
"""The help of commands that run nothing."""


def add_to(
    parser: Parser,
    text: str = "let the guest use only so much, such as connections=10 or run-time-s=60; may be repeated",
) -> None:
    """Adds the option, with this help."""
    parser.group("limits").add_argument("--limit", action="append", default=[], metavar="NAME=NUMBER", help=text)


def limits(arguments: argparse.Namespace) -> tuple[Limits, Quotas | None]:
    """The limits of the guest itself, and those of its network and files. Errors: ConfigError."""
    if not arguments.limit:
        return Limits(), None
    from wasihost._network.quotas import Quotas

    of_use = bounds(Quotas)
    found = parse(arguments.limit, {**of_use, **bounds(Limits)})
    quotas = {name: found.pop(name) for name in of_use if name in found}
    return Limits(**found), Quotas(**quotas)
