"""What `make demo` runs: guests in Rust and C on real sockets of this machine, with plain Python at the other end.

Prints what happens; the exit code is 0 if every byte came back as it was sent.
"""

from __future__ import annotations

import asyncio
import random
import socket
import sys
import time
from pathlib import Path

from wasihost import GuestExit, Host, Rules, deny_all

PREBUILT = Path(__file__).parents[1] / "guest-fixtures" / "prebuilt"
SERVER, CLIENT = PREBUILT / "rust-echo-server.wasm", PREBUILT / "c-echo-client.wasm"
MIB = 1 << 20
CONNECTIONS, SIZE, CHUNK = 4, 4 * MIB, 64 * 1024
CLIENT_BYTES = 2_000_000


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


async def demo() -> bool:
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


def main() -> int:
    print("WASI 0.3 components on real sockets; every socket call of theirs is made by Python:\n")
    went_well = asyncio.run(demo())
    print(f"\n{'All went well.' if went_well else 'Something went wrong.'}")
    return 0 if went_well else 1


if __name__ == "__main__":
    sys.exit(main())
