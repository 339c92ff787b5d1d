"""Content in chunks, and the trailers behind it (RFC 9112, section 7.1).

h11 could read them too, but takes five times as long for each: a client that sends very small ones would hold up the
event loop. Here all that have come are read in one go, and given as one piece. Lines end in CR and LF, nothing else,
since a proxy in front may see the end of the message elsewhere. Extensions of chunks are ignored, as the specification
says.
"""

from __future__ import annotations

import re

from wasihost._http.heads import AMBIGUOUS, header
from wasihost._http.limits import MessageLimits
from wasihost._http.messages import Header

_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?\r\n")
_BEGUN_SIZE_LINE = re.compile(rb"[0-9A-Fa-f]{0,16}[ \t]*(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?\r?")


class MalformedChunks(Exception):
    """The bytes that came are not chunks; or `is_too_large`: the trailers are beyond the limits."""

    def __init__(self, *, is_too_large: bool = False) -> None:
        super().__init__(is_too_large)
        self.is_too_large = is_too_large


class Chunks:
    """The chunked body of one message, from the bytes behind its head."""

    def __init__(self, limits: MessageLimits, data: bytes) -> None:
        self.trailers: list[Header] | None = None
        """Those of the message when it has ended."""
        self._limits = limits
        self._data = data
        self._left = 0  # of the chunk under way
        self._is_after_chunk = False  # where its line ends
        self._is_after_content = False
        self._searched = 0  # how much of the data has no end of the trailers

    @property
    def rest(self) -> bytes:
        """The bytes behind the message."""
        return self._data

    def receive(self, data: bytes) -> None:
        """The peer sent this."""
        self._data += data

    def take(self) -> bytes:
        """The content that has come since, b"" if none has. Errors: MalformedChunks."""
        pieces: list[bytes] = []
        at = 0
        while not self._is_after_content:
            following = self._line(at) if not self._left else at
            if following is None:
                break
            at = following
            piece = self._data[at : at + self._left]
            pieces.append(piece)
            at += len(piece)
            self._left -= len(piece)
            if self._left:
                break
        self._data = self._data[at:]
        if self._is_after_content and self.trailers is None:
            self._read_trailers()
        return b"".join(pieces)

    def _line(self, at: int) -> int | None:
        """Reads the size of the next chunk; gives where its content begins, None if the line has not come yet."""
        data = self._data
        if self._is_after_chunk:
            if data[at : at + 2] != b"\r\n":
                if data[at:] in (b"", b"\r"):
                    return None
                raise MalformedChunks
            at += 2
        found = _SIZE_LINE.match(data, at)
        if found is None:
            if len(data) - at > self._limits.head_bytes or not _BEGUN_SIZE_LINE.fullmatch(data, at):
                raise MalformedChunks
            return None
        self._left = int(found[1], 16)
        self._is_after_chunk = self._left > 0
        self._is_after_content = self._left == 0
        return found.end()

    def _read_trailers(self) -> None:
        data = self._data
        if data.startswith(b"\r\n"):
            self.trailers = []
            self._data = data[2:]
            return
        end = data.find(b"\r\n\r\n", max(0, self._searched - 3))
        size = len(data) if end < 0 else end + 4
        if data[:1] == b"\n" or AMBIGUOUS.search(data, max(0, self._searched - 1), size):
            raise MalformedChunks
        if size > self._limits.head_bytes:
            raise MalformedChunks(is_too_large=True)
        if end < 0:
            self._searched = size
            return
        lines = data[:end].split(b"\r\n")
        if len(lines) > self._limits.headers:
            raise MalformedChunks(is_too_large=True)
        self.trailers = [_trailer(line) for line in lines]
        self._data = data[size:]


def _trailer(line: bytes) -> Header:
    found = header(line)
    if found is None:
        raise MalformedChunks
    return found
