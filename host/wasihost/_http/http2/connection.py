"""The common part of connections of HTTP/2 on both sides: the events of h2 go to their streams."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from typing import Generic, TypeVar

from h2 import events
from h2.events import Event
from hyperframe.frame import GoAwayFrame

from wasihost._base.clock import Clock
from wasihost._http.connection import Common, Connection
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.http2.machine import BrokenConnection, Machine
from wasihost._http.http2.stream import Stream
from wasihost._http.limits import MessageLimits

S = TypeVar("S", bound=Stream)


class Http2Connection(Connection, Generic[S]):
    """A connection and the streams on it."""

    def __init__(self, common: Common, clock: Clock, limits: MessageLimits, *, is_client: bool) -> None:
        super().__init__(common, clock, limits)
        self.machine = Machine(self, is_client=is_client)
        self.streams: dict[int, S] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.machine.begin()
        self.flush()

    def connection_lost(self, error: Exception | None) -> None:
        self._end(HttpError(ErrorCode.CONNECTION_TERMINATED))
        super().connection_lost(error)

    def fail(self, error: HttpError) -> None:
        self._end(error)
        self.transport.abort()

    def _end(self, error: HttpError) -> None:
        self.error = self.error or error
        self.machine.is_broken = True
        for stream in list(self.streams.values()):
            stream.lost(self.error)

    def break_off(self, code: int) -> None:
        """Ends the connection with a GOAWAY."""
        self.machine.go_away(code)
        self._end(HttpError(ErrorCode.HTTP_PROTOCOL_ERROR))
        self.transport.close()

    # ---- incoming

    def received(self, data: bytes) -> None:
        try:
            found, goaways = self.machine.receive(data)
        except BrokenConnection:
            self.flush()
            self._end(HttpError(ErrorCode.HTTP_PROTOCOL_ERROR))
            self.transport.close()
            return
        for event in found:
            if self.error is None:
                self._take(event)
        for frame in goaways:
            self.goes_away(frame)

    def _take(self, event: Event) -> None:
        if isinstance(event, events.DataReceived):
            self._take_data(event)
        elif isinstance(event, events.WindowUpdated | events.RemoteSettingsChanged):
            self._wake()
        else:
            self.take(event)

    def _take_data(self, event: events.DataReceived) -> None:
        stream = self.streams.get(event.stream_id or 0)
        size = event.flow_controlled_length or 0
        if stream is None:  # which was reset meanwhile
            self.machine.took(size)
            return
        stream.took(size)
        if event.data:
            self.take_content(stream, bytes(event.data))

    @abstractmethod
    def take(self, event: Event) -> None:
        """Handles an event that is neither content nor about windows."""

    @abstractmethod
    def take_content(self, stream: S, data: bytes) -> None:
        """Content has come."""

    @abstractmethod
    def goes_away(self, frame: GoAwayFrame) -> None:
        """The peer opens or takes no more streams."""

    # ---- outgoing

    def pause_writing(self) -> None:
        super().pause_writing()
        self.transport.pause_reading()  # a peer that has this side answer, as by PING, has to take the answers

    def resume_writing(self) -> None:
        super().resume_writing()
        self.transport.resume_reading()
        self._wake()

    def _wake(self) -> None:
        for stream in list(self.streams.values()):
            stream.wake()
