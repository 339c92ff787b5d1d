"""The option of `wasihost run` for directories."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from wasihost._base.errors import ConfigError

if TYPE_CHECKING:  # only needed if a directory is given
    from wasihost._wasi.filesystem.directory import Directory

USAGE = "[--dir HOST[::GUEST[::ro]] ...]"


def add_to(parser: argparse.ArgumentParser) -> None:
    """Gives the parser the option."""
    parser.add_argument(
        "--dir",
        action="append",
        type=_mount,
        default=[],
        metavar="HOST[::GUEST[::ro]]",
        help="give the guest this directory with all that is in it, as GUEST or under the same name; with ::ro it can "
        "change nothing there; may be repeated",
    )


def _mount(text: str) -> tuple[str, str, bool]:
    host, *rest = text.split("::")
    guest = rest[0] if rest else host
    if not host or not guest or rest[1:] not in ([], ["ro"]):
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST, HOST::GUEST or HOST::GUEST::ro")
    return host, guest, bool(rest[1:])


def directories(arguments: argparse.Namespace) -> dict[str, Directory]:
    """The directories by the guest's names. Errors: ConfigError."""
    if not arguments.dir:
        return {}
    from wasihost._wasi.filesystem.directory import Directory

    found: dict[str, Directory] = {}
    for host, guest, read_only in arguments.dir:
        if guest in found:
            raise ConfigError(f"--dir: two directories have the name {guest!r} for the guest")
        found[guest] = Directory(host, read_only=read_only)
    return found
