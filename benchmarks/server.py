"""The other side of the benchmarks: a plain blocking server with one thread per connection, in a process of its own.

It is told what to do on the command line: `send` (takes everything), `receive` (sends so many bytes) or
`echo`, as the client calls it.
"""

from __future__ import annotations

import socket
import sys
import threading

BLOCK = 1 << 18


def sink(connection: socket.socket) -> None:
    buffer = bytearray(BLOCK)
    while connection.recv_into(buffer):
        pass


def flood(connection: socket.socket, size: int) -> None:
    block = memoryview(bytes(BLOCK))
    while size:
        size -= connection.send(block[: min(size, BLOCK)])


def echo(connection: socket.socket) -> None:
    buffer = memoryview(bytearray(BLOCK))
    while count := connection.recv_into(buffer):
        connection.sendall(buffer[:count])


def serve(connection: socket.socket, mode: str, size: int) -> None:
    with connection:
        if mode == "send":
            sink(connection)
        elif mode == "receive":
            flood(connection, size)
        else:
            echo(connection)


def main() -> None:
    """Serves for ever; `mode size` on the command line, the port on stdout."""
    mode, size = sys.argv[1], int(sys.argv[2])
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection, mode, size), daemon=True).start()


if __name__ == "__main__":
    main()
