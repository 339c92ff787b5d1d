"""A guest behind a server: requests, limits, deaths and the end, on a virtual network."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest
import trustme

from tests.guests.harness import PREBUILT, load
from tests.guests.serve import ADDRESS, Served, served
from tests.unit.http.peers import content
from wasihost import ConfigError, Host, Limits, LinkError, Stats, allow_all
from wasihost._http.answering import Answered
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.messages import BytesBody, Request, Response
from wasihost._http.tls import client_context, server_context
from wasihost._network.virtual import VirtualNetwork
from wasihost._testing.loop import run_virtual


async def test_a_guest_answers() -> None:
    async with served() as guest:
        assert guest.server.url == f"http://{ADDRESS}:80/"
        assert await guest.answer("hello") == (200, b"hello")
        assert (await guest.answer("describe"))[1].startswith(
            b'Method::Post Some(Scheme::Http) Some("10.0.0.9:80") Some("/path?query")'
        )
        assert await guest.answer("copy", BytesBody(b"x" * 200_000)) == (200, b"x" * 200_000)


async def test_a_guest_asks_an_origin_of_the_host() -> None:
    async def origin(request: Request) -> Response:
        request.body.close()
        return Response(status=201, body=BytesBody(b"answered"))

    async with served(settings={"http": {"api.internal": origin}}) as guest:
        assert (await guest.answer("send", authority="api.internal"))[1].splitlines()[:2] == [b"201", b"8 bytes"]
        assert b"HttpRequestDenied" in (await guest.answer("send", authority="elsewhere"))[1]


async def test_requests_are_served_at_the_same_time() -> None:
    async with served() as guest:
        answers = await asyncio.gather(*(guest.answer("hello") for _ in range(20)))
    assert answers == [(200, b"hello")] * 20


async def _instances(requests: int, reuse: int | None = None) -> int:
    """How many instances served so many requests."""
    stats: list[Stats] = []
    async with served(settings={"on_stats": stats.append}, instances=1, reuse=reuse) as guest:
        for _ in range(requests):
            assert await guest.answer("hello") == (200, b"hello")
    return sum(bool(each.calls) for each in stats)


async def test_an_instance_serves_as_many_requests_as_it_may() -> None:
    assert await _instances(5) == 1
    assert await _instances(5, reuse=2) == 3
    assert await _instances(2, reuse=1) == 2


async def test_a_guest_of_0_2_answers_too() -> None:
    async with served("rust-p2-http") as guest:
        assert await guest.answer("hello") == (200, b"hello")
        assert await guest.answer("copy", BytesBody(b"x" * 100_000)) == (200, b"x" * 100_000)
    async with served("rust-p2-http", instances=1, reuse=5) as guest:
        assert await asyncio.gather(*(guest.answer("hello") for _ in range(9))) == [(200, b"hello")] * 9


async def test_middleware_lets_through_what_it_likes() -> None:
    gate, app = (PREBUILT / f"{name}.wasm" for name in ("rust-http-gate", "rust-http"))
    host = Host(network=VirtualNetwork().guest, limits=Limits(async_components=10))
    component = host.reflect(gate, plug={"wasi:http/handler": app})
    async with host.answering(component, instances=1) as handler:
        for headers, expected in (([("key", b"1")], 200), ([], None), ([("key", b"1")], 200)):
            asking = Request(
                method="POST",
                scheme="http",
                authority="a",
                path="/",
                headers=[("case", b"copy"), *headers],
                body=BytesBody(b"x" * 100_000, [("sum", b"1")]),
            )
            if expected is None:
                with pytest.raises(HttpError, match="HTTP-request-denied"):
                    await handler(asking)
                continue
            response = await handler(asking)
            assert len(await content(response.body)) == 100_000
            assert await response.body.trailers() == [("sum", b"1")]
            response.body.close()


async def test_guests_talk_to_each_other_by_https(tmp_path: Path) -> None:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    ca.issue_cert("secure").private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    network = VirtualNetwork()
    behind = Host(network=network.host("secure", "10.0.0.7"))
    own = server_context(tmp_path / "server.pem")
    settings = {"policy": allow_all, "tls": client_context(ca=tmp_path / "ca.pem")}
    async with (
        behind.serve(load("rust-http"), addr="10.0.0.7", port=443, tls=own) as server,
        served(network=network, settings=settings) as guest,
    ):
        assert server.url == "https://10.0.0.7:443/"
        status, told = await guest.answer("send", scheme="HTTPS", authority="secure", path="/x")
    assert (status, told.splitlines()[0]) == (200, b"404")


# ---- deaths


async def test_a_trap_before_the_head_is_500_with_nothing_internal(caplog: pytest.LogCaptureFixture) -> None:
    async with served() as guest:
        assert await guest.answer("trap") == (500, b"500 Internal Server Error\n")
        assert await guest.answer("error", code="internal-error") == (500, b"500 Internal Server Error\n")
        assert await guest.answer("hello") == (200, b"hello")
    assert "unreachable" in caplog.text


async def test_a_trap_after_the_head_breaks_the_answer_off() -> None:
    async with served() as guest:
        with pytest.raises(HttpError) as caught:
            await guest.answer("trap-after")
        assert caught.value.code is ErrorCode.HTTP_RESPONSE_INCOMPLETE
        assert await guest.answer("hello") == (200, b"hello")


async def test_a_trap_ends_the_requests_of_its_own_instance_only() -> None:
    async with served(instances=2, at_once=2) as guest:
        hanging = [asyncio.ensure_future(guest.answer("hang")) for _ in range(3)]
        await _until_waiting(guest)
        assert (await guest.answer("trap"))[0] == 500
        done, others = await asyncio.wait(hanging, return_when=asyncio.FIRST_COMPLETED)
        assert [task.result()[0] for task in done] == [500]
        assert len(others) == 2
        for task in others:
            task.cancel()


# ---- limits


def test_a_guest_that_takes_too_long_is_given_up() -> None:
    async def main() -> None:
        async with served(timeout_s=5) as guest:
            assert await guest.answer("hang") == (504, b"504 Gateway Timeout\n")
            assert await guest.answer("hello") == (200, b"hello")

    run_virtual(main())


async def test_requests_beyond_the_instances_wait_and_those_beyond_the_line_get_503() -> None:
    async with served(instances=1, at_once=1, max_waiting=1) as guest:
        first = asyncio.ensure_future(guest.answer("hang"))
        second = asyncio.ensure_future(guest.answer("hello"))
        await _until_waiting(guest)
        assert (await guest.answer("hello"))[0] == 503
        first.cancel()
        assert await second == (200, b"hello")


async def _until_waiting(guest: Served) -> None:
    """Both requests have come to the server."""
    for _ in range(200):
        await asyncio.sleep(0)


async def test_a_client_that_leaves_leaves_its_place() -> None:
    async with served(instances=1, at_once=1) as guest:
        hanging = asyncio.ensure_future(guest.answer("hang"))
        await _until_waiting(guest)
        hanging.cancel()
        assert await guest.answer("hello") == (200, b"hello")


@pytest.mark.parametrize(("cancel_tasks", "cancelled"), [(True, 1), (False, 0)])
async def test_the_task_of_a_client_that_leaves_is_cancelled_if_asked_for(cancel_tasks: bool, cancelled: int) -> None:
    async with served("c-http", cancel_tasks=cancel_tasks, instances=1) as guest:
        leaving = asyncio.ensure_future(guest.answer("hang"))
        await _until_waiting(guest)
        leaving.cancel()
        await _until_waiting(guest)
        assert (await guest.answer("cancelled"))[0] == 200 + cancelled  # of the same instance, or a new one


async def test_a_client_that_leaves_takes_no_other_with_it() -> None:
    """The guest would panic if its task were cancelled, as most in Rust would."""
    more = asyncio.Event()

    async def origin(request: Request) -> Response:
        await more.wait()
        request.body.close()
        return Response(status=201)

    async with served(settings={"http": {"api.internal": origin}}, instances=1, at_once=2) as guest:
        leaving, staying = (asyncio.ensure_future(guest.answer("send", authority="api.internal")) for _ in range(2))
        await _until_waiting(guest)
        leaving.cancel()
        await _until_waiting(guest)
        more.set()
        assert (await staying)[1].startswith(b"201")


# ---- the end


def test_the_end_waits_for_requests_under_way() -> None:
    async def main() -> None:
        async with served() as guest:
            answer = asyncio.ensure_future(guest.answer("copy", BytesBody(b"x" * 100_000)))
            await _until_waiting(guest)
        assert await answer == (200, b"x" * 100_000)

    run_virtual(main())


def test_it_does_not_wait_for_ever() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        async with served(drain_s=7) as guest:
            hanging = asyncio.ensure_future(guest.answer("hang"))
            await _until_waiting(guest)
            began = loop.time()
        with pytest.raises(HttpError):
            await hanging
        return loop.time() - began

    assert 7 <= run_virtual(main()) < 8


# ---- mistakes, and what is told


async def test_a_component_that_serves_no_http_is_an_error() -> None:
    with pytest.raises(LinkError, match="the component serves no HTTP: it exports wasi:cli/run"):
        async with Host(network=VirtualNetwork().guest).serve(load("rust-echo-server")):
            pass


async def test_an_address_that_is_none_is_an_error() -> None:
    with pytest.raises(ConfigError, match="expected an IP address and a port"):
        async with served() as _, Host().serve(load("rust-http"), addr="localhost"):
            pass


async def test_each_answer_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    answered: list[Answered] = []
    async with served(answered=answered.append) as guest:
        await guest.answer("hello")
        await guest.answer("trap", method="GET")
    told = [(each.method, each.target, each.status, each.content_bytes) for each in answered]
    assert told == [("POST", "/path?query", 200, 5), ("GET", "/path?query", 500, 26)]
