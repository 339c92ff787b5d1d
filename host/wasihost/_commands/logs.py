"""Logs of this library, as commands print them."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator


class _Printer(logging.Handler):
    """Prints the lines of each record on stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        for line in self.format(record).splitlines():
            print(f"wasihost: {line}", file=sys.stderr)


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
