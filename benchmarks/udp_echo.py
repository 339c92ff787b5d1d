"""UDP echo, messages per second: a guest under wasihost and under the wasmtime CLI beside an asyncio datagram endpoint.

`python -m benchmarks.udp_echo [--rounds N] [--messages N]`. The servers run all the time and take turns, so only the
ratios within one run mean something; `cpu` is what the server's process took for a message. The wasmtime CLI takes part
if `WASMTIME` names it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

GUEST = str(Path(__file__).parents[1] / "guest-fixtures/prebuilt/rust-udp-echo.wasm")
SIZES, WINDOWS = (64, 1400), (1, 32)


class Echo(asyncio.DatagramProtocol):
    """The plain contender."""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        print(f"listening on 127.0.0.1:{transport.get_extra_info('sockname')[1]}", flush=True)

    def datagram_received(self, data: bytes, address: object) -> None:
        self._transport.sendto(data, address)


async def serve() -> None:
    await asyncio.get_running_loop().create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
    await asyncio.Event().wait()


class Server:
    """One contender's process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self._process = process
        self.address = ("127.0.0.1", int(process.stdout.readline().rpartition(":")[2]))

    def cpu_seconds(self) -> float:
        """What it has taken so far; Linux only."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def servers() -> Iterator[dict[str, Server]]:
    commands = {
        "asyncio": [sys.executable, "-m", "benchmarks.udp_echo", "--serve"],
        "wasihost": [sys.executable, "-m", "wasihost", "run", "--allow-net", GUEST],
    }
    if "WASMTIME" in os.environ:
        flags = ["-Wcomponent-model-async=y", "-Sp3=y", "-Sinherit-network=y"]
        commands["wasmtime CLI"] = [os.environ["WASMTIME"], "run", *flags, GUEST]
    with contextlib.ExitStack() as stack:
        made = {}
        for name, command in commands.items():
            process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            stack.callback(process.kill)
            made[name] = Server(process)
        yield made


def rate(server: Server, messages: int, window: int, size: int) -> float:
    """Messages per second, with `window` of them under way."""
    data = bytes(size)
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.connect(server.address)
        started = time.perf_counter()
        for number in range(messages + window):
            if number >= window:
                client.recv(65536)
            if number < messages:
                client.send(data)
        return messages / (time.perf_counter() - started)


def compare(made: dict[str, Server], rounds: int, messages: int, window: int, size: int) -> None:
    """Prints a row for each contender."""
    rates: dict[str, list[float]] = {name: [] for name in made}
    cpu = dict.fromkeys(made, 0.0)
    for _ in range(rounds):
        for name, server in made.items():
            before = server.cpu_seconds()
            rates[name].append(rate(server, messages, window, size))
            cpu[name] += server.cpu_seconds() - before
    for name, found in rates.items():
        ratio = statistics.median(mine / plain for mine, plain in zip(found, rates["asyncio"], strict=True))
        taken = cpu[name] / rounds / messages * 1e6
        what, speed = f"{size:5} bytes, {window:2} under way  {name:12}", f"{statistics.median(found):7.0f}/s"
        print(f"{what} {speed}  {ratio:4.2f} x asyncio  {taken:5.1f} us cpu", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve())
    with servers() as made:
        for size in SIZES:
            for window in WINDOWS:
                compare(made, options.rounds, options.messages, window, size)


if __name__ == "__main__":
    main()
