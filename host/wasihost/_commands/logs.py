"""Logs of this library, as commands print them."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from wasihost._commands.messages import WARNING, say


class _Printer(logging.Handler):
    """Prints the lines of each record on stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        say(self.format(record), WARNING)


def warnings_printed(name: str) -> contextlib.AbstractContextManager[None]:
    """Meanwhile the warnings of a logger are printed on stderr."""
    return handled(name, _Printer(logging.WARNING))


@contextlib.contextmanager
def handled(name: str, handler: logging.Handler, level: int | None = None) -> Iterator[None]:
    """Meanwhile a logger has this handler, and this level if there is one."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.addHandler(handler)
    if level is not None:
        logger.setLevel(level)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        if level is not None:
            logger.setLevel(before)
