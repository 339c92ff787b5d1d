"""One direction of a virtual connection: the bytes between a `send` and a `recv_into`, and their end.

Theory of operation. Bytes are copied once when they are sent (not at all if they are a `bytes` object, which cannot
change) and once when they are received; between that they are a deque of chunks. The buffers of both sides count
together, and for all that was sent and not received, also while it is on its way. A sender that waits is called back
when a third of that is free, as on Linux, so that chunks stay large.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable

from wasihost._network.virtual.waiting import Waiter
from wasihost._network.virtual.ways import SEGMENT, Way


class Pipe:
    """Bytes from one socket to another; `refuse` is called when some arrive after the receiver has closed."""

    __slots__ = (
        "_chunks",
        "_offset",
        "_unread",
        "_way",
        "arrived",
        "carried",
        "end_arrived",
        "end_sent",
        "is_closed",
        "is_reset",
        "readable",
        "receive_buffer",
        "refuse",
        "send_buffer",
        "writable",
    )

    def __init__(self, way: Way, writable: Waiter, send_buffer: int, readable: Waiter, receive_buffer: int) -> None:
        self._way = way
        self.writable = writable
        self.send_buffer = send_buffer
        self.readable = readable
        self.receive_buffer = receive_buffer
        self._chunks: deque[bytes | memoryview] = deque()  # a memoryview is one of a bytes object
        self._offset = 0  # in the first chunk
        self._unread = 0  # sent and not received
        self.arrived = 0  # of those, can be received
        self.carried = 0  # all that was ever sent
        self.end_sent = False
        self.end_arrived = False
        self.is_closed = False
        self.is_reset = False
        self.refuse: Callable[[], None] = lambda: None

    # ---- the sender's side

    @property
    def room(self) -> int:
        """How many bytes can be sent."""
        return self.send_buffer + self.receive_buffer - self._unread

    @property
    def is_roomy(self) -> bool:
        """Whether sending is worth another try for a sender that had to wait."""
        return 3 * self._unread <= 2 * (self.send_buffer + self.receive_buffer)

    def write(self, view: memoryview) -> int:
        """Takes as many bytes as there is room for."""
        size = min(len(view), self.send_buffer + self.receive_buffer - self._unread)
        if size <= 0:
            return 0
        part = view if size == len(view) else view[:size]
        chunk = part if type(view.obj) is bytes else bytes(part)
        self._unread += size
        self.carried += size
        if self._way.is_limited:
            for start in range(0, size, SEGMENT):
                piece = chunk[start : start + SEGMENT]
                self._way.carry(len(piece), functools.partial(self._arrive, piece))
        else:
            self._way.carry(size, functools.partial(self._arrive, chunk))
        return size

    def end(self) -> None:
        """Nothing more is sent: a FIN."""
        if not self.end_sent:
            self.end_sent = True
            self._way.carry(0, self._arrive_end)

    def send_reset(self, arrive: Callable[[], None]) -> None:
        """Whatever was sent before arrives before."""
        self.end_sent = True
        self.is_reset = True
        self._way.carry(0, arrive)

    # ---- arrival

    def _arrive(self, chunk: bytes | memoryview) -> None:
        if self.is_closed:
            self.refuse()
            return
        self._chunks.append(chunk)
        self.arrived += len(chunk)
        self.readable.wake()

    def _arrive_end(self) -> None:
        self.end_arrived = True
        self.readable.wake()

    # ---- the receiver's side

    def read_into(self, view: memoryview) -> int:
        """Fills the beginning of `view` with bytes that have arrived."""
        filled = 0
        wanted = len(view)
        chunks = self._chunks
        offset = self._offset
        while chunks and filled < wanted:
            chunk = chunks[0]
            size = min(len(chunk) - offset, wanted - filled)
            view[filled : filled + size] = memoryview(chunk)[offset : offset + size]
            filled += size
            offset += size
            if offset == len(chunk):
                chunks.popleft()
                offset = 0
        self._offset = offset
        self._took(filled)
        return filled

    def read(self, limit: int) -> bytes:
        """The next chunk without a copy, where it is whole and not longer than `limit`."""
        chunk = self._chunks[0]
        if self._offset == 0 and len(chunk) <= limit:
            self._chunks.popleft()
            self._took(len(chunk))
            return chunk if isinstance(chunk, bytes) else _whole(chunk)
        data = bytearray(min(limit, self.arrived))
        self.read_into(memoryview(data))
        return bytes(data)

    def close(self) -> None:
        """The receiving end has gone: throws away the rest."""
        self.is_closed = True
        self._chunks.clear()
        self.arrived = 0

    def _took(self, size: int) -> None:
        self.arrived -= size
        self._unread -= size
        if self.is_roomy:
            self.writable.wake()


def _whole(view: memoryview) -> bytes:
    return view.obj if isinstance(view.obj, bytes) and len(view.obj) == len(view) else bytes(view)
