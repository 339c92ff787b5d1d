"""The calls of `receive` that wait for a datagram, in their order.

Theory of operation. A datagram that is there is given at once. A call that has to wait gets a future and a place in a
queue; the network calls back, and datagrams are taken from it within that call, since the event loop would else report
them once more. The datagram of a cancelled call goes to the next one.
"""

from __future__ import annotations

from collections import deque
from typing import TypeAlias

from wasihost._base.streams import PromptFuture
from wasihost._wasi.common.addresses import AnyIpSocketAddress, from_network
from wasihost._wasi.p3.sockets.errors import attempt
from wasihost._wasi.sockets.udp import UdpSocket

Received: TypeAlias = tuple[bytes, AnyIpSocketAddress]


class Receiver:
    """Receives for one socket."""

    __slots__ = ("_is_called_back", "_socket", "_waiting")

    def __init__(self, socket: UdpSocket) -> None:
        self._socket = socket
        self._waiting: deque[PromptFuture[Received]] = deque()
        self._is_called_back = False

    def receive(self) -> Received | PromptFuture[Received]:
        """The next datagram, or a future of it. Errors: WitError."""
        received = None if self._waiting else self._next()
        if received is not None:
            return received
        future: PromptFuture[Received] = PromptFuture()
        self._waiting.append(future)
        if len(self._waiting) == 1:
            self._wait()
        return future

    def close(self) -> None:
        """No call receives any more."""
        for future in self._waiting:
            future.cancel()

    def _wait(self) -> None:
        self._is_called_back = True
        self._socket.wait_readable(self._serve)

    def _serve(self) -> None:
        """Gives the datagrams that are there to the calls that wait, in their order."""
        self._is_called_back = False
        # A call that gets one goes on at once, and may be back to wait for the next.
        while self._waiting and not self._is_called_back:
            future = self._waiting[0]
            if future.done():
                self._waiting.popleft()
                continue
            try:
                received = future.context.run(self._next)
            except BaseException as error:
                self._waiting.popleft()
                future.set_exception(error)
            else:
                if received is None:
                    return self._wait()
                self._waiting.popleft()
                future.set_result(received)
        return None

    def _next(self) -> Received | None:
        """None: it has to be waited for."""
        received = attempt(self._socket.receive)
        return None if received is None else (received[0], from_network(received[1]))
