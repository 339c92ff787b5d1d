"""TLS around sockets of a virtual network and of loopback, with a CA of the tests' own."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

import pytest
import trustme

from tests.unit.http.peers import code, get, whole
from wasihost._base.errors import ConfigError
from wasihost._http import tls
from wasihost._http.client import Client
from wasihost._http.connecting import connect
from wasihost._http.errors import ErrorCode, HttpError, TlsAlertReceivedPayload
from wasihost._http.messages import BytesBody, Request, Response
from wasihost._http.server import HttpServer
from wasihost._http.tls import TlsListener, client_context, server_context
from wasihost._network import peers
from wasihost._network.base import Address, Network, Socket
from wasihost._network.os import OsNetwork
from wasihost._network.peers import Server
from wasihost._network.virtual import VirtualNetwork

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Files(NamedTuple):
    """PEM files: the CA, a certificate of `web` and 127.0.0.1, one of a client, and a CA that no client trusts."""

    ca: Path
    server: Path
    client: Path
    other_ca: Path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("pem")
    ca = trustme.CA()
    found = Files(*(folder / f"{name}.pem" for name in Files._fields))
    ca.cert_pem.write_to_path(found.ca)
    ca.issue_cert("web", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(found.server)
    ca.issue_cert("me").private_key_and_cert_chain_pem.write_to_path(found.client)
    trustme.CA().cert_pem.write_to_path(found.other_ca)
    return found


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
    writer.close()


Connected = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def serving(
    network: Network, address: Address, context: ssl.SSLContext, connected: Connected
) -> AsyncIterator[Server]:
    """A server of asyncio's streams behind TLS."""
    context.set_alpn_protocols(["http/1.1"])
    loop = asyncio.get_running_loop()

    def factory() -> asyncio.BaseProtocol:
        return asyncio.StreamReaderProtocol(asyncio.StreamReader(loop=loop), connected, loop=loop)

    listeners: list[Socket] = [TlsListener(each, context) for each in peers.listen(network, [address])]
    server = Server(listeners, factory)
    try:
        yield server
    finally:
        server.close()
        await server.wait_closed()


@contextlib.asynccontextmanager
async def web(context: ssl.SSLContext, connected: Connected = _answer) -> AsyncIterator[VirtualNetwork]:
    """A virtual network with such a server at `web:443`."""
    net = VirtualNetwork()
    host = net.host("web")
    async with serving(host, Address(host.addresses[0], 443), context, connected):
        yield net


def client(network: Network, context: ssl.SSLContext | None = None) -> Client:
    return Client(functools.partial(connect, network), tls=context)


async def test_a_client_that_trusts_the_ca_gets_its_answer(files: Files) -> None:
    async with web(server_context(files.server)) as net:
        response = await client(net.guest, client_context(ca=files.ca))(get(scheme=None))
        assert await whole(response) == (200, b"ok")


async def test_it_is_the_same_on_loopback_with_an_address_for_a_name(files: Files) -> None:
    network = OsNetwork()
    loopback = Address(ip_address("127.0.0.1"), 0)
    async with serving(network, loopback, server_context(files.server), _answer) as server:
        authority = f"127.0.0.1:{server.port}"
        response = await client(network, client_context(ca=files.ca))(get(scheme="https", authority=authority))
        assert await whole(response) == (200, b"ok")


async def test_a_certificate_that_is_not_trusted_or_another_s_is_refused(files: Files) -> None:
    async with web(server_context(files.server)) as net:
        net.name("alias", [str(net.host("web").addresses[0])])
        trusting = client_context(ca=files.ca)
        for context, authority in ((client_context(ca=files.other_ca), "web"), (None, "web"), (trusting, "alias")):
            with code(ErrorCode.TLS_CERTIFICATE_ERROR):
                await client(net.guest, context)(get(scheme="https", authority=authority))


async def test_a_client_shows_its_certificate_and_hears_if_it_must(files: Files) -> None:
    async with web(server_context(files.server, ca=files.ca)) as net:
        shown = client_context(ca=files.ca, cert=files.client)
        assert await whole(await client(net.guest, shown)(get(scheme="https"))) == (200, b"ok")
        with pytest.raises(HttpError) as caught:
            await client(net.guest, client_context(ca=files.ca))(get(scheme="https"))
        assert caught.value.code is ErrorCode.TLS_ALERT_RECEIVED
        assert isinstance(caught.value.payload, TlsAlertReceivedPayload)
        assert "certificate_required" in str(caught.value.payload.alert_message)


