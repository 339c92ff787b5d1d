"""The frames of a connection, by h2: incoming ones as its events, and outgoing ones.

| limit | a peer beyond it gets |
|---|---|
| `head_bytes` of one head, or of its trailers, in HEADERS and 64 CONTINUATION at most | GOAWAY |
| 100 streams at a time | GOAWAY |
| a window of 256 KiB on each stream, opened as its content is read | GOAWAY |
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any, Final

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import Event
from h2.exceptions import ProtocolError, StreamClosedError
from h2.settings import SettingCodes, Settings
from hpack import Encoder
from hyperframe.frame import GoAwayFrame

from wasihost._http.connection import Connection
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.http2.fields import Fields
from wasihost._http.http2.frames import BadFrame, Frames, goaway

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""The first bytes of a client (RFC 9113, section 3.4)."""
# Error codes (RFC 9113, section 7).
NO_ERROR = 0
INTERNAL_ERROR = 2
REFUSED_STREAM = 7
CANCEL = 8
ENHANCE_YOUR_CALM = 11
_STREAMS = 100
_WINDOW_BYTES = 1 << 18
_CONNECTION_WINDOW_BYTES = 1 << 24
"""More than is in flight between two openings of it."""
_LONG_BYTES = 1 << 10


class BrokenConnection(Exception):
    """The bytes that came are not HTTP/2, or beyond the limits. A GOAWAY that says so has been written."""


class _Encoder(Encoder):
    """Leaves long values without Huffman's code, for which hpack takes the square of their length."""

    def encode(self, headers: Iterable[Any], huffman: bool = True) -> bytes:
        fields = list(headers)
        return super().encode(fields, huffman=all(len(value) <= _LONG_BYTES for _, value, *_ in fields))


class Machine:
    """The state of a connection, received and sent."""

    def __init__(self, connection: Connection, *, is_client: bool) -> None:
        self.connection = connection
        self.is_broken = False
        self._frames = Frames(skip=0 if is_client else len(PREFACE))
        self._h2 = H2Connection(H2Configuration(client_side=is_client, header_encoding=None))
        settings = {
            SettingCodes.MAX_CONCURRENT_STREAMS: _STREAMS,
            SettingCodes.INITIAL_WINDOW_SIZE: _WINDOW_BYTES,
            SettingCodes.MAX_HEADER_LIST_SIZE: connection.limits.head_bytes,
        }
        if is_client:
            settings[SettingCodes.ENABLE_PUSH] = 0
        self._h2.local_settings = Settings(client=is_client, initial_values=settings)
        self._h2.encoder = _Encoder()
        self._h2.decoder.max_header_list_size = connection.limits.head_bytes
        self._taken = 0  # of the connection's window

    def begin(self) -> None:
        """Sends the preface of this side."""
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(_CONNECTION_WINDOW_BYTES - (1 << 16) + 1)
        self._write()

    # ---- incoming

    def receive(self, data: bytes) -> tuple[list[Event], list[GoAwayFrame]]:
        """The events of the peer's data. Errors: BrokenConnection."""
        try:
            frames, goaways = self._frames.take(data)
            events = self._h2.receive_data(frames)
        except ProtocolError as error:
            self.is_broken = True
            self._write()
            raise BrokenConnection(str(error)) from None
        except BadFrame as error:
            self.is_broken = True
            self.go_away(error.code)
            raise BrokenConnection(str(error)) from None
        self._write()
        return events, goaways

    def took(self, size: int) -> None:
        """So much of the connection's window is used up."""
        self._taken += size
        if self._taken > _CONNECTION_WINDOW_BYTES // 2:
            self._h2.increment_flow_control_window(self._taken)
            self._taken = 0
            self._write()

    def open_window(self, stream: int, size: int) -> bool:
        """Has the peer send so much more, unless it is too little to be worth a frame."""
        if size < _WINDOW_BYTES // 4 or self.is_broken:
            return False
        with contextlib.suppress(StreamClosedError, KeyError):  # which has ended
            self._h2.increment_flow_control_window(size, stream)
        self._write()
        self.connection.flush()
        return True

    # ---- outgoing

    @property
    def open_streams(self) -> int:
        """How many this side has opened."""
        return int(self._h2.open_outbound_streams)

    @property
    def most_streams(self) -> int:
        """How many the peer lets this side open."""
        return int(self._h2.remote_settings.max_concurrent_streams)

    @property
    def last_stream(self) -> int:
        """The last one that the peer has opened."""
        return int(self._h2.highest_inbound_stream_id)

    def next_stream(self) -> int:
        """The number of a stream that this side opens."""
        return int(self._h2.get_next_available_stream_id())

    def room(self, stream: int) -> int:
        """How many bytes of content may be sent by now."""
        if self.is_broken or self.connection.is_full:
            return 0
        try:
            window = int(self._h2.local_flow_control_window(stream))
        except ProtocolError:  # its end has come, and is heard of in a moment
            return 0
        return max(0, min(window, int(self._h2.max_outbound_frame_size)))

    def put_head(self, stream: int, fields: Fields, *, ends: bool = False) -> None:
        """Sends a head, or with `ends` perhaps trailers. Errors: HttpError."""
        with self._sending():
            self._h2.send_headers(stream, fields, end_stream=ends)

    def put(self, stream: int, data: bytes) -> None:
        """Sends content for which there is room. Errors: HttpError."""
        with self._sending():
            self._h2.send_data(stream, data)

    def put_end(self, stream: int) -> None:
        """Ends this side of the stream. Errors: HttpError."""
        with self._sending():
            self._h2.end_stream(stream)

    @contextlib.contextmanager
    def _sending(self) -> Iterator[None]:
        """A peer may have reset the stream in data that are being looked at. Errors: HttpError."""
        try:
            yield
        except ProtocolError:
            raise HttpError(ErrorCode.CONNECTION_TERMINATED) from None
        self._write()

    def reset(self, stream: int, code: int) -> None:
        """Ends both sides of a stream, unless it has ended."""
        if not self.is_broken:
            with contextlib.suppress(ProtocolError):
                self._h2.reset_stream(stream, code)
            self._write()
            self.connection.flush()

    def go_away(self, code: int = NO_ERROR) -> None:
        """Has the peer open no more streams."""
        self.connection.write(goaway(self.last_stream, code))
        self.connection.flush()

    def _write(self) -> None:
        data = self._h2.data_to_send()
        if data:
            self.connection.write(data)
