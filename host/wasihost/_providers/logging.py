"""`wasi:logging`: messages of guests go into `logging`."""

from __future__ import annotations

import enum
import logging as python_logging
from typing import Final

from wasihost._base.quoting import printable

TRACE: Final = 5
"""The level of the guest's `trace`, below DEBUG."""


class Level(enum.Enum):
    """WIT: `enum level`; each with its number in `logging`."""

    TRACE = TRACE
    DEBUG = python_logging.DEBUG
    INFO = python_logging.INFO
    WARN = python_logging.WARNING
    ERROR = python_logging.ERROR
    CRITICAL = python_logging.CRITICAL


def logging(logger: python_logging.Logger | None = None) -> dict[str, object]:
    """Providers of `wasi:logging/logging`, for `Host(providers=…)`: messages go to `logger`, or to `wasihost.guest`.

    The message of a record has escapes for characters that a terminal would obey; its `context` is the guest's. The
    guest's `trace` is level 5.
    """
    return {"wasi:logging/logging": _Logging(logger or python_logging.getLogger("wasihost.guest"))}


class _Logging:
    wit_types = {"level": Level}

    def __init__(self, logger: python_logging.Logger) -> None:
        self._logger = logger

    def log(self, level: Level, context: str, message: str) -> None:
        """WIT: `log: func(level: level, context: string, message: string)`."""
        self._logger.log(level.value, "%s", printable(message), extra={"context": printable(context)})
