"""`ip-name-lookup`: addresses one by one, what is answered at once, and what failures become."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address

import pytest

from tests.unit.wasi.p2.io.fakes import settled
from tests.unit.wasi.p2.sockets.setup import NETWORK, code_of, passes
from tests.unit.wasi.sockets.fake_network import FakeNetwork
from wasihost._component.resources import ResourceError
from wasihost._network.names import Names, parse_hosts
from wasihost._policy import Policy, allow_all, deny_all
from wasihost._wasi.common.addresses import IpAddress
from wasihost._wasi.p2.sockets.errors import ErrorCode
from wasihost._wasi.p2.sockets.ip_name_lookup import IpNameLookup, ResolveAddressStream
from wasihost._wasi.sockets.access import Access
from wasihost._wasi.sockets.lookup import Lookup

ONE, TWO = IpAddress.Ipv4((10, 0, 0, 1)), IpAddress.Ipv6((0x2001, 0xDB8, 0, 0, 0, 0, 0, 1))


def _lookup(policy: Policy = allow_all, error: OSError | None = None) -> IpNameLookup:
    network = FakeNetwork()
    network.names = {"db": error or [ip_address("10.0.0.1"), ip_address("2001:db8::1")]}
    names = Names(network.resolve, parse_hosts({"known": "10.0.0.1"}))
    return IpNameLookup(Lookup(names, Access(network, policy)))


def _resolve(lookup: IpNameLookup, name: str) -> ResolveAddressStream:
    return lookup.resolve_addresses(NETWORK, name)


async def _resolved(lookup: IpNameLookup, name: str = "db") -> ResolveAddressStream:
    stream = _resolve(lookup, name)
    pollable = stream.subscribe()
    await settled(pollable.block())
    pollable.drop()
    await passes()
    return stream


async def test_addresses_come_one_by_one_in_order_and_then_none_for_ever() -> None:
    stream = await _resolved(_lookup())
    assert [stream.resolve_next_address() for _ in range(4)] == [ONE, TWO, None, None]
    assert stream.subscribe().ready()


@pytest.mark.parametrize("name", ["10.0.0.1", "::ffff:10.0.0.1", "known"])
def test_what_needs_no_lookup_is_answered_at_once_and_to_everybody(name: str) -> None:
    stream = _resolve(_lookup(deny_all), name)
    assert stream.subscribe().ready()
    assert [stream.resolve_next_address(), stream.resolve_next_address()] == [ONE, None]


@pytest.mark.parametrize(
    "name", ["", "a b", "1.2.3.4:5", "host:80", "1.2.3", "a" * 64, "a." * 200, "\0", "x" * 1_000_000]
)
def test_what_is_no_name_is_an_invalid_argument_at_once(name: str) -> None:
    assert code_of(lambda: _resolve(_lookup(), name)) is ErrorCode.INVALID_ARGUMENT


def test_a_name_that_the_policy_refuses_is_a_permanent_failure_at_once() -> None:
    assert code_of(lambda: _resolve(_lookup(deny_all), "db")) is ErrorCode.PERMANENT_RESOLVER_FAILURE


async def test_a_late_refusal_is_a_permanent_failure_too() -> None:
    answer = asyncio.get_running_loop().create_future()
    policy = type("Policy", (), {"__call__": lambda *_: answer, "may_resolve": lambda *_: answer})()
    stream = _resolve(_lookup(policy), "db")
    assert (code_of(stream.resolve_next_address), stream.subscribe().ready()) == (ErrorCode.WOULD_BLOCK, False)
    answer.set_result(False)
    await settled(stream.subscribe().block())
    assert code_of(stream.resolve_next_address) is ErrorCode.PERMANENT_RESOLVER_FAILURE
    await passes()


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (socket.EAI_NONAME, ErrorCode.NAME_UNRESOLVABLE),
        (socket.EAI_AGAIN, ErrorCode.TEMPORARY_RESOLVER_FAILURE),
        (socket.EAI_FAIL, ErrorCode.PERMANENT_RESOLVER_FAILURE),
    ],
)
async def test_a_failure_is_told_at_every_call(number: int, code: ErrorCode) -> None:
    stream = await _resolved(_lookup(error=socket.gaierror(number, "")))
    assert [code_of(stream.resolve_next_address) for _ in range(3)] == [code] * 3


async def test_a_failure_that_the_guest_never_asks_for_is_no_trouble() -> None:
    (await _resolved(_lookup(error=socket.gaierror(socket.EAI_NONAME, "")))).drop()


async def test_a_dropped_stream_gives_the_lookup_up() -> None:
    stream = _resolve(_lookup(), "db")
    pollable = stream.subscribe()
    with pytest.raises(ResourceError, match="ResolveAddressStream resource still has 1 children"):
        stream.drop()
    pollable.drop()
    stream.drop()
    await passes()
