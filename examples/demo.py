"""What `make demo` runs: guests in Rust and C on real sockets of this machine, with plain Python at the other end.

First with the library, then a command with `wasihost run`. Prints what happens; the exit code is 0 if every byte came
back as it was sent, and the command did what it should.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

from wasihost import GuestExit, Host, Rules, deny_all

ROOT = Path(__file__).parents[1]
PREBUILT = ROOT / "guest-fixtures" / "prebuilt"
SERVER, CLIENT = PREBUILT / "rust-echo-server.wasm", PREBUILT / "c-echo-client.wasm"
MIB = 1 << 20
CONNECTIONS, SIZE, CHUNK = 4, 4 * MIB, 64 * 1024
CLIENT_BYTES = 2_000_000
ORDER = ["--stdin", "examples/order.txt", "guest-fixtures/prebuilt/rust-order.wasm"]
CENTS = {"apple": 30, "bread": 285, "cheese": 640}
BILL = """\
  2 apple          0.60
  1 bread          2.85
  3 cheese        19.20
    total         22.65
"""


def say(who: str, what: str) -> None:
    print(f"  {who:<12}{what}", flush=True)


def echo(port: int, data: bytes) -> bytes:
    """What comes back of `data`, through a plain blocking socket."""
    back = bytearray()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        for start in range(0, len(data), CHUNK):
            chunk = data[start : start + CHUNK]
            connection.sendall(chunk)
            while len(back) < start + len(chunk):
                if not (received := connection.recv(CHUNK)):
                    return bytes(back)
                back += received
    return bytes(back)


async def python_client(port: int) -> bool:
    """Several connections at once, each in a thread of its own."""
    data = [random.Random(number).randbytes(SIZE) for number in range(CONNECTIONS)]
    begin = time.monotonic()
    back = await asyncio.gather(*(asyncio.to_thread(echo, port, each) for each in data))
    seconds = time.monotonic() - begin
    same = back == data
    verdict = "every byte came back" if same else "WRONG BYTES CAME BACK"
    say("Python", f"{CONNECTIONS} connections, {SIZE // MIB} MiB there and back on each, in {seconds:.2f} s: {verdict}")
    return same


async def c_guest(port: int) -> bool:
    """A guest as client: it may connect to the server and do nothing else."""
    address, printed = f"127.0.0.1:{port}", bytearray()
    host = Host(
        policy=Rules(outbound=[f"tcp://{address}"]),
        env={"ADDRESS": address, "BYTES": str(CLIENT_BYTES)},
        stdout=printed.extend,
    )
    await host.run_async(CLIENT)
    say("C guest", f"{CLIENT.name} says: {printed.decode().strip()}")
    return printed.decode() == f"echoed {CLIENT_BYTES} bytes\n"


async def refused_guest() -> bool:
    """The same server without permission to listen."""
    complaint = bytearray()
    try:
        await Host(policy=deny_all, stderr=complaint.extend).run_async(SERVER)
    except GuestExit as end:
        say("Rust guest", f"without permission, exit code {end.code}: {complaint.decode().strip()}")
        return b"access-denied" in complaint
    return False


async def first_act() -> bool:
    listening: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    host = Host(
        policy=Rules(inbound=["tcp://127.0.0.1:*"]),
        env={"CONNECTIONS": str(CONNECTIONS + 1)},
        stdout=listening.set_result,
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(host.run_async(SERVER))
        line = (await listening).decode().strip()
        say("Rust guest", f"{SERVER.name} says: {line}")
        port = int(line.rpartition(":")[2])
        went_well = [await python_client(port), await c_guest(port)]
    say("Rust guest", f"served {CONNECTIONS + 1} connections and returned ok")
    return all([*went_well, await refused_guest()])


class Prices(asyncio.DatagramProtocol):
    """Answers the name of an item with the name and its price."""

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, sender: tuple[str, int]) -> None:
        answer = f"{data.decode()} {CENTS.get(data.decode())}"
        say("Python", f"prices: asked {data.decode()!r} by UDP, answered {answer!r}")
        self._transport.sendto(answer.encode(), sender)


async def ledger(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reads a bill to its end, and answers with a line."""
    right = await reader.read() == BILL.encode()
    say("Python", f"ledger: got {'the bill' if right else 'SOMETHING ELSE'} by TCP")
    writer.write(b"entered as bill 1\n" if right else b"what is this?\n")
    writer.close()


@contextlib.asynccontextmanager
async def services() -> AsyncIterator[tuple[int, int]]:
    """The ports of the two."""
    loop = asyncio.get_running_loop()
    prices, _ = await loop.create_datagram_endpoint(Prices, ("127.0.0.1", 0))
    async with await asyncio.start_server(ledger, "127.0.0.1", 0) as server:
        yield prices.get_extra_info("sockname")[1], server.sockets[0].getsockname()[1]
    prices.close()


async def wasihost_run(*lines: list[str]) -> tuple[int, str]:
    """Shows a command line, runs it, shows and tells its exit code and what it printed."""
    print("  $ wasihost run " + " \\\n        ".join(" ".join(line) for line in lines), flush=True)
    words = [word for line in lines for word in line]
    command = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "wasihost", "run", *words],
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed = (await command.communicate())[0].decode()
    assert command.returncode is not None
    for line in printed.splitlines():
        say("Rust guest", line)
    say("", f"exit code {command.returncode}\n")
    return command.returncode, printed


async def second_act() -> bool:
    """A guest as a command: it may look up two names and talk to two services. Without the names, to nobody."""
    async with services() as (prices, ledger):
        names = ["--add-host", "prices=127.0.0.1", "--add-host", "ledger=127.0.0.1"]
        rules = ["--allow-outbound", f"udp://127.0.0.1:{prices}", "--allow-outbound", f"tcp://127.0.0.1:{ledger}"]
        guest = [*ORDER, f"prices:{prices}", f"ledger:{ledger}"]
        entered = await wasihost_run(names, rules, guest)
        code, complaint = await wasihost_run(rules, guest)
    return entered == (0, f"{BILL}entered as bill 1\n") and code == 1 and "AccessDenied" in complaint


def main() -> int:
    print("WASI 0.3 components on real sockets; every socket call of theirs is made by Python:\n")
    went_well = asyncio.run(first_act())
    print("\nA command: it reads an order, asks for prices by UDP, and sends the bill to a ledger by TCP:\n")
    went_well = asyncio.run(second_act()) and went_well
    print("All went well." if went_well else "Something went wrong.")
    return 0 if went_well else 1


if __name__ == "__main__":
    sys.exit(main())
