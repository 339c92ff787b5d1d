"""`wasihost convert`."""

from __future__ import annotations

import argparse
from pathlib import PurePath

from wasihost._base.errors import ConfigError
from wasihost._commands.parsing import Commands


def add_to(commands: Commands) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "convert",
        operands="RECORDING FILE ...",
        help="make a picture of a recording",
        description="Writes a recording, a transcript of `wasihost run --record`, in other formats.",
    )
    parser.add_argument("recording", metavar="RECORDING", help="the transcript")
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="the files to write: .pcapng for Wireshark, .html for a browser, .jsonl for a transcript again",
    )
    parser.set_defaults(command=main)


def main(arguments: argparse.Namespace) -> int:
    """Writes the files."""
    from wasihost._commands.recordings import FORMATS, convert  # nothing that `run` should wait for

    for path in arguments.files:
        if PurePath(path).suffix.lower() not in FORMATS:
            raise ConfigError(f"{path}: expected a file name that ends with {', '.join(FORMATS)}")
    convert(arguments.recording, arguments.files)
    return 0
