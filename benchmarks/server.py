"""The other side of every connection: one process with one thread, driven by lines on stdin.

| line | does | answers on stdout |
|---|---|---|
| `sink` | listens; takes every byte of every connection | the port |
| `flood SIZE` | listens; sends so many bytes over every connection, then FIN | the port |
| `echo` | listens; sends every byte back | the port |
| `drop` | listens; closes every connection at once | the port |
| `knock IP:PORT COUNT` | connects so many times, at most 16 not yet closed by the listener | - |
| `close` | closes every listener | - |
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import sys
from collections import deque
from collections.abc import Callable
from functools import partial

from benchmarks.machine import raise_file_limit

BLOCK = 1 << 18
ZEROS = memoryview(bytes(BLOCK))
BUFFER = memoryview(bytearray(BLOCK))

selector = selectors.DefaultSelector()
listeners: list[socket.socket] = []


def close(connection: socket.socket) -> None:
    selector.unregister(connection)
    connection.close()


class Sink:
    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        selector.register(connection, selectors.EVENT_READ, self.step)

    def step(self) -> None:
        if not self.connection.recv_into(BUFFER):
            close(self.connection)


class Flood:
    def __init__(self, connection: socket.socket, size: int) -> None:
        self.connection, self.left = connection, size
        selector.register(connection, selectors.EVENT_WRITE, self.step)

    def step(self) -> None:
        self.left -= self.connection.send(ZEROS[: min(self.left, BLOCK)])
        if not self.left:
            close(self.connection)


class Echo:
    """Holds back what the peer does not take, and reads on when it is gone."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection, self.pending = connection, b""
        selector.register(connection, selectors.EVENT_READ, self.step)

    def step(self) -> None:
        if self.pending:
            self.pending = self.pending[self.connection.send(self.pending) :]
            if not self.pending:
                selector.modify(self.connection, selectors.EVENT_READ, self.step)
            return
        count = self.connection.recv_into(BUFFER)
        if not count:
            close(self.connection)
            return
        try:
            sent = self.connection.send(BUFFER[:count])
        except BlockingIOError:
            sent = 0
        if sent < count:
            self.pending = bytes(BUFFER[sent:count])
            selector.modify(self.connection, selectors.EVENT_WRITE, self.step)


SERVES: dict[str, Callable[..., object]] = {"sink": Sink, "flood": Flood, "echo": Echo, "drop": socket.socket.close}


def listen(serve: Callable[[socket.socket], object]) -> int:
    """Serves every connection to a new port; which is given."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    listener.setblocking(False)
    listeners.append(listener)
    selector.register(listener, selectors.EVENT_READ, partial(accept, listener, serve))
    return int(listener.getsockname()[1])


def accept(listener: socket.socket, serve: Callable[[socket.socket], object]) -> None:
    for _ in range(64):
        try:
            connection, _address = listener.accept()
        except OSError:
            return  # nobody waits, or the listener was closed just now
        connection.setblocking(False)
        serve(connection)


def knock(address: str, count: int) -> None:
    """More than a few at a time would overflow the backlog, and be tried again after a second."""
    host, _, port = address.rpartition(":")
    waiting: deque[socket.socket] = deque()
    for _ in range(count):
        waiting.append(socket.create_connection((host, int(port))))
        if len(waiting) == 16:
            wait_for_close(waiting.popleft())
    while waiting:
        wait_for_close(waiting.popleft())


def wait_for_close(connection: socket.socket) -> None:
    with connection, contextlib.suppress(ConnectionError):
        connection.recv(1)


def obey(word: str, *arguments: str) -> None:
    if word == "knock":
        knock(arguments[0], int(arguments[1]))
    elif word == "close":
        while listeners:
            close(listeners.pop())
    else:
        print(listen(lambda connection: SERVES[word](connection, *map(int, arguments))), flush=True)


def main() -> None:
    raise_file_limit()
    stdin = sys.stdin.fileno()
    selector.register(stdin, selectors.EVENT_READ)
    while True:
        for key, _events in selector.select():
            if key.data is None:
                lines = os.read(stdin, 4096).decode()
                if not lines:
                    return
                for line in lines.splitlines():
                    obey(*line.split())
            else:
                try:
                    key.data()
                except ConnectionError:
                    close(key.fileobj)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
