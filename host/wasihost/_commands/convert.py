"""`wasihost convert`."""

from __future__ import annotations

import argparse

from wasihost._commands.parsing import Commands


def add_to(commands: Commands) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "convert",
        help="make a picture of a recording",
        description="Writes a recording, a transcript of `wasihost run --record`, in other formats.",
    )
    parser.add_argument("recording", metavar="RECORDING", help="the transcript")
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="what to write: .pcapng for Wireshark, .html for a browser, anything else is a transcript again",
    )
    parser.set_defaults(command=main)


def main(arguments: argparse.Namespace) -> int:
    """Writes the files."""
    from wasihost._commands.recordings import convert  # nothing that `run` should wait for

    convert(arguments.recording, arguments.files)
    return 0
