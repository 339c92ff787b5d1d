"""Components that serve HTTP, beside `wasmtime serve`: requests, bodies, what is sent on, idle connections."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from benchmarks import http_load
from benchmarks.contenders.base import PREBUILT, Figures
from benchmarks.contenders.guests import WasmtimeCli
from benchmarks.work import OURS, Metric, Suite, Work, at_least, at_most

GROUP = "Components that serve HTTP"
PEER = "wasmtime CLI"
CONNECTIONS = 16
MIB = 1 << 20
GUESTS = {"0.3": "rust-http", "0.2": "rust-p2-http"}
_WAITS_S = 60


def works(suite: Suite) -> Iterator[Work]:
    rounds = suite.scale.rounds
    for version, guest in GUESTS.items():
        title = f"hello world of {version}, {CONNECTIONS} connections"
        rate = Metric(title, "per s", _rate, (at_least(0.3, PEER),))
        p99 = Metric(f"{title}, p99", "ms", lambda found: found["p99"], (at_most(3, PEER),))
        yield Work(f"http-hello-{version}", GROUP, _each(suite, guest, hello), (rate, p99), rounds)
        moved = Metric(f"1 MiB there and back by {version}", "MiB/s", _speed, (at_least(0.7, PEER),))
        yield Work(f"http-bodies-{version}", GROUP, _each(suite, guest, bodies), (moved,), rounds)
    sent_on = Metric("requests that a guest of 0.3 sends on", "per s", _rate, (at_least(0.3, PEER),))
    yield Work("http-forward", GROUP, _each(suite, "rust-http", forward), (sent_on,), rounds)
    count = suite.scale.idle[-1]
    title = f"memory for an idle connection of a client, {count:,} of them"
    each = Metric(title, "B", lambda found: found["bytes"], (at_most(8192),))
    yield Work("http-idle", GROUP, _each(suite, "rust-http", partial(idle, count=count)), (each,), 1)


def _each(suite: Suite, guest: str, do: Callable[..., Figures]) -> dict[str, Callable[[], Figures]]:
    """What is done with each server of a guest; `do` gets the port, the number of the process, and the seconds."""
    path = PREBUILT / f"{guest}.wasm"
    ours = [sys.executable, "-m", "wasihost", "serve", "--no-access-log", "--allow-net", "--addr", "127.0.0.1:0"]
    commands: dict[str, Sequence[str | Path]] = {OURS: [*ours, "--server-limit", "connections=20000", path]}
    for contender in suite.contenders:
        if isinstance(contender, WasmtimeCli):
            flags = ["-Wcomponent-model-async=y", "-Sp3=y", "-Scli=y", "--addr", "127.0.0.1:0"]
            flags += ["--max-concurrent-connections", "20000"]
            commands[contender.name] = [contender.path, "serve", *flags, path]
    return {name: partial(_served, command, do, suite.scale.seconds) for name, command in commands.items()}


def _served(command: Sequence[str | Path], do: Callable[..., Figures], seconds: float) -> Figures:
    with _started(command) as (process, port):
        http_load.turn(port, 1, 0.05, http_load.request(port, case="hello"))  # what the first request makes
        return do(port, process.pid, max(10 * seconds, 0.1))


@contextlib.contextmanager
def _started(command: Sequence[str | Path]) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A server and its port."""
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            found = next(filter(None, (re.search(r"http://[\d.]+:(\d+)/", line) for line in process.stderr)))
            threading.Thread(target=process.stderr.read, daemon=True).start()
            yield process, int(found[1])
        finally:
            process.kill()


# ---- what is done


def hello(port: int, _pid: int, seconds: float) -> Figures:
    return _turn(port, seconds, http_load.request(port, case="hello"))


def _turn(port: int, seconds: float, asking: bytes) -> Figures:
    found = http_load.turn(port, CONNECTIONS, seconds, asking)
    return {"rate": found.rate, "p99": found.percentile(99)}


def _rate(found: Figures) -> float:
    return found["rate"]


def bodies(port: int, _pid: int, seconds: float) -> Figures:
    """Content that the guest copies, part by part, over one connection."""
    asking = http_load.request(port, content=bytes(MIB), case="copy")
    with socket.create_connection(("127.0.0.1", port), _WAITS_S) as connection:
        count = 0
        begun = time.perf_counter()
        while time.perf_counter() < begun + seconds or not count:
            sending = threading.Thread(target=connection.sendall, args=(asking,))
            sending.start()
            _receive(connection)
            sending.join()
            count += 1
        return {"rate": count / (time.perf_counter() - begun)}


def _receive(connection: socket.socket) -> None:
    """An answer in chunks."""
    end = b""
    while not end.endswith(b"\r\n0\r\n\r\n"):
        data = connection.recv(MIB)
        if not data:
            raise RuntimeError(f"the answer broke off after {end!r}")
        end = (end + data)[-16:]


def _speed(found: Figures) -> float:
    return found["rate"]  # of MiB


def forward(port: int, _pid: int, seconds: float) -> Figures:
    """Requests that a guest sends on to a server which answers at once."""
    command = [sys.executable, "-m", "benchmarks.http_origin"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as origin:
        try:
            assert origin.stdout is not None
            to = f"127.0.0.1:{int(origin.stdout.readline())}"
            # Wasmtime tells a guest of 0.3 the scheme only if it is in the request.
            asking = http_load.request(port, path=f"http://127.0.0.1:{port}/", case="forward", to=to)
            return _turn(port, seconds, asking)
        finally:
            origin.kill()


def idle(port: int, pid: int, _seconds: float, count: int) -> Figures:
    """What the process grows by for each connection that has had an answer."""
    asking = http_load.request(port, case="hello")
    with contextlib.ExitStack() as opened:
        before = 0
        for number in range(count + CONNECTIONS):
            if number == CONNECTIONS:
                before = _resident(pid)
            connection = opened.enter_context(socket.create_connection(("127.0.0.1", port), _WAITS_S))
            connection.sendall(asking)
            _receive(connection)
        return {"bytes": max((_resident(pid) - before) / count, 1)}


def _resident(pid: int) -> int:
    """Bytes of a process in memory; Linux only."""
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
