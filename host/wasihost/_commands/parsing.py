"""Parts that the parsers of several commands share."""

from __future__ import annotations

import argparse
import functools
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, Any, Final, NamedTuple, NoReturn, Protocol, TypeVar

from wasihost._base.errors import ComponentError, ConfigError
from wasihost._base.nearest import did_you_mean
from wasihost._base.terminals import coloured, may_have_colours
from wasihost._commands.messages import ERROR
from wasihost._component.adapt import Component
from wasihost._component.cache import Cache
from wasihost._host.host import Host
from wasihost._host.loading import Wasip2

N = TypeVar("N")

_WASIP2: Final[dict[str, Wasip2 | None]] = {"python": "python", "native": "native", "none": None}
# A heading, an option; ECMA-48 8.3.117: bold, cyan.
_STYLES: Final = ((re.compile(r"^[a-z][^\n]*:$", re.MULTILINE), "1"), (re.compile(r"(?<![\w-])--?[a-z][\w-]*"), "36"))


class Commands(Protocol):
    """To which each command adds its parser; `argparse` has no public name for it."""

    @property
    def choices(self) -> Mapping[str, Parser]:
        """The parsers of all commands."""
        ...

    def add_parser(self, name: str, **options: Any) -> Parser:
        """A new parser, as of `argparse.ArgumentParser(**options)`."""
        ...


class Option(NamedTuple):
    """An option by one of its names, with the first words of its help."""

    name: str
    about: str
    takes_value: bool


class Parser(argparse.ArgumentParser):
    """The parser of a command: options in groups, none of them abbreviated, and a hint for one that is unknown.

    The usage is one line, with these `operands` of the command. `topics`: those of `wasihost help` that belong to it.
    """

    def __init__(self, *, operands: str = "", topics: Sequence[str] = (), **options: Any) -> None:
        # For each option `argparse` makes a formatter, which imports shutil unless it has a width.
        formatter = functools.partial(argparse.RawDescriptionHelpFormatter, width=80)
        if topics:
            options["epilog"] = f"more: wasihost help {'|'.join(topics)}"
        super().__init__(formatter_class=formatter, allow_abbrev=False, **options)
        self.color = False  # of Python 3.14; ours are for every version
        self._operands = operands
        self._groups: dict[str, argparse._ArgumentGroup] = {}

    def group(self, title: str) -> argparse._ArgumentGroup:
        """The options under this heading."""
        if title not in self._groups:
            self._groups[title] = self.add_argument_group(title)
        return self._groups[title]

    @property
    def commands(self) -> Mapping[str, Parser]:
        """The parsers of the commands, where there are some."""
        return next(action.choices for action in self._actions if isinstance(action, argparse._SubParsersAction))

    def sections(self) -> Iterator[tuple[str, list[argparse.Action]]]:
        """The headings of the help, with the arguments and options under each."""
        for group in self._action_groups:
            if group._group_actions:
                yield group.title or "", group._group_actions

    def options(self) -> Iterator[Option]:
        """Each option by each of its names, but for those that are not in the help."""
        for _, actions in self.sections():
            for action in actions:
                about = re.split(r"[;:,]", action.help or "", maxsplit=1)[0]
                if about != argparse.SUPPRESS:
                    yield from (Option(name, about, action.nargs != 0) for name in action.option_strings)

    def format_usage(self) -> str:
        """One line; the help has the options."""
        return f"usage: {self.prog} [OPTION ...] {self._operands}".rstrip() + "\n"

    def format_help(self) -> str:
        """The whole help, as wide as the terminal."""
        self.formatter_class = argparse.RawDescriptionHelpFormatter
        self.usage = self.format_usage().removeprefix("usage: ").strip().replace("%", "%%")
        return super().format_help()

    def print_help(self, file: Any = None) -> None:
        """Prints the help, in colours on a terminal."""
        print_in_colours(self.format_help(), file or sys.stdout)

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: N | None = None
    ) -> tuple[argparse.Namespace | N, list[str]]:
        """The arguments. An unknown one is an error of this command, and not of the whole command line."""
        found, unknown = super().parse_known_args(args, namespace)
        for word in unknown:
            known = self._option_string_actions
            hint = did_you_mean(word.partition("=")[0], known) if word.startswith("-") else ""
            self.error(f"unrecognized argument {word}{hint}")
        return found, unknown

    def error(self, message: str) -> NoReturn:
        """Prints the usage and the message, and ends the process."""
        self.print_usage(sys.stderr)
        name = f"{self.prog}: error:"
        if may_have_colours(sys.stderr, os.environ):
            name = coloured(name, ERROR)
        self.exit(2, f"{name} {message}\nTry `{self.prog} --help`.\n")


