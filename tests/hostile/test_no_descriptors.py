"""A process that has no file descriptors left: guests hear of it, and what waited is served later."""

from __future__ import annotations

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


def test_without_descriptors_create_fails_and_connections_wait() -> None:
    assert printed(STARVING) == "True\nhello hello hello\nTrue\nboth versions work\n"
