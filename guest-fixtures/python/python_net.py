"""Plain Python on WASI 0.2: `socket`, `urllib` and asyncio of the standard library, with no bindings of their own.

HOST       a name or an address that has two echo servers and a web server
TCP_PORT   of the first
UDP_PORT   of the second
HTTP_PORT  of the web server

Prints a line for each part. The policy must refuse port 1.
"""

import asyncio
import encodings.idna  # noqa: F401  # modules are only found when it is built
import os
import socket
import urllib.request

from wit_world import exports

MESSAGES = [bytes([number]) * 10_000 * number for number in range(1, 6)]


class Run(exports.Run):
    def run(self) -> None:
        host = os.environ["HOST"]
        address = socket.gethostbyname(host)
        print(f"{host} is {address}")
        tcp = address, int(os.environ["TCP_PORT"])  # asyncio looks names up in a thread, and there is none
        print(f"TCP: {echo(tcp, b'a line').decode()} came back")
        print(f"UDP: {ask((address, int(os.environ['UDP_PORT'])), b'a datagram').decode()} came back")
        with urllib.request.urlopen(f"http://{host}:{os.environ['HTTP_PORT']}/") as answer:
            print(f"HTTP: {answer.status} {answer.read().decode()}")
        print(f"asyncio: {asyncio.run(several(tcp))} bytes came back")
        print(f"serving: {asyncio.run(serve_one(b'to myself')).decode()}")
        try:
            socket.create_connection((address, 1))
        except PermissionError:
            print("port 1: refused")


def echo(peer: tuple[str, int], message: bytes) -> bytes:
    """What comes back until the peer's FIN."""
    with socket.create_connection(peer, timeout=60) as connection:
        connection.sendall(message)
        connection.shutdown(socket.SHUT_WR)
        back = b""
        while piece := connection.recv(65536):
            back += piece
        return back


def ask(peer: tuple[str, int], message: bytes) -> bytes:
    with socket.socket(type=socket.SOCK_DGRAM) as one:
        one.sendto(message, peer)
        return one.recv(65536)


async def several(peer: tuple[str, int]) -> int:
    """Connections at the same time."""
    echoes = await asyncio.gather(*(exchange(peer, message) for message in MESSAGES))
    assert echoes == MESSAGES
    return sum(map(len, echoes))


async def exchange(peer: tuple[str, int], message: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(*peer)
    writer.write(message)
    writer.write_eof()
    back = await reader.read()
    writer.close()
    await writer.wait_closed()
    return back


async def serve_one(message: bytes) -> bytes:
    """Serves, and is its own client."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        return await exchange(server.sockets[0].getsockname()[:2], message)
