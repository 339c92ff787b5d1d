"""Where the requests of a guest go: what its policy and the network say."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from tests.unit.http.peers import code, get, origin, whole
from wasihost._http.errors import DnsErrorPayload, ErrorCode
from wasihost._http.messages import BytesBody, Handler, Request, Response
from wasihost._network.base import Network
from wasihost._network.names import Names
from wasihost._network.virtual import VirtualNetwork
from wasihost._policy import Decision, Policy, Rules, allow_all, deny_all
from wasihost._wasi.http.sending import Sender
from wasihost._wasi.sockets.access import Access

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class _Guest:
    """A guest that sends requests."""

    def __init__(self, network: Network, policy: Policy, origins: Mapping[str, Handler] | None = None) -> None:
        self.decisions: list[Decision] = []
        access = Access(network, policy, "guest", self.decisions.append)
        self.send = Sender(access, Names(network.resolve), origins=origins or {})

    @property
    def told(self) -> list[str]:
        return [str(decision).partition(":")[0] for decision in self.decisions if not decision.allowed]


async def _given(_request: Request) -> Response:
    return Response(body=BytesBody(b"given"))


@pytest.mark.parametrize(
    "policy",
    [
        allow_all,
        Rules(outbound=["tcp://web:80"]),
        Rules(outbound=["tcp://*:80"], resolve=["web"]),
        Rules(http=["GET http://web/*"]),
        Rules(outbound=["tcp://web:80"], http=["GET *"]),
        Rules(outbound=["tcp://web:80"], http=["deny POST *"]),
        Rules(outbound=["tcp://web:80"], http=lambda request, context: request.method == "GET"),
    ],
)
async def test_what_is_allowed_is_sent(policy: Policy) -> None:
    async with origin(OK) as web:
        guest = _Guest(web.net.guest, policy)
        assert await whole(await guest.send(get())) == (200, b"ok")


@pytest.mark.parametrize(
    ("policy", "refused"),
    [
        (deny_all, "refused http-request of GET http"),
        (Rules(), "refused resolve of web for GET http"),
        (Rules(resolve=["web"]), None),
        (Rules(outbound=["tcp://web:80"], http=["HEAD *"]), "refused http-request of GET http"),
        (Rules(http=["GET *"]), "refused resolve of web for GET http"),
        (Rules(http=["GET http://web/*", "deny http://web/*"]), "refused http-request of GET http"),
        (Rules(http=["GET http://web/*"], resolve=["deny web"]), "refused resolve of web for GET http"),
        (Rules(http=lambda request, context: True), "refused resolve of web for GET http"),
    ],
)
async def test_what_is_refused_is_not(policy: Policy, refused: str | None) -> None:
    async with origin(OK) as web:
        guest = _Guest(web.net.guest, policy)
        prohibited = refused is None
        with code(ErrorCode.DESTINATION_IP_PROHIBITED if prohibited else ErrorCode.HTTP_REQUEST_DENIED):
            await guest.send(get())
        assert web.requests == []
        told = guest.told[0]
        assert told == refused or (prohibited and told.startswith("refused tcp-connect to"))


async def test_a_policy_may_take_its_time() -> None:
    async def rules(request: Request, _context: object) -> bool:
        await asyncio.sleep(0)
        return request.method == "GET"

    async with origin(OK) as web:
        guest = _Guest(web.net.guest, Rules(outbound=["tcp://web:80"], http=rules))
        assert await whole(await guest.send(get())) == (200, b"ok")
        with code(ErrorCode.HTTP_REQUEST_DENIED):
            await guest.send(get(method="PUT"))


async def test_a_rule_may_send_it_elsewhere() -> None:
    async with origin(OK) as web:
        address = next(ip for ip in await web.net.guest.resolve("web") if ip.version == 4)
        guest = _Guest(web.net.guest, Rules(outbound=[f"tcp://api.test:80 -> {address}:80"]))
        assert await whole(await guest.send(get(authority="api.test"))) == (200, b"ok")
        assert b"host: api.test" in web.requests[0]


async def test_an_unknown_name_is_a_dns_error() -> None:
    guest = _Guest(VirtualNetwork().guest, allow_all)
    with code(ErrorCode.DNS_ERROR, DnsErrorPayload("NXDOMAIN")):
        await guest.send(get(authority="nowhere.test"))


@pytest.mark.parametrize("policy", [deny_all, Rules(), Rules(http=["GET https://other"])])
async def test_an_origin_of_the_embedder_needs_no_rule(policy: Policy) -> None:
    guest = _Guest(VirtualNetwork().guest, policy, {"api.internal": _given})
    assert await whole(await guest.send(get(authority="api.internal"))) == (200, b"given")


async def test_a_rule_that_denies_counts_for_origins_too() -> None:
    guest = _Guest(VirtualNetwork().guest, Rules(http=["deny http://api.internal/x*"]), {"api.internal": _given})
    with code(ErrorCode.HTTP_REQUEST_DENIED):
        await guest.send(get(authority="api.internal", path="/xy"))


async def test_what_a_policy_raises_is_the_embedders() -> None:
    def fail(_request: Request, _context: object) -> bool:
        raise LookupError("no such tenant")

    guest = _Guest(VirtualNetwork().guest, Rules(http=fail))
    with pytest.raises(LookupError, match="no such tenant"):
        await guest.send(get())
