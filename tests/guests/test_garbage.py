"""What ends leaves nothing that only Python's garbage collector would find, unless it trapped: instances, requests."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Awaitable, Callable
from ipaddress import ip_address

import pytest

from tests.guests.exports import Api, opened_api
from tests.guests.harness import load, opened, until
from tests.guests.http import Origin, ask, content
from tests.guests.serve import served
from wasihost import Host, WitError, allow_all
from wasihost._http.messages import BytesBody
from wasihost._http.server import HttpServer
from wasihost._network.base import Address
from wasihost._network.virtual import VirtualNetwork

TIMES = 4


async def _garbage_of(do: Callable[[], Awaitable[None]]) -> int:
    """How many objects in cycles it leaves behind, after a first time; the least of some, as a busy machine varies."""
    await do()
    gc.collect()
    gc.disable()
    try:
        return min([await _collected_after(do) for _ in range(TIMES)])
    finally:
        gc.enable()


async def _collected_after(do: Callable[[], Awaitable[None]]) -> int:
    await do()
    return gc.collect()


@pytest.mark.parametrize("name", ["rust-cat", "rust-echo-server", "rust-p2-http"])
async def test_one_that_was_not_called(name: str) -> None:
    async def do() -> None:
        async with opened(name):
            pass

    assert await _garbage_of(do) == 0


async def _returns(api: Api) -> None:
    assert await api.call("async-divide", 7, 2) == (3, 1)


async def _waits(api: Api) -> None:
    assert await api.call("wait-for", 1, 0) == 1


async def _gives_err(api: Api) -> None:
    with contextlib.suppress(WitError):
        await api.call("divide", 1, 0)


async def _leaves_a_stream(api: Api) -> None:
    stream, future = await api.call("count-to", 9)
    assert await stream.read(2) == [0, 1]
    del future


async def _is_cancelled(api: Api) -> None:
    call = api.begin("wait-for", 1, 1000)
    await until(lambda: api.sleeper.sleeping)
    call.cancel()
    await until(call.done)


async def _is_closed_meanwhile(api: Api) -> None:
    api.begin("wait-for", 1, 1000).add_done_callback(lambda call: call.exception())
    await until(lambda: api.sleeper.sleeping)


@pytest.mark.parametrize("use", [_returns, _waits, _gives_err, _leaves_a_stream, _is_cancelled, _is_closed_meanwhile])
async def test_one_that_was_called(use: Callable[[Api], Awaitable[None]]) -> None:
    async def do() -> None:
        async with opened_api() as api:
            await use(api)

    assert await _garbage_of(do) == 0


@pytest.mark.parametrize("name", ["rust-http", "rust-p2-http"])
async def test_one_that_answered_a_request(name: str) -> None:
    async with Host().answering(load(name), reuse=1) as handler:

        async def do() -> None:
            response = await ask(handler, "hello")
            assert await content(response) == b"hello"
            response.body.close()

        assert await _garbage_of(do) == 0


@pytest.mark.parametrize("case", ["hello", "copy", "forward"])
async def test_a_request_on_a_connection(case: str) -> None:
    network = VirtualNetwork()
    at = Address(ip_address("10.0.0.7"), 80)
    async with (
        HttpServer(network.host("origin", str(at.ip)), [at], Origin()),
        served(network=network, settings={"policy": allow_all}) as guest,
    ):

        async def do() -> None:
            await guest.answer(case, BytesBody(b"content"), to=at)

        assert await _garbage_of(do) == 0
