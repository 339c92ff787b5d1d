"""A process that has no file descriptors left: guests hear of it, and what waited is served later."""

from __future__ import annotations

import pytest

from tests.hostile.harness import SYNC, core
from tests.processes import printed

STARVING = """
import asyncio, os, resource, socket
from tests.guests.harness import Guest, load, open_fds, run
from wasihost import GuestExit

def take_all():
    # of few that are left
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(open_fds()) + 10, most))
    taken = []
    while True:
        try:
            taken.append(os.dup(0))
        except OSError:
            return taken

async def echoed(client):
    loop = asyncio.get_running_loop()
    client.setblocking(False)
    await loop.sock_sendall(client, b"hello")
    found = await loop.sock_recv(client, 100)
    client.close()
    return found.decode()

async def main():
    server, client = Guest("rust-echo-server"), Guest("rust-tcp-client", env={"ADDRESS": "127.0.0.1:1"})
    serving = asyncio.create_task(server.run_async())
    port = int((await server.stdout.first_line()).rpartition(":")[2])
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
    taken = take_all()
    try:
        await client.host.run_async(load("rust-tcp-client"))
    except GuestExit:
        print("Too many open files" in str(client.stderr))
    os.close(taken.pop())
    print(*[await echoed(client) for client in clients])
    serving.cancel()
    print("Too many open files" in str(server.stderr))

_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
load("rust-echo-server"), load("rust-tcp-client"), load("rust-two-versions")
asyncio.run(main())
print(run("rust-two-versions"), end="")
"""


@pytest.mark.slow
def test_without_descriptors_create_fails_and_connections_wait() -> None:
    assert printed(STARVING) == "True\nhello hello hello\nTrue\nboth versions work\n"


# Creates sockets until that fails: how many it holds, times 100, and which error-code it was.
CREATES = core(
    """
    (func (export "f") (result i32)
      (loop $again
        (call $create (i32.const 0) (i32.const 0))
        (if (i32.eqz (i32.load8_u (i32.const 0)))
          (then (global.set $held (i32.add (global.get $held) (i32.const 1))) (br $again))))
      (i32.add (i32.mul (global.get $held) (i32.const 100)) (i32.load8_u (i32.const 4))))
    (global $held (mut i32) (i32.const 0))
    """,
    SYNC,
    """
    (import "wasi:sockets/types@0.3.0" (instance $types
      (type $f (enum "ipv4" "ipv6"))
      (export "ip-address-family" (type $family (eq $f)))
      (type $e (variant (case "access-denied") (case "not-supported") (case "invalid-argument") (case "out-of-memory")
        (case "timeout") (case "invalid-state") (case "address-not-bindable") (case "address-in-use")
        (case "remote-unreachable") (case "connection-refused") (case "connection-broken") (case "connection-reset")
        (case "connection-aborted") (case "datagram-too-large") (case "other" (option string))))
      (export "error-code" (type $error (eq $e)))
      (export "tcp-socket" (type $socket (sub resource)))
      (export "[static]tcp-socket.create"
        (func (param "address-family" $family) (result (result (own $socket) (error $error)))))))
    (alias export $types "[static]tcp-socket.create" (func $created))
    """,
    {"create": ("lower (func $created) (memory $memory) (realloc (core func $realloc))", "(param i32 i32)")},
)
OUT_OF_MEMORY = 3

GREEDY = """
import asyncio, contextlib, logging, os, resource, wasmtime
from tests.hostile.test_no_descriptors import CREATES
from wasihost import Host
from wasihost._network.quotas import Quotas

async def main():
    host = Host({options})
    guest = host.load(bytes(wasmtime.wat2wasm(CREATES)))
    async with contextlib.AsyncExitStack() as stack:
        for _ in range({guests}):
            print(await (await stack.enter_async_context(host.open(guest))).call("f"))
        for _ in range({files}):
            os.dup(0)

logging.disable()
_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (1024, most))
asyncio.run(main())
"""


def _created(guests: int, files: int, options: str = "") -> list[tuple[int, int]]:
    """How many sockets each guest could create, and the error-code then, of a process that opens files afterwards."""
    lines = printed(GREEDY.format(options=options, guests=guests, files=files)).splitlines()
    return [divmod(int(line), 100) for line in lines]


def test_guests_leave_the_embedder_half_of_the_descriptors() -> None:
    assert _created(3, files=400) == [(256, OUT_OF_MEMORY), (256, OUT_OF_MEMORY), (0, OUT_OF_MEMORY)]


def test_quotas_raise_how_many_sockets_a_guest_may_hold() -> None:
    assert _created(1, files=100, options="quotas=Quotas(sockets=700)") == [(700, OUT_OF_MEMORY)]
