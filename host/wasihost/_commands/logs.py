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


@contextlib.contextmanager
def warnings_printed(name: str) -> Iterator[None]:
    """Meanwhile the warnings of a logger are printed on stderr."""
    logger = logging.getLogger(name)
    handler = _Printer(logging.WARNING)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
