"""Requests, bodies and origins that break off at random: every request ends, and nothing is left of any."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import Any

import pytest

from tests.guests.harness import load, passes, until
from tests.guests.http import Parts, ask, http_providers, text_of
from wasihost import Host, Instance
from wasihost._host.serving import serve_handler
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.messages import Body, Handler, Request, Response

GONE = HttpError(ErrorCode.CONNECTION_TERMINATED)
CASES = ["hello", "describe", "copy", "answer", "send", "forward", "error"]
EACH = 40
"""Requests of each client; as in the other tables, the seeds are for a failure to come again."""


class SlowParts(Parts):
    """Comes part by part, with passes of the event loop between, and may break off."""

    def __init__(self, chance: random.Random) -> None:
        parts: list[bytes | HttpError] = [b"x" * chance.choice([1, 1000, 70_000]) for _ in range(chance.randrange(4))]
        if chance.random() < 0.2:
            parts.append(GONE)
        super().__init__(*parts, trailers=[("a", b"b")] * chance.randrange(2))
        self._chance = chance

    async def read(self, n: int = 1 << 16) -> bytes:
        await passes(self._chance.randrange(3))
        return await super().read(n)


class Run:
    """Clients and an origin that do as chance has it; `bodies` are all that they made."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.bodies: list[SlowParts] = []

    def _body(self) -> SlowParts:
        self.bodies.append(SlowParts(self.chance))
        return self.bodies[-1]

    async def origin(self, request: Request) -> Response:
        async with _closing(request.body):
            await passes(self.chance.randrange(4))
            if self.chance.random() < 0.2:
                raise HttpError(ErrorCode.CONNECTION_REFUSED)
            await self._read(request.body)
        return Response(body=self._body())

    async def client(self, handler: Handler, cases: list[str]) -> None:
        for _ in range(EACH):
            asking = asyncio.create_task(self._ask(handler, self.chance.choice(cases)))
            if self.chance.random() < 0.3:
                await passes(self.chance.randrange(30))
                asking.cancel()
            with contextlib.suppress(HttpError, asyncio.CancelledError):
                await asking

    async def _ask(self, handler: Handler, case: str) -> None:
        described: dict[str, Any] = {"authority": "a", "to": "b", "code": 5, "trailers": "fields"}
        if self.chance.random() < 0.7:
            described["bytes"] = self.chance.choice([0, 5, 100_000])
        if self.chance.random() < 0.3:
            described["length"] = 5
        response = await ask(handler, case, self._body(), **described)
        async with _closing(response.body):
            await self._read(response.body)

    async def _read(self, body: Body) -> None:
        """Some of a body, or all of it."""
        for _ in range(self.chance.choice([0, 1, 3, 1000])):
            if not await body.read():
                await body.trailers()
                return


@contextlib.asynccontextmanager
async def _closing(body: Body) -> Any:
    error: HttpError | None = GONE
    try:
        yield
        error = None
    except HttpError as failed:
        error = failed
        raise
    finally:
        body.close(error)


def _is_empty(instance: Instance) -> bool:
    machine = instance._machine
    return not machine._pumps and not machine.table and not machine._tasks


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("name", "clients"), [("rust-http", 8), ("rust-p2-http", 1)])
async def test_nothing_is_left_of_requests_that_break_off(name: str, clients: int, seed: int) -> None:
    run = Run(seed)
    component = load(name)
    cases = [*CASES, "echo", "late"] if name == "rust-http" else [*CASES, "splice"]
    async with Host(providers=http_providers(run.origin)).open(component) as instance:
        handler = serve_handler(component, instance)
        await asyncio.gather(*(run.client(handler, cases) for _ in range(clients)))
        assert await text_of(handler, "hello") == "hello"
        await until(lambda: _is_empty(instance))
    assert [body for body in run.bodies if not body.closed] == []
