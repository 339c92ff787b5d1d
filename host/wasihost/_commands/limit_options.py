"""The option `--limit` of `wasihost run`: of the guest itself, of its network, and of its files."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from wasihost._base.bounds import bounds, parse, shown
from wasihost._base.limits import Limits

if TYPE_CHECKING:
    from wasihost._network.quotas import Quotas

USAGE = "[--limit NAME=NUMBER ...]"

OF_OTHERS = "another limit, as for `wasihost run`, such as world-parts=200000; may be repeated"
"""The help of commands that run nothing."""


def epilog() -> str:
    """Every limit, for the help."""
    from wasihost._network.quotas import Quotas

    return "\n".join(
        [
            "A limit of --limit is one of these; bytes also as 64KiB, 10MiB, 1GiB. Of the network and of files:",
            *_lines(Quotas),
            "What is beyond these fails with an error-code, or waits for its time; the first time, stderr has a line.",
            "Of the guest, which is stopped when it goes beyond one (docs/reference/limits.md):",
            *_lines(Limits),
            "",
        ]
    )


def _lines(owner: type) -> list[str]:
    lines = []
    for name, bound in bounds(owner).items():
        default = "" if bound.default is None else f" ({shown(name, bound.default)})"
        lines.append(f"  {name.replace('_', '-'):<23} {bound.what}{default}")
    return lines


def add_to(
    parser: argparse.ArgumentParser,
    text: str = "let the guest use only so much, such as connections=10 or run-time-s=60; see below; may be repeated",
) -> None:
    """Adds the option, with this help."""
    parser.add_argument(
        "--limit",
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        help=text,
    )


def limits(arguments: argparse.Namespace) -> tuple[Limits, Quotas | None]:
    """What it says of the guest, and of what it uses. Errors: ConfigError."""
    if not arguments.limit:
        return Limits(), None
    from wasihost._network.quotas import Quotas

    of_use = bounds(Quotas)
    found = parse(arguments.limit, {**of_use, **bounds(Limits)})
    quotas = {name: found.pop(name) for name in of_use if name in found}
    return Limits(**found), Quotas(**quotas)
