"""Datagrams for Python programs on any `Network`: an asyncio transport, and an object that needs no protocol."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

from wasihost._network.base import Address, DatagramSocket, socket_name
from wasihost._network.waiting import readable

P = TypeVar("P", bound=asyncio.DatagramProtocol)
# After so many datagrams in one go the event loop has its turn.
_IN_A_ROW = 64


class Datagrams:
    """A bound UDP socket: `send`, `await receive()`, or `async for data, sender in datagrams`."""

    def __init__(self, socket: DatagramSocket, find: Callable[[Any], Address]) -> None:
        self._socket = socket
        self._find = find
        self.address = socket.local_address()

    def __enter__(self) -> Datagrams:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aiter__(self) -> AsyncIterator[tuple[bytes, Address]]:
        while True:
            yield await self.receive()

    def connect(self, where: Any) -> None:
        """Makes this the only peer. Errors: OSError."""
        self._socket.connect(self._find(where))

    def send(self, data: bytes, where: Any = None) -> None:
        """Sends a datagram; None: to the peer it is connected to. Errors: OSError."""
        self._socket.send_to(data, None if where is None else self._find(where))

    async def receive(self) -> tuple[bytes, Address]:
        """The next datagram and its sender. Errors: ConnectionRefusedError: the peer is not there."""
        while True:
            with contextlib.suppress(BlockingIOError):
                return self._socket.recv_from()
            await readable(self._socket)

    def close(self) -> None:
        """The port is free again."""
        self._socket.close()


class DatagramSocketTransport(asyncio.DatagramTransport):
    """A bound UDP socket of a network as an asyncio transport."""

    def __init__(
        self, socket: DatagramSocket, protocol: asyncio.DatagramProtocol, find: Callable[[Any], Address]
    ) -> None:
        super().__init__({"sockname": socket_name(socket.local_address()), "socket": None})
        self._loop = asyncio.get_running_loop()
        self._socket = socket
        self._protocol = protocol
        self._find = find
        self._unsent: deque[tuple[bytes, Address | None]] = deque()
        self._is_closing = False
        self._loop.call_soon(self._begin)

    def _begin(self) -> None:
        self._protocol.connection_made(self)
        if not self._is_closing:
            self._socket.wait_readable(self._read)

    def _read(self) -> None:
        for _ in range(_IN_A_ROW):
            if self._is_closing:
                return
            try:
                data, sender = self._socket.recv_from()
            except BlockingIOError:
                break
            except OSError as error:
                self._protocol.error_received(error)
            else:
                self._protocol.datagram_received(data, socket_name(sender))
        self._socket.wait_readable(self._read)

    def sendto(self, data: bytes | bytearray | memoryview, addr: Any = None) -> None:
        """To an address as `datagram_received` gave it, or as `VirtualHost.connect` takes it."""
        self._unsent.append((bytes(data), None if addr is None else self._find(addr)))
        if len(self._unsent) == 1:
            self._write()

    def _write(self) -> None:
        while self._unsent and not self._is_closing:
            try:
                self._socket.send_to(*self._unsent[0])
            except BlockingIOError:
                self._socket.wait_writable(self._write)
                return
            except OSError as error:
                self._protocol.error_received(error)
            self._unsent.popleft()

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        if not self._is_closing:
            self._is_closing = True
            self._socket.close()
            self._loop.call_soon(self._protocol.connection_lost, None)

    def abort(self) -> None:
        self.close()


class Answering(asyncio.DatagramProtocol):
    """Answers each datagram with the result of a callable; b"" or None: not at all."""

    def __init__(self, answer: Callable[[bytes], bytes | None]) -> None:
        self._answer = answer

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if reply := self._answer(data):
            self._transport.sendto(reply, addr)