@pytest.mark.parametrize("says", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b""], ids=["not TLS", "nothing"])
async def test_a_server_without_tls_is_a_protocol_error(files: Files, says: bytes) -> None:
    net = VirtualNetwork()
    server = net.host("web").serve(443, lambda _: says) if says else net.host("web").listen(443, _hang_up)
    with code(ErrorCode.TLS_PROTOCOL_ERROR):
        await client(net.guest, client_context(ca=files.ca))(get(scheme="https"))
    server.close()
    await server.wait_closed()


def _hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def test_a_name_that_no_certificate_can_have_is_invalid(files: Files) -> None:
    async with web(server_context(files.server)) as net:
        socket = await connect(net.guest, get(scheme="https"))
        with code(ErrorCode.HTTP_REQUEST_URI_INVALID):
            await tls.connected(socket, client_context(), ".")


async def test_much_goes_both_ways_at_once_with_back_pressure(files: Files) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"content-length: 3000000" in head
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 3000000\r\n\r\n")
        for _ in range(30):
            writer.write(await reader.readexactly(100_000))
            await writer.drain()
        writer.close()

    data = bytes(range(256)) * 11719
    async with web(server_context(files.server), echo) as net:
        for host in (net.guest, net.host("far")):
            net.link("far", "web", bytes_per_second=50e6)
            sent = BytesBody(data[:3_000_000])
            response = await client(host, client_context(ca=files.ca))(get(scheme="https", body=sent))
            assert await whole(response) == (200, data[:3_000_000])


@pytest.mark.parametrize("is_clean", [True, False])
async def test_only_close_notify_ends_content_without_a_length(files: Files, is_clean: bool) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nabc")
        await writer.drain()
        if not is_clean:
            socket = writer.transport._socket.inner  # type: ignore[attr-defined]
            socket.shutdown_write()
        writer.close()

    async with web(server_context(files.server), script) as net:
        response = await client(net.guest, client_context(ca=files.ca))(get(scheme="https"))
        if is_clean:
            assert await whole(response) == (200, b"abc")
        else:
            with code(ErrorCode.HTTP_RESPONSE_INCOMPLETE):
                await whole(response)
            response.body.close()


async def test_a_side_that_has_ended_still_hears_the_other(files: Files) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.read()
        writer.write(asked.upper())
        writer.close()

    async with web(server_context(files.server), script) as net:
        loop = asyncio.get_running_loop()
        socket = await tls.connected(await connect(net.guest, get(scheme="https")), client_context(ca=files.ca), "web")
        reader = asyncio.StreamReader(loop=loop)
        transport = peers.SocketTransport(socket, asyncio.StreamReaderProtocol(reader, loop=loop))
        await asyncio.sleep(0)
        transport.write(b"hello")
        transport.write_eof()
        assert await reader.read() == b"HELLO"
        transport.close()


async def test_our_server_and_client_share_a_connection_for_several_requests(files: Files) -> None:
    async def handler(request: Request) -> Response:
        request.body.close()
        return Response(body=BytesBody(f"{request.scheme}://{request.authority}{request.path}".encode()))

    net = VirtualNetwork()
    host = net.host("web")
    async with HttpServer(host, [Address(host.addresses[0], 443)], handler, tls=server_context(files.server)) as server:
        assert server.url == f"https://{host.addresses[0]}:443/"
        sending = client(net.guest, client_context(ca=files.ca))
        for path in ("/a", "/b"):
            assert await whole(await sending(get(scheme="https", path=path))) == (200, f"https://web{path}".encode())
        sending.close()
        await server.drain()
    assert len(net.connections) == 1


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "no.pem"
    with pytest.raises(ConfigError, match=r"no\.pem"):
        client_context(ca=missing)
    with pytest.raises(ConfigError, match=r"no\.pem"):
        client_context(cert=missing)
    with pytest.raises(ConfigError, match=r"no\.pem"):
        server_context(missing)
