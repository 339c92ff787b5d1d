"""The same jobs without a guest: plain blocking Python sockets."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

from benchmarks.contenders.base import Contender, Figures, Job, OnLine, percentile


class PlainSockets(Contender):
    name = "plain sockets"
    runs_guests = False

    def does(self, job: Job) -> bool:
        return job.get("MODE") != "busy"  # two threads for each connection would be a measure of threads

    def run(self, guest: str, job: Job, on_line: OnLine = lambda _: None) -> Figures:
        work = JOBS[str(job["MODE"])]
        numbers = {name.lower(): value for name, value in job.items() if isinstance(value, int)}
        return work(str(job.get("ADDRESS", "")), on_line, **{"chunk": 65536, **numbers})


def connect(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    connection = socket.create_connection((host, int(port)))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def send_all(connection: socket.socket, size: int, chunk: int) -> None:
    block = memoryview(bytes(chunk))
    while size:
        count = min(size, chunk)
        connection.sendall(block[:count])
        size -= count


def receive_all(connection: socket.socket, chunk: int, size: int | None = None) -> int:
    """Until FIN, or so many bytes."""
    buffer, got = memoryview(bytearray(chunk)), 0
    while got != size and (count := connection.recv_into(buffer)):
        got += count
    return got


def echo_all(connection: socket.socket, size: int, chunk: int) -> None:
    sender = threading.Thread(target=send_all, args=(connection, size, chunk))
    sender.start()
    receive_all(connection, chunk, size)
    sender.join()


def round_trips(connection: socket.socket, rounds: int) -> list[int]:
    times = []
    for _ in range(rounds):
        start = time.perf_counter_ns()
        connection.sendall(b"x")
        connection.recv(1)
        times.append(time.perf_counter_ns() - start)
    return times


def send(address: str, on_line: OnLine, bytes: int, chunk: int) -> Figures:
    start = time.perf_counter_ns()
    with connect(address) as connection:
        send_all(connection, bytes, chunk)
    return {"bytes": bytes, "ns": time.perf_counter_ns() - start}


def receive(address: str, on_line: OnLine, bytes: int, chunk: int) -> Figures:
    start = time.perf_counter_ns()
    with connect(address) as connection:
        got = receive_all(connection, chunk)
    return {"bytes": got, "ns": time.perf_counter_ns() - start}


def echo(address: str, on_line: OnLine, bytes: int, chunk: int) -> Figures:
    start = time.perf_counter_ns()
    with connect(address) as connection:
        echo_all(connection, bytes, chunk)
    return {"bytes": 2 * bytes, "ns": time.perf_counter_ns() - start}


def pingpong(address: str, on_line: OnLine, rounds: int, chunk: int) -> Figures:
    with connect(address) as connection:
        times = round_trips(connection, rounds)
    return {"p50": percentile(times, 50), "p99": percentile(times, 99)}


def connects(address: str, on_line: OnLine, rounds: int, chunk: int) -> Figures:
    start = time.perf_counter_ns()
    for _ in range(rounds):
        connect(address).close()
    return {"ns": time.perf_counter_ns() - start}


def accepts(address: str, on_line: OnLine, rounds: int, chunk: int) -> Figures:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        on_line(f"listening on 127.0.0.1:{listener.getsockname()[1]}")
        listener.accept()[0].close()
        start = time.perf_counter_ns()
        for _ in range(rounds):
            listener.accept()[0].close()
        return {"connections": rounds, "ns": time.perf_counter_ns() - start}


def idle(address: str, on_line: OnLine, connections: int, rounds: int, bytes: int, chunk: int) -> Figures:
    on_line("none open")
    silent = [connect(address) for _ in range(connections)]
    on_line("all open")
    with connect(address) as connection:
        times = round_trips(connection, rounds)
        start = time.perf_counter_ns()
        echo_all(connection, bytes, chunk)
        nanoseconds = time.perf_counter_ns() - start
    for each in silent:
        each.close()
    return {"bytes": 2 * bytes, "ns": nanoseconds, "p50": percentile(times, 50), "p99": percentile(times, 99)}


JOBS: dict[str, Callable[..., Figures]] = {
    "send": send,
    "receive": receive,
    "echo": echo,
    "pingpong": pingpong,
    "connect": connects,
    "accept": accepts,
    "idle": idle,
}
