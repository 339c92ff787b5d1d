"""What the parsers of several commands share."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

from wasihost._base.errors import ComponentError, ConfigError
from wasihost._component.adapt import Component
from wasihost._component.cache import Cache
from wasihost._host.host import Host
from wasihost._host.loading import Wasip2

_WASIP2: Final[dict[str, Wasip2 | None]] = {"python": "python", "native": "native", "none": None}


class Commands(Protocol):
    """To which each command adds its parser; `argparse` has no public name for it."""

    def add_parser(self, name: str, **options: Any) -> Parser:
        """A new parser, as of `argparse.ArgumentParser(**options)`."""
        ...


class Parser(argparse.ArgumentParser):
    """The parser of a command: no abbreviated options, texts as they are; `notes` make the end of the help."""

    def __init__(self, *, notes: Callable[[], str] | None = None, **options: Any) -> None:
        # For each option `argparse` makes a formatter, which imports shutil unless it has a width.
        formatter = functools.partial(argparse.RawDescriptionHelpFormatter, width=80)
        super().__init__(formatter_class=formatter, allow_abbrev=False, **options)
        self._notes = notes

    def format_help(self) -> str:
        """The whole help, as wide as the terminal."""
        self.formatter_class = argparse.RawDescriptionHelpFormatter
        if self._notes is not None:  # which no run should wait for
            self.epilog = self._notes()
        return super().format_help()


def add_component(parser: argparse.ArgumentParser) -> None:
    """Adds the component, as the only argument."""
    parser.add_argument("component", metavar="COMPONENT", help="its file, or its text in a .wat file")


def add_plug(parser: argparse.ArgumentParser) -> None:
    """Adds the option --plug, for `reflected`."""
    parser.add_argument(
        "--plug",
        action="append",
        type=_plug,
        default=[],
        metavar="NAME=FILE",
        help="meet the import NAME, an interface, by what the component in FILE exports; may be repeated",
    )


def _plug(text: str) -> tuple[str, str]:
    name, _, path = text.partition("=")
    if not (name and path):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=FILE")
    return name, path


def add_no_cache(parser: argparse.ArgumentParser) -> None:
    """Adds the option --no-cache, see `cache`."""
    parser.add_argument(
        "--no-cache",
        action="store_true",
        help="compile the component anew, and do not keep what comes of it",
    )


def add_wasip2(parser: argparse.ArgumentParser) -> None:
    """Adds the option --wasip2, which is a value for `Host(wasip2=...)`."""
    parser.add_argument(
        "--wasip2",
        type=_wasip2,
        default="python",
        metavar="python|native|none",
        help="what serves WASI 0.2: this library, as 0.3 (default); Wasmtime's own implementation, which has no "
        "sockets and cannot be interrupted while it waits; or nothing: a guest that imports it is refused",
    )


def _wasip2(text: str) -> Wasip2 | None:
    if text not in _WASIP2:
        raise argparse.ArgumentTypeError(f"{text!r} is not {', '.join(_WASIP2)}")
    return _WASIP2[text]


def cache(arguments: argparse.Namespace) -> Cache | None:
    """Where compiled components are kept, unless the command says --no-cache."""
    return None if arguments.no_cache else Cache()


def add_compiled(parser: argparse.ArgumentParser) -> None:
    """Adds the option --compiled, for `reflected`."""
    parser.add_argument(
        "--compiled",
        action="store_true",
        help="COMPONENT is what `wasihost compile` wrote: native code, so it must be yours and writable only by you",
    )


def reflected(host: Host, path: str, plugs: Iterable[tuple[str, str]], compiled: bool = False) -> Component:
    """The component in a file, with what --plug and --compiled say.

    Errors: those of `Host.reflect` and `Host.load_compiled`; ComponentError, a file cannot be read; ConfigError.
    """
    if compiled and plugs:
        raise ConfigError("--plug is for `wasihost compile`, and not for what that has compiled")
    try:
        return host.load_compiled(path) if compiled else host.reflect(path, plug=dict(plugs))
    except OSError as error:
        raise ComponentError(f"{error.filename or path} cannot be read: {error.strerror}") from None
