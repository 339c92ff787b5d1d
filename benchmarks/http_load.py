"""Requests per second of HTTP servers, by keep-alive connections that each send a GET when the last answer has come.

    python -m benchmarks.http_load ours=8080 wasmtime=8081 --connections 16 --seconds 3 --rounds 5

The servers run on loopback ports, and have their turns in each round; the table has the medians, and ratios of the same
round to the last server.
"""

from __future__ import annotations

import argparse
import random
import re
import selectors
import socket
import statistics
import time
from collections import deque
from dataclasses import dataclass, field

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)\r\n")
_CHUNKED = re.compile(rb"(?i)\r\ntransfer-encoding: *chunked\r\n")
FEWEST = 2
"""Answers of a turn, which takes longer than it should where the machine is busy: a percentile needs so many."""


@dataclass
class Turn:
    """The answers of one server in one round."""

    seconds: float = 0
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.latencies) / self.seconds

    def percentile(self, percent: int) -> float:
        """Milliseconds of an answer."""
        return statistics.quantiles(self.latencies, n=100)[percent - 1] * 1000


def request(port: int, path: str = "/", content: bytes = b"", **headers: str) -> bytes:
    """A GET, or a POST if there is content."""
    lines = [f"{'POST' if content else 'GET'} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(content)}"] if content else []
    return "\r\n".join([*lines, "", ""]).encode() + content


def turn(port: int, connections: int, seconds: float, asking: bytes | None = None) -> Turn:
    """The answers of a server to so many connections at a time, each of which asks again when it has its answer."""
    asking = asking or request(port)
    selector = selectors.DefaultSelector()
    found = Turn()
    sent: dict[socket.socket, float] = {}
    received: dict[socket.socket, bytes] = {}
    for _ in range(connections):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(connection, selectors.EVENT_READ)
    begun = time.perf_counter()
    for key in selector.get_map().values():
        assert isinstance(key.fileobj, socket.socket)
        _send(key.fileobj, asking, sent, received)
    while (now := time.perf_counter()) < begun + seconds or len(found.latencies) < FEWEST:
        for key, _ in selector.select(1):
            connection = key.fileobj  # type: ignore[assignment]
            _receive(connection, received)
            if _is_whole(received[connection]):
                found.latencies.append(time.perf_counter() - sent[connection])
                _send(connection, asking, sent, received)
    found.seconds = now - begun
    for connection in sent:
        connection.close()
    return found


def arriving(port: int, connections: int, seconds: float, rate: float, asking: bytes) -> Turn:
    """The answers to requests that arrive by chance, so many per second, each on a connection that is free.

    A latency begins with the arrival, and so has the wait for a free connection too.
    """
    selector = selectors.DefaultSelector()
    found = Turn()
    free: list[socket.socket] = []
    for _ in range(connections):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(connection, selectors.EVENT_READ)
        free.append(connection)
    opened = list(free)
    sent: dict[socket.socket, float] = {}
    received: dict[socket.socket, bytes] = {}
    waiting: deque[float] = deque()
    chance = random.Random(1)
    begun = time.perf_counter()
    arrival = begun + chance.expovariate(rate)
    while (now := time.perf_counter()) < begun + seconds:
        while arrival <= now:
            waiting.append(arrival)
            arrival += chance.expovariate(rate)
        while waiting and free:
            connection = free.pop(chance.randrange(len(free)))
            _send(connection, asking, sent, received)
            sent[connection] = waiting.popleft()
        for key, _ in selector.select(max(0, arrival - time.perf_counter())):
            connection = key.fileobj  # type: ignore[assignment]
            _receive(connection, received)
            if _is_whole(received[connection]):
                found.latencies.append(time.perf_counter() - sent[connection])
                free.append(connection)
    found.seconds = now - begun
    for connection in opened:
        connection.close()
    return found


def _send(
    connection: socket.socket, asking: bytes, sent: dict[socket.socket, float], received: dict[socket.socket, bytes]
) -> None:
    received[connection] = b""
    sent[connection] = time.perf_counter()
    connection.sendall(asking)


def _receive(connection: socket.socket, received: dict[socket.socket, bytes]) -> None:
    data = connection.recv(1 << 16)
    if not data:
        raise ConnectionError(f"the server closed a connection after {received[connection]!r}")
    received[connection] += data


def _is_whole(answer: bytes) -> bool:
    head, end, content = answer.partition(b"\r\n\r\n")
    if not end:
        return False
    if length := _LENGTH.search(head + b"\r\n"):
        return len(content) >= int(length[1])
    return _CHUNKED.search(head + b"\r\n") is not None and content.endswith(b"0\r\n\r\n")


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("servers", nargs="+", metavar="NAME=PORT")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    ports = {name: int(port) for name, _, port in (server.partition("=") for server in options.servers)}
    turns: dict[str, list[Turn]] = {name: [] for name in ports}
    for number in range(options.rounds):
        names = list(ports)[number % len(ports) :] + list(ports)[: number % len(ports)]
        for name in names:
            turns[name].append(turn(ports[name], options.connections, options.seconds))
    last = turns[list(ports)[-1]]
    print(f"{'server':12} {'answers/s':>10} {'p50 ms':>8} {'p99 ms':>8} {'ratio':>8}")
    for name, each in turns.items():
        rate = statistics.median(one.rate for one in each)
        p50 = statistics.median(one.percentile(50) for one in each)
        p99 = statistics.median(one.percentile(99) for one in each)
        ratio = statistics.median(one.rate / other.rate for one, other in zip(each, last, strict=True))
        print(f"{name:12} {rate:10,.0f} {p50:8.2f} {p99:8.2f} {ratio:8.2f}")


if __name__ == "__main__":
    main()
