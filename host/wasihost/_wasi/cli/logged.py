"""Output of a guest as records of `logging`, one for each line."""

from __future__ import annotations

import codecs
import logging
from typing import Any, Final, TypeAlias

from wasihost._base.quoting import printable

Logger: TypeAlias = "logging.Logger | logging.LoggerAdapter[Any]"
LONGEST_LINE: Final = 8192
"""In characters. A longer one becomes several records: a guest must not fill the memory."""


class LoggedLines:
    """Called with each block of output, logs its lines; `close` logs the rest.

    Control characters are escaped, as a terminal or a log would obey them.
    """

    def __init__(self, logger: Logger, level: int) -> None:
        self._logger = logger
        self._level = level
        self._decode = codecs.getincrementaldecoder("utf-8")("backslashreplace").decode
        self._rest = ""

    def __call__(self, data: bytes) -> None:
        *lines, rest = (self._rest + self._decode(data)).split("\n")
        for line in lines:
            self._log(line)
        while len(rest) > LONGEST_LINE:
            self._log(rest[:LONGEST_LINE])
            rest = rest[LONGEST_LINE:]
        self._rest = rest

    def close(self) -> None:
        """Logs the last line, if it has no newline."""
        rest = self._rest + self._decode(b"", final=True)
        self._rest = ""
        if rest:
            self._log(rest)

    def _log(self, line: str) -> None:
        self._logger.log(self._level, "%s", printable(line.removesuffix("\r"), keep="\t"))
