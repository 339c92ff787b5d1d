"""`wasihost completion`: scripts with which a shell completes commands, options and files."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable, Iterator
from typing import Final

from wasihost._commands.parsing import Commands
from wasihost._commands.topics import TOPICS

_DESCRIPTION = """\
Prints a script that makes a shell complete commands, options and file names:
  bash   wasihost completion bash > ~/.local/share/bash-completion/completions/wasihost
  zsh    wasihost completion zsh > _wasihost     in a directory of $fpath
  fish   wasihost completion fish > ~/.config/fish/completions/wasihost.fish
"""


def add_to(commands: Commands) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "completion",
        operands="|".join(_SHELLS),
        help="print a script that makes a shell complete this command line",
        description=_DESCRIPTION,
    )
    parser.add_argument("shell", choices=_SHELLS, help="the shell")
    parser.set_defaults(command=functools.partial(main, commands))


def main(commands: Commands, arguments: argparse.Namespace) -> int:
    """Prints the script."""
    print("\n".join(_SHELLS[arguments.shell](commands)))
    return 0


def _words(name: str) -> list[str]:
    """The words that may follow a command, besides options and files."""
    return [*TOPICS] if name == "help" else [*_SHELLS] if name == "completion" else []


def _bash(commands: Commands) -> Iterator[str]:
    yield "_wasihost() {"
    yield '  local current="${COMP_WORDS[COMP_CWORD]}" words=""'
    yield '  case "$COMP_CWORD ${COMP_WORDS[1]}" in'
    yield f'    "1 "*) words="{" ".join(commands.choices)}" ;;'
    for name, parser in commands.choices.items():
        options = " ".join([*(option.name for option in parser.options()), *_words(name)])
        yield f'    *" {name}") words="{options}" ;;'
    yield "  esac"
    yield '  COMPREPLY=($(compgen -W "$words" -- "$current"))'
    yield "}"
    yield "complete -o default -F _wasihost wasihost"


def _zsh(commands: Commands) -> Iterator[str]:
    yield "#compdef wasihost"
    yield "local -a found"
    yield "if (( CURRENT == 2 )); then"
    yield f"  found=({' '.join(commands.choices)})"
    yield "else"
    yield '  case "$words[2]" in'
    for name, parser in commands.choices.items():
        described = [f"{option.name}:{option.about}" for option in parser.options()] + _words(name)
        yield f"    {name}) found=({' '.join(map(_quoted, described))}) ;;"
    yield "  esac"
    yield "fi"
    yield "_describe wasihost found"
    yield "_files"


def _fish(commands: Commands) -> Iterator[str]:
    for name, parser in commands.choices.items():
        yield f"complete -c wasihost -n __fish_use_subcommand -a {name}"
        condition = _quoted(f"__fish_seen_subcommand_from {name}")
        for option in parser.options():
            form = f"-l {option.name[2:]}" if option.name.startswith("--") else f"-s {option.name[1:]}"
            value = " -r" if option.takes_value else ""
            yield f"complete -c wasihost -n {condition} {form} -d {_quoted(option.about)}{value}"
        for word in _words(name):
            yield f"complete -c wasihost -n {condition} -a {word}"


def _quoted(text: str) -> str:
    """As bash, zsh and fish read it."""
    return "'" + text.replace("'", '"') + "'"


_SHELLS: Final[dict[str, Callable[[Commands], Iterator[str]]]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
