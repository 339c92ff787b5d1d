"""Sockets through the bindings that componentize-py makes of the WIT: TCP as client and server, UDP, a name lookup.

HOST      a name whose first address has two echo servers
TCP_PORT  of the one
UDP_PORT  of the other

Prints a line for each part. An error-code ends it with err; a failed check is a trap, with its traceback on stderr.
The policy must refuse port 1.
"""

import asyncio
import ipaddress

from componentize_py_types import Err
from wit_world import byte_stream, exports
from wit_world.imports import environment, ip_name_lookup, stdout
from wit_world.imports.wasi_sockets_types import (
    ErrorCode_AccessDenied,
    IpAddressFamily,
    IpSocketAddress,
    IpSocketAddress_Ipv4,
    Ipv4SocketAddress,
    TcpSocket,
    UdpSocket,
)

MESSAGES = [bytes([number]) * 10_000 * number for number in range(1, 6)]


class Run(exports.Run):
    async def run(self) -> None:
        settings = dict(environment.get_environment())
        name = settings["HOST"]
        address = (await ip_name_lookup.resolve_addresses(name))[0].value
        await say(f"{name} is {ipaddress.ip_address(bytes(address))}")

        peer = at(address, settings["TCP_PORT"])
        echoes = await asyncio.gather(*(echo(peer, message) for message in MESSAGES))
        assert echoes == MESSAGES
        await say(f"TCP: {len(echoes)} connections at once, {sum(map(len, echoes))} bytes came back")

        answer = await ask(at(address, settings["UDP_PORT"]), b"a datagram")
        await say(f"UDP: {answer.decode()} came back")
        await say(f"serving: {(await serve_one(b'to myself')).decode()}")
        assert await refused(at(address, 1)) == ErrorCode_AccessDenied()
        await say("port 1: access-denied")


def at(address: tuple[int, int, int, int], port: int | str) -> IpSocketAddress:
    return IpSocketAddress_Ipv4(Ipv4SocketAddress(int(port), address))


async def say(line: str) -> None:
    writer, reader = byte_stream()
    written = stdout.write_via_stream(reader)
    with writer:
        await writer.write_all(f"{line}\n".encode())
    await written.read()


async def echo(peer: IpSocketAddress, message: bytes) -> bytes:
    """What comes back of a message on a connection of its own."""
    with TcpSocket.create(IpAddressFamily.IPV4) as socket:
        await socket.connect(peer)
        _, back = await asyncio.gather(send(socket, message), receive(socket))
        return back


async def send(socket: TcpSocket, message: bytes) -> None:
    writer, reader = byte_stream()
    sent = socket.send(reader)
    with writer:
        assert await writer.write_all(message) == len(message)
    succeeded(await sent.read())


async def receive(socket: TcpSocket) -> bytes:
    """Everything until the peer's FIN."""
    reader, received = socket.receive()
    back = bytearray()
    with reader:
        while not reader.writer_dropped:
            back += await reader.read(65536)
    succeeded(await received.read())
    return bytes(back)


def succeeded(result: object) -> None:
    if isinstance(result, Err):
        raise result


async def ask(peer: IpSocketAddress, message: bytes) -> bytes:
    with UdpSocket.create(IpAddressFamily.IPV4) as socket:
        await socket.send(message, peer)
        answer, sender = await socket.receive()
        assert sender == peer
        return answer


async def serve_one(message: bytes) -> bytes:
    """Listens, connects to itself, and sends through that connection."""
    with TcpSocket.create(IpAddressFamily.IPV4) as listener, TcpSocket.create(IpAddressFamily.IPV4) as client:
        listener.bind(at((127, 0, 0, 1), 0))
        with listener.listen() as connections:
            accepted, _ = await asyncio.gather(connections.read(1), client.connect(listener.get_local_address()))
        with accepted[0] as server:
            back, _ = await asyncio.gather(receive(server), send(client, message))
            return back


async def refused(peer: IpSocketAddress) -> object:
    """The error-code of a connect."""
    with TcpSocket.create(IpAddressFamily.IPV4) as socket:
        try:
            await socket.connect(peer)
        except Err as error:
            return error.value
    return None