def print_in_colours(text: str, file: IO[str]) -> None:
    """Prints text of the help: on a terminal with its headings in bold, and its options in a colour."""
    if may_have_colours(file, os.environ):
        for pattern, style in _STYLES:
            text = pattern.sub(lambda found, style=style: coloured(found[0], style), text)  # type: ignore[misc]
    file.write(text)


def add_component(parser: argparse.ArgumentParser) -> None:
    """Adds the component, as the only argument."""
    parser.add_argument("component", metavar="COMPONENT", help="its file, or its text in a .wat file")


def add_plug(parser: Parser) -> None:
    """Adds the option --plug, for `reflected`."""
    parser.group("component").add_argument(
        "--plug",
        action="append",
        type=_plug,
        default=[],
        metavar="NAME=FILE",
        help="meet the import NAME, an interface or a function, by an export of the component in FILE; may be repeated",
    )


def _plug(text: str) -> tuple[str, str]:
    name, _, path = text.partition("=")
    if not (name and path):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=FILE")
    return name, path


def add_no_cache(parser: Parser) -> None:
    """Adds the option --no-cache, see `cache`."""
    parser.group("component").add_argument(
        "--no-cache", action="store_true", help="compile the component anew, and keep no result (wasihost help cache)"
    )


def pair(text: str) -> tuple[str, str]:
    """The texts before and after the first `=`."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def add_wasip2(parser: Parser) -> None:
    """Adds the option --wasip2, which is a value for `Host(wasip2=...)`."""
    parser.group("component").add_argument(
        "--wasip2",
        type=_wasip2,
        default="python",
        metavar="python|native|none",
        help="the implementation of WASI 0.2: this library, as of 0.3 (default); Wasmtime's own, which has no "
        "sockets and cannot be interrupted while it waits; or nothing, so that a guest that imports it is refused",
    )


def _wasip2(text: str) -> Wasip2 | None:
    if text not in _WASIP2:
        raise argparse.ArgumentTypeError(f"{text!r} is not {', '.join(_WASIP2)}")
    return _WASIP2[text]


def cache(arguments: argparse.Namespace) -> Cache | None:
    """Where compiled components are kept, unless the command says --no-cache."""
    return None if arguments.no_cache else Cache()


def add_compiled(parser: Parser) -> None:
    """Adds the option --compiled, for `reflected`."""
    parser.group("component").add_argument(
        "--compiled",
        action="store_true",
        help="COMPONENT is a file of `wasihost compile`: native code, so it must be yours and writable only by you",
    )


def reflected(host: Host, path: str, plugs: Iterable[tuple[str, str]], compiled: bool = False) -> Component:
    """The component in a file, as --plug and --compiled say.

    Errors: those of `Host.reflect` and `Host.load_compiled`; ComponentError, a file cannot be read; ConfigError.
    """
    if compiled and plugs:
        raise ConfigError("--plug is for `wasihost compile`, and not for a file that it has written")
    try:
        return host.load_compiled(path) if compiled else host.reflect(path, plug=dict(plugs))
    except OSError as error:
        raise ComponentError(f"{error.filename or path} cannot be read: {error.strerror}") from None
