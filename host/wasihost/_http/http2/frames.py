"""GOAWAY apart from other frames (RFC 9113, sections 4.1 and 6.8).

For h2 a connection is closed once GOAWAY was sent or has come, but the streams up to the last one that it names go on
to their end. So h2 never sees these frames.
"""

from __future__ import annotations

from hyperframe.exceptions import HyperframeError
from hyperframe.frame import Frame, GoAwayFrame

_HEADER_BYTES = 9
_GOAWAY = GoAwayFrame.type
_PROTOCOL_ERROR = 1
_FRAME_SIZE_ERROR = 6
_MOST_BYTES = 1 << 14
"""Of a frame, unless SETTINGS allow more, which ours do not."""


class BadFrame(Exception):
    """A GOAWAY that is none, or a frame that is longer than allowed, of which h2 would first take all.

    `code` is that of RFC 9113, section 7.
    """

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Frames:
    """Takes GOAWAY frames out of a peer's bytes; `skip` bytes come before the first frame."""

    def __init__(self, *, skip: int) -> None:
        self._left = skip  # of the frame under way, which is passed on
        self._held = b""  # a header that is not whole, or a GOAWAY

    def take(self, data: bytes) -> tuple[bytes, list[GoAwayFrame]]:
        """The bytes for h2 among the data, and the frames taken out. Errors: BadFrame."""
        data = self._held + data
        passed: list[bytes] = []
        found: list[GoAwayFrame] = []
        at = 0
        while True:
            piece = data[at : at + self._left]
            passed.append(piece)
            at += len(piece)
            self._left -= len(piece)
            if len(data) - at < _HEADER_BYTES:
                break
            size = _HEADER_BYTES + int.from_bytes(data[at : at + 3], "big")
            if size > _HEADER_BYTES + _MOST_BYTES:
                raise BadFrame(_FRAME_SIZE_ERROR)
            if data[at + 3] != _GOAWAY:
                self._left = size
                continue
            if len(data) - at < size:
                break
            found.append(_goaway(data[at : at + size]))
            at += size
        self._held = data[at:]
        return b"".join(passed), found


def _goaway(data: bytes) -> GoAwayFrame:
    try:
        frame, _ = Frame.parse_frame_header(memoryview(data[:_HEADER_BYTES]))
        frame.parse_body(memoryview(data[_HEADER_BYTES:]))
    except HyperframeError:
        raise BadFrame(_PROTOCOL_ERROR) from None
    assert isinstance(frame, GoAwayFrame)
    return frame


def goaway(last_stream: int, code: int = 0) -> bytes:
    """A GOAWAY that was written."""
    return GoAwayFrame(0, last_stream_id=last_stream, error_code=code).serialize()
