"""Side by side: the same guest and the same work under wasihost, under the wasmtime CLI, and without any guest.

`python benchmarks/run.py [--rounds N] [--mib N]`. Every figure is a ratio taken within one run: the contenders take
turns against the same server process. Absolute times of a shared machine mean nothing. The wasmtime CLI takes part if
`WASMTIME` names it or it is on the PATH.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from direct_calls import compare_direct_calls

HERE = Path(__file__).parent
GUEST = HERE.parent / "guest-fixtures" / "prebuilt" / "rust-tcp-client.wasm"
CHUNK = 65536
MODES = ("send", "receive", "echo")
# What issue 3 asks for, against plain blocking Python sockets.
TARGETS = {"send": 0.5, "receive": 0.6, "echo": 0.5}

Contender = Callable[[str, str, int], float]
"""(mode, address, bytes) -> seconds."""


def plain(mode: str, address: str, size: int) -> float:
    """Blocking Python sockets."""
    host, _, port = address.rpartition(":")
    block, buffer = memoryview(bytes(CHUNK)), memoryview(bytearray(CHUNK))
    started = time.perf_counter()
    with socket.create_connection((host, int(port))) as connection:
        if mode == "send":
            _send(connection, block, size)
            connection.recv(1)
        elif mode == "receive":
            while connection.recv_into(buffer):
                pass
        else:
            sender = threading.Thread(target=_send, args=(connection, block, size))
            sender.start()
            while connection.recv_into(buffer):
                pass
            sender.join()
    return time.perf_counter() - started


def _send(connection: socket.socket, block: memoryview, size: int) -> None:
    for _ in range(size // CHUNK):
        connection.sendall(block)
    connection.shutdown(socket.SHUT_WR)


def _guest(command: list[str]) -> float:
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"(\d+) ms", out)
    assert found, out
    return int(found[1]) / 1000


def _variables(mode: str, address: str, size: int) -> list[str]:
    return [
        word
        for name, value in {"ADDRESS": address, "MODE": mode, "BYTES": size, "CHUNK": CHUNK}.items()
        for word in ("--env", f"{name}={value}")
    ]


def wasihost(mode: str, address: str, size: int) -> float:
    """The guest under wasihost."""
    command = [sys.executable, "-m", "wasihost", "run", "--allow-net"]
    return _guest([*command, *_variables(mode, address, size), str(GUEST)])


def wasmtime_cli(mode: str, address: str, size: int) -> float:
    """The guest under the wasmtime CLI, Wasmtime's own host in Rust."""
    flags = ["-Wcomponent-model-async=y", "-Sp3=y", "-Sinherit-network=y"]
    return _guest([_wasmtime() or "", "run", *flags, *_variables(mode, address, size), str(GUEST)])


def _wasmtime() -> str | None:
    return os.environ.get("WASMTIME") or shutil.which("wasmtime")


@contextlib.contextmanager
def server(mode: str, size: int) -> Iterator[str]:
    """The other side, in a process of its own; gives its address."""
    command = [sys.executable, str(HERE / "server.py"), mode, str(size)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


def compare(mode: str, size: int, rounds: int, contenders: dict[str, Contender]) -> None:
    """Prints a row for each contender."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    with server(mode, size) as address:
        for _ in range(rounds):
            for name, contender in contenders.items():
                times[name].append(contender(mode, address, size))
    base = times["plain Python sockets"]
    for name, found in times.items():
        speed = size / statistics.median(found) / 2**20
        ratios = [b / t for b, t in zip(base, found, strict=True)]
        ratio = f"{statistics.median(ratios):5.2f} x plain ({min(ratios):.2f} to {max(ratios):.2f})"
        goal = f"   goal {TARGETS[mode]}" if name == "wasihost" else ""
        print(f"{mode:8} {name:22} {speed:7.0f} MiB/s   {ratio}{goal}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mib", type=int, default=1024)
    options = parser.parse_args()
    contenders: dict[str, Contender] = {"plain Python sockets": plain, "wasihost": wasihost}
    if _wasmtime():
        contenders["wasmtime CLI"] = wasmtime_cli
    print(f"one connection over loopback, {options.mib} MiB in chunks of 64 KiB, median of {options.rounds} rounds")
    for mode in MODES:
        compare(mode, options.mib << 20, options.rounds, contenders)
    compare_direct_calls(options.rounds)


if __name__ == "__main__":
    main()
