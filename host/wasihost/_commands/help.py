"""`wasihost help`: topics of which several options speak."""

from __future__ import annotations

import argparse
import sys

from wasihost._base.errors import ConfigError
from wasihost._base.nearest import did_you_mean
from wasihost._commands.parsing import Commands, print_in_colours
from wasihost._commands.topics import TOPICS, row, text_of


def listed() -> str:
    """The topics of `wasihost help TOPIC`, a line for each."""
    return "topics:\n" + "\n".join(line for name, (about, _) in TOPICS.items() for line in row(name, about, 24))


def add_to(commands: Commands) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "help",
        operands="COMMAND|TOPIC",
        help="explain a command or a topic",
        description=f"Explains a command or a topic.\n\n{listed()}",
    )
    parser.add_argument("topic", metavar="COMMAND|TOPIC")
    parser.set_defaults(command=main)


def main(arguments: argparse.Namespace) -> int:
    """Prints the text of a topic; `help COMMAND` is taken for `COMMAND --help` before."""
    topic = arguments.topic
    if topic not in TOPICS:
        raise ConfigError(f"there is no command and no topic {topic!r}{did_you_mean(topic, TOPICS)}")
    print_in_colours(text_of(topic), sys.stdout)
    return 0
