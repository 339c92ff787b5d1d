"""The options for providers: of your own, and the ready ones of `wasi:config`, `wasi:keyvalue` and `wasi:logging`."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Final

from wasihost._base.errors import ConfigError
from wasihost._commands.logs import handled
from wasihost._commands.messages import say
from wasihost._commands.parsing import Parser, pair

HINTS: Final = {"wasi:config/": "--config", "wasi:keyvalue/": "--keyvalue", "wasi:logging/": "--logging"}
"""The option for interfaces whose names begin so."""
_LOGGER = "wasihost.guest"


def hint_for(interface: str) -> str:
    """The option that provides an interface."""
    return next((option for start, option in HINTS.items() if interface.startswith(start)), "--provider")


def add_to(parser: Parser) -> None:
    """Adds the options."""
    guest = parser.group("guest")
    guest.add_argument(
        "--config",
        action="append",
        type=pair,
        default=[],
        metavar="NAME=VALUE",
        help="a value that the guest reads with wasi:config; may be repeated",
    )
    guest.add_argument(
        "--keyvalue",
        action="append",
        default=[],
        metavar="[BUCKET=]FILE",
        help="give the guest a bucket of wasi:keyvalue, named default if there is no name, in a file of SQLite or, as "
        ":memory:, for this run; may be repeated",
    )
    guest.add_argument("--logging", action="store_true", help="print messages of wasi:logging on stderr")
    guest.add_argument(
        "--provider",
        action="append",
        default=[],
        metavar="[INTERFACE=]MODULE:NAME",
        help="let Python provide an interface that the guest imports: an object, a class that is called with nothing, "
        "or without INTERFACE a mapping from interfaces to objects; modules of the working directory are found; may be "
        "repeated",
    )


@contextlib.contextmanager
def provided(arguments: argparse.Namespace) -> Iterator[dict[str, object]]:
    """The providers of the options, by interface; at the end their files are closed. Errors: ConfigError."""
    found: dict[str, object] = {}
    with contextlib.ExitStack() as opened:
        if arguments.config:
            from wasihost._providers.config import config

            found |= config(dict(arguments.config))
        if arguments.keyvalue:
            from wasihost._providers.keyvalue import keyvalue
            from wasihost._providers.sqlite import SqliteBucket

            buckets = {}
            for text in arguments.keyvalue:
                name, path = _bucket(text)
                buckets[name] = opened.enter_context(contextlib.closing(SqliteBucket(path, name)))
            found |= keyvalue(buckets)
        if arguments.logging:
            from wasihost._providers.logging import logging as logging_providers

            found |= logging_providers(logging.getLogger(_LOGGER))
        for text in arguments.provider:
            found |= _own(text)
        yield found


def _bucket(text: str) -> tuple[str, str]:
    """The name of a bucket, and its file."""
    name, _, path = text.rpartition("=")
    return name or "default", path


def _own(text: str) -> Mapping[str, object]:
    interface, equals, where = text.rpartition("=")
    module, colon, name = where.partition(":")
    if not (module and colon and name):
        raise ConfigError(f"--provider {text!r}: expected [INTERFACE=]MODULE:NAME, such as my:pkg/api=main:Api")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"--provider {text!r}: {error}") from None
    made = found() if isinstance(found, type) else found
    if equals:
        return {interface: made}
    if not isinstance(made, Mapping):
        raise ConfigError(f"--provider {text!r}: {name} is no mapping from interfaces: put the interface before it")
    return made


class _Printer(logging.Handler):
    """Prints a message of a guest: its level, its context if it has one, and the text."""

    def emit(self, record: logging.LogRecord) -> None:
        context = getattr(record, "context", "")
        level = record.levelname.lower() if record.levelno >= logging.DEBUG else "trace"
        say(f"{level}{context and f' {context}'}: {record.getMessage()}")


def guest_messages_printed() -> contextlib.AbstractContextManager[None]:
    """Meanwhile messages of guests are printed on stderr."""
    return handled(_LOGGER, _Printer(), level=1)
