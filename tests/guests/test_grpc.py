"""A service of gRPC: over HTTP/2, with its status in the trailers."""

from __future__ import annotations

from tests.guests.harness import load
from tests.guests.http import ask, whole
from tests.guests.serve import ADDRESS, Served, served
from wasihost import Host, allow_all
from wasihost._http.messages import BytesBody, Header, Request
from wasihost._network.virtual import VirtualNetwork

MESSAGE = b"\0\0\0\0\x04some"
CONTENT: Header = ("content-type", b"application/grpc")


async def called(guest: Served, method: str) -> tuple[bytes, list[Header]]:
    """The message, as it was sent, and the trailers."""
    response = await guest.client(
        Request(
            method="POST",
            scheme="http",
            authority=str(guest.server.address),
            path=f"/echo.Echo/{method}",
            headers=[CONTENT, ("te", b"trailers")],
            body=BytesBody(MESSAGE),
        )
    )
    assert response.headers[0] == CONTENT
    return await whole(response)


async def test_a_service_answers_calls_on_one_connection_with_their_status_in_the_trailers() -> None:
    async with served("rust-grpc") as guest:
        assert await called(guest, "Echo") == (MESSAGE, [("grpc-status", b"0"), ("grpc-message", b"as asked")])
        assert await called(guest, "Fail") == (b"", [("grpc-status", b"3"), ("grpc-message", b"as asked")])
        guest.client.close()


async def test_a_guest_sends_a_call_on_without_tls() -> None:
    network = VirtualNetwork()
    async with (
        served("rust-grpc", network=network),
        Host(policy=allow_all, network=network.guest).answering(load("rust-http")) as handler,
    ):
        response = await ask(
            handler, "forward", BytesBody(MESSAGE), to=f"{ADDRESS}:80", **{"content-type": "application/grpc"}
        )
        assert await whole(response) == (MESSAGE, [("grpc-status", b"0"), ("grpc-message", b"as asked")])
