"""gRPC by grpcio: a guest as the server, with and without TLS, and one between a client and a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.outside.programs import PREBUILT, Certificates, python_server, write_app
from wasihost import Host, Rules
from wasihost.http import GuestServer, server_context

pytestmark = pytest.mark.nightly
GUEST = PREBUILT / "rust-grpc.wasm"
MESSAGE = bytes(range(256)) * 1000


@pytest.fixture
def grpc() -> Any:
    pytest.importorskip("grpc.aio", reason="grpcio is not installed: make nightly")
    return pytest.importorskip("grpc")


def insecure(grpc: Any, server: GuestServer) -> Any:
    """A channel to a server without TLS."""
    return grpc.aio.insecure_channel(f"127.0.0.1:{server.address.port}")


async def call(channel: Any, method: str = "Echo", **options: Any) -> bytes:
    """The answer to a call, whose messages are bytes."""
    answer: bytes = await channel.unary_unary(f"/echo.Echo/{method}")(MESSAGE, **options)
    return answer


async def test_a_guest_answers_calls_and_fails(grpc: Any) -> None:
    async with Host().serve(GUEST, port=0) as server, insecure(grpc, server) as channel:
        for _ in range(20):
            assert await call(channel) == MESSAGE
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(channel, "Fail")
    assert (caught.value.code(), caught.value.details()) == (grpc.StatusCode.INVALID_ARGUMENT, "as asked")


async def test_a_guest_answers_calls_behind_tls(grpc: Any, tmp_path: Path) -> None:
    certificates = Certificates(tmp_path)
    trusted = grpc.ssl_channel_credentials(certificates.ca.read_bytes())
    async with (
        Host().serve(GUEST, port=0, tls=server_context(certificates.server)) as server,
        grpc.aio.secure_channel(f"localhost:{server.address.port}", trusted) as channel,
    ):
        assert await call(channel) == MESSAGE


async def test_a_guest_answers_calls_behind_hypercorn(grpc: Any, tmp_path: Path) -> None:
    write_app(tmp_path, GUEST)
    serving = python_server("hypercorn", "app:app", "--bind", "unix:socket", says="Running on", cwd=tmp_path)
    async with serving, grpc.aio.insecure_channel(f"unix:{tmp_path}/socket") as channel:
        assert await call(channel) == MESSAGE


async def test_a_guest_sends_calls_on_to_a_server(grpc: Any) -> None:
    async def echo(message: bytes, _context: Any) -> bytes:
        return message

    origin = grpc.aio.server()
    methods = {"Echo": grpc.unary_unary_rpc_method_handler(echo)}
    origin.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("echo.Echo", methods)])
    to = f"127.0.0.1:{origin.add_insecure_port('127.0.0.1:0')}"
    await origin.start()
    host = Host(policy=Rules(http=[f"POST http://{to}/echo.Echo/*"]))
    async with host.serve(PREBUILT / "rust-http.wasm", port=0) as server, insecure(grpc, server) as channel:
        metadata = [("case", "forward"), ("to", to)]
        for _ in range(3):
            assert await call(channel, metadata=metadata) == MESSAGE
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(channel, "Missing", metadata=metadata)
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
    await origin.stop(None)
