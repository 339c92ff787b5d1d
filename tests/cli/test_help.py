"""The help of each command says what its parser takes."""

from __future__ import annotations

import re

import pytest

from tests.cli.conftest import Cli
from wasihost._base.errors import ConfigError, GuestExit, GuestTrap, LimitError, LinkError
from wasihost._commands.cli import COMMANDS
from wasihost._commands.ending import Ended
from wasihost._commands.exits import exit_code_of

_OPTION = re.compile(r"(--[a-z0-9-]+)(?: ([A-Za-z]+(?:\|[A-Za-z]+)*(?:=[A-Z]+|\[=[A-Z]+\]|\[::\S+\]\])?))?")


@pytest.mark.parametrize("command", COMMANDS)
def test_the_usage_has_the_options_of_the_parser_with_their_values(cli: Cli, command: str) -> None:
    usage, options = re.split(r"^options:\n", cli(command, "--help").out, maxsplit=1, flags=re.MULTILINE)
    listed = {found for line in options.split("\n\n")[0].splitlines() for found in _OPTION.findall(line[:60])[:1]}
    usage = usage.partition("\n\n")[0]
    assert {*_OPTION.findall(usage)} - {("--help", "")} == listed - {("--help", "")}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (GuestExit(7), 7),
        (Ended(15), 143),
        (GuestTrap("unreachable"), 134),
        (LimitError("too long", "run_time_s", 1.0), 124),
        (LimitError("too much", "fuel", 1), 124),
        (LimitError("too deep", "stack_bytes", 1), 134),
        (LimitError("too much", "memory_bytes", 1), 1),
        (ConfigError("wrong"), 2),
        (LinkError("missing"), 1),
        (BrokenPipeError(), 141),
        (KeyboardInterrupt(), 130),
    ],
)
def test_each_error_has_its_exit_code(error: BaseException, code: int) -> None:
    assert exit_code_of(error) == code
