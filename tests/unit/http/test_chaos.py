"""Exchanges that are cancelled, broken off and reset at random: each ends as documented, and nothing is left."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Sequence
from random import Random

import pytest

from wasihost._http.client import Client
from wasihost._http.connecting import connect
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.messages import Body, Header, Request, Response
from wasihost._http.server import HttpServer
from wasihost._network.base import Address, Family, Network, Socket
from wasihost._network.virtual import VirtualNetwork
from wasihost._network.wrapping import NetworkAround, SocketAround
from wasihost._testing.loop import run_virtual

GRPC: Header = ("content-type", b"application/grpc")  # which goes over HTTP/2
TRAILERS: list[Header] = [("sum", b"1"), ("sum", b"2")]


class Resetting(SocketAround):
    """A socket that resets its connection after so many calls."""

    __slots__ = ("_calls",)

    def __init__(self, inner: Socket, calls: int) -> None:
        super().__init__(inner)
        self._calls = calls

    def _count(self) -> None:
        self._calls -= 1
        if self._calls == 0:
            self.inner.abort()
            raise ConnectionResetError

    def recv_into(self, view: memoryview) -> int:
        self._count()
        return self.inner.recv_into(view)

    def recv(self, limit: int) -> bytes:
        self._count()
        return self.inner.recv(limit)

    def send(self, view: memoryview) -> int:
        self._count()
        return self.inner.send(view)


class Unsafe(NetworkAround):
    """A network where a third of the connections are reset."""

    def __init__(self, inner: Network, random: Random) -> None:
        super().__init__(inner)
        self._random = random

    def tcp_socket(self, family: Family) -> Socket:
        socket = self.inner.tcp_socket(family)
        return Resetting(socket, self._random.randrange(1, 20)) if self._random.random() < 0.3 else socket


class Erratic(Body):
    """Content of random pieces at random times, which may break off; counts how often it was closed."""

    def __init__(self, random: Random, made: list[Erratic]) -> None:
        self.content = b""
        self.closed = 0
        self._random = random
        self._pieces = random.choice([0, 1, 3, 10])
        self._breaks_off = random.random() < 0.15
        made.append(self)

    async def read(self, n: int = 0) -> bytes:
        await asyncio.sleep(self._random.choice([0, 0, 0.001, 0.1]))
        if not self._pieces:
            if self._breaks_off:
                raise HttpError(ErrorCode.LOOP_DETECTED)
            return b""
        self._pieces -= 1
        piece = self._random.randbytes(self._random.choice([1, 100, 5000, 100_000]))
        self.content += piece
        return piece

    async def trailers(self) -> list[Header]:
        await asyncio.sleep(self._random.choice([0, 0.1]))
        return TRAILERS

    def close(self, error: HttpError | None = None) -> None:
        self.closed += 1


class Site:
    """A server whose handler is erratic, and a client on an unsafe network."""

    def __init__(self, seed: int, headers: Sequence[Header]) -> None:
        self.headers = [*headers, ("te", b"trailers")]
        self.random = Random(seed)
        self.bodies: list[Erratic] = []
        self.outcomes = dict.fromkeys(("whole", "broken", "failed", "cancelled"), 0)
        net = VirtualNetwork(latency_s=0.001)
        host = net.host("web")
        self.net = net
        self.server = HttpServer(host, [Address(host.addresses[0], 80)], self.handle)
        self.client = Client(functools.partial(connect, Unsafe(net.guest, self.random)))

    async def handle(self, request: Request) -> Response:
        choice = self.random.random()
        if choice < 0.1:
            raise HttpError(ErrorCode.INTERNAL_ERROR)
        if choice < 0.3:
            return Response(body=request.body)
        if choice < 0.5:
            request.body.close()
        elif choice < 0.8:
            while await request.body.read():
                pass
            request.body.close()
        response = Erratic(self.random, self.bodies)
        return Response(headers=[("x-number", b"%d" % (len(self.bodies) - 1))], body=response)

    async def one(self) -> None:
        """One request, and what became of it."""
        request = Request(scheme="http", authority="web", headers=self.headers)
        if self.random.random() < 0.7:
            request.method = "POST"
            request.body = Erratic(self.random, self.bodies)
        try:
            async with asyncio.timeout(self.random.choice([0.001, 0.05, 1, 100])):
                self.outcomes[await self._outcome(request)] += 1
        except TimeoutError:
            self.outcomes["cancelled"] += 1

    async def _outcome(self, request: Request) -> str:
        try:
            response = await self.client(request)
        except HttpError:
            return "failed"
        found = b""
        try:
            while data := await response.body.read():
                found += data
                await asyncio.sleep(self.random.choice([0, 0, 0.01]))
            trailers = await response.body.trailers()
        except HttpError:
            return "broken"
        finally:
            response.body.close()
        number = next((int(value) for name, value in response.headers if name == "x-number"), None)
        source = request.body if number is None else self.bodies[number]
        if isinstance(source, Erratic) and response.status == 200:
            assert (found, trailers) == (source.content, TRAILERS)
        return "whole"


async def _chaos(seed: int, rounds: int, headers: Sequence[Header]) -> None:
    site = Site(seed, headers)
    async with site.server:
        for _ in range(rounds):
            await asyncio.gather(*(site.one() for _ in range(10)))
        site.client.close()
        response = await Client(functools.partial(connect, site.net.guest))(Request(scheme="http", authority="web"))
        assert response.status in (200, 500)
        response.body.close()
    await asyncio.sleep(1)
    assert min(site.outcomes.values()) > 0, site.outcomes
    assert {body.closed for body in site.bodies} == {1}
    assert asyncio.all_tasks() == {asyncio.current_task()}


both = pytest.mark.parametrize("headers", [[], [GRPC]], ids=["http1", "http2"])


@both
@pytest.mark.parametrize("seed", range(3))
def test_every_exchange_ends_and_nothing_is_left(seed: int, headers: list[Header]) -> None:
    run_virtual(_chaos(seed, 10, headers))


@pytest.mark.nightly
@both
def test_ten_thousand_exchanges_end_and_nothing_is_left(headers: list[Header]) -> None:
    run_virtual(_chaos(1000, 1000, headers))
