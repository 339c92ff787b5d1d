"""The other side of a connection of HTTP/2, by h2, on a virtual network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import Event

from wasihost._http.http2.machine import PREFACE

Headers = Iterable[tuple[str, str]]
E = TypeVar("E", bound=Event)

GET = [(":method", "GET"), (":scheme", "http"), (":authority", "web"), (":path", "/")]
POST = [(":method", "POST"), *GET[1:]]


class Peer:
    """A client or a server that sends just what a test has it send, malformed things too."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_client: bool = True) -> None:
        self.reader = reader
        self.writer = writer
        self.h2 = H2Connection(
            H2Configuration(
                client_side=is_client,
                header_encoding="utf-8",
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
            )
        )
        self.h2.initiate_connection()
        self.seen: list[Event] = []
        self.flush()

    def flush(self) -> None:
        """Sends what h2 has written."""
        self.writer.write(self.h2.data_to_send())

    def ask(self, headers: Headers = GET, content: bytes | None = None, *, ends: bool = True) -> int:
        """Sends a request; gives the number of its stream."""
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, list(headers), end_stream=ends and content is None)
        if content is not None:
            self.h2.send_data(stream, content, end_stream=ends)
        self.flush()
        return stream

    async def _read(self) -> bool:
        """Takes more of what comes; whether there was more."""
        data = await self.reader.read(1 << 16)
        for event in self.h2.receive_data(data):
            if isinstance(event, events.DataReceived):
                self.h2.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id or 0)
            self.seen.append(event)
        self.flush()
        return bool(data)

    async def until(self, kind: type[E], matches: Callable[[E], bool] = lambda _: True) -> E:
        """The first event of that kind that matches, seen or to come."""
        while True:
            for event in self.seen:
                if isinstance(event, kind) and matches(event):
                    return event
            assert await self._read(), f"the connection has ended without {kind.__name__}: {self.seen}"

    def seen_of(self, kind: type[E]) -> list[E]:
        """All events of that kind so far."""
        return [event for event in self.seen if isinstance(event, kind)]

    async def send_much(self, stream: int, size: int) -> None:
        """Sends so much content, and its end, as the windows allow."""
        while size:
            room = min(self.h2.local_flow_control_window(stream), 16_384, size)
            if room:
                self.h2.send_data(stream, b"x" * room)
                self.flush()
                size -= room
            else:
                self.seen = [event for event in self.seen if not isinstance(event, events.WindowUpdated)]
                await self.until(events.WindowUpdated)
        self.h2.end_stream(stream)
        self.flush()

    async def answer(self, stream: int) -> tuple[dict[str, str], bytes, list[Any]]:
        """Headers, content and trailers of a whole answer."""
        await self.until(events.StreamEnded, lambda event: event.stream_id == stream)
        return self.so_far(stream)

    def so_far(self, stream: int) -> tuple[dict[str, str], bytes, list[Any]]:
        """The same of what has come."""
        mine = [event for event in self.seen if getattr(event, "stream_id", None) == stream]
        heads = [event.headers for event in mine if isinstance(event, events.ResponseReceived)]
        content = b"".join(bytes(event.data or b"") for event in mine if isinstance(event, events.DataReceived))
        trailers = [event.headers for event in mine if isinstance(event, events.TrailersReceived)]
        return dict(heads[0] or []), content, list(trailers[0] or []) if trailers else []  # type: ignore[arg-type]

    def close(self) -> None:
        """Ends the connection."""
        self.writer.close()


def conversation(*, is_client: bool) -> bytes:
    """What a side says of HTTP/2, but for the preface of a client."""
    peer = H2Connection(H2Configuration(client_side=is_client))
    peer.initiate_connection()
    if is_client:
        for number, ends in ((1, True), (3, False), (5, False)):
            peer.send_headers(number, POST, end_stream=ends)
        peer.send_data(3, b"abc")
        peer.send_headers(3, [("a", "b")], end_stream=True)
        peer.reset_stream(5, 8)
        peer.ping(b"12345678")
    else:
        client = H2Connection(H2Configuration(client_side=True))
        client.initiate_connection()
        client.send_headers(1, POST)
        peer.receive_data(client.data_to_send())
        peer.send_headers(1, [(":status", "200"), ("x", "y")])
        peer.send_data(1, b"abc")
        peer.send_headers(1, [("a", "b")], end_stream=True)
    peer.close_connection()
    return peer.data_to_send().removeprefix(PREFACE)
