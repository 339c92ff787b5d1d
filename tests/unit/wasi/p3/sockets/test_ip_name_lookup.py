"""The provider of `ip-name-lookup`: who is asked, in which order, and what failures become."""

from __future__ import annotations

import asyncio
import errno
import re
import socket
from collections.abc import Awaitable
from ipaddress import ip_address
from pathlib import Path

import pytest

from tests.unit.wasi.p3.sockets.setup import at_once
from tests.unit.wasi.sockets.fake_network import FakeNetwork
from wasihost._component.values import WitError
from wasihost._network.base import Address
from wasihost._network.names import Addresses, Names, parse_hosts
from wasihost._policy import Policy, PolicyContext, Rules, SocketAddressUse, allow_all, deny_all
from wasihost._wasi.common.addresses import IpAddress
from wasihost._wasi.p3 import sockets
from wasihost._wasi.p3.sockets.ip_name_lookup import Code, ErrorCode, IpNameLookup, error_code
from wasihost._wasi.sockets.access import Access
from wasihost._wasi.sockets.lookup import Lookup

WIT = (Path(__file__).parents[5] / "wit/0.3/deps/sockets.wit").read_text()
VARIANT = WIT[WIT.rindex("variant error-code {") : WIT.index("resolve-addresses:")]
CASES = {value.case: value for value in vars(ErrorCode).values() if isinstance(value, type) and issubclass(value, Code)}
DB = IpAddress.Ipv4((10, 0, 0, 1))


def _lookup(policy: Policy = allow_all, hosts: dict[str, Addresses] | None = None) -> tuple[IpNameLookup, FakeNetwork]:
    network = FakeNetwork()
    network.names = {"db": [ip_address("10.0.0.1")], "six": [ip_address("2001:db8::1")]}
    return IpNameLookup(Lookup(Names(network.resolve, parse_hosts(hosts)), Access(network, policy))), network


def _code(lookup: IpNameLookup, name: str) -> object:
    with pytest.raises(WitError) as caught:
        at_once(lookup.resolve_addresses(name))
    return caught.value.value


# ---- answers


def test_a_name_has_its_addresses() -> None:
    lookup, _ = _lookup()
    assert at_once(lookup.resolve_addresses("DB")) == [DB]
    assert at_once(lookup.resolve_addresses("six")) == [IpAddress.Ipv6((0x2001, 0xDB8, 0, 0, 0, 0, 0, 1))]


@pytest.mark.parametrize("text", ["10.0.0.1", "::ffff:10.0.0.1", "[::ffff:10.0.0.1]"])
def test_an_address_is_itself_and_nobody_is_asked(text: str) -> None:
    lookup, _ = _lookup(deny_all)
    assert at_once(lookup.resolve_addresses(text)) == [DB]


def test_hosts_are_told_to_everybody_and_before_the_resolver() -> None:
    lookup, network = _lookup(deny_all, {"db": "10.0.0.2"})
    network.names["db"] = OSError()
    assert at_once(lookup.resolve_addresses("db")) == [IpAddress.Ipv4((10, 0, 0, 2))]


def test_the_network_resolves_when_nobody_else_does() -> None:
    network = FakeNetwork()
    network.names = {"db": [ip_address("10.0.0.1")]}
    lookup = sockets.providers(Access(network, allow_all), Names(network.resolve))["wasi:sockets/ip-name-lookup@0.3.0"]
    assert isinstance(lookup, IpNameLookup)
    assert at_once(lookup.resolve_addresses("db")) == [DB]


# ---- refusals


@pytest.mark.parametrize("name", ["", "a b", "db:80", "1.2.3"])
def test_what_is_no_name_is_an_invalid_argument_also_to_who_may_nothing(name: str) -> None:
    assert _code(_lookup(deny_all)[0], name) == ErrorCode.InvalidArgument()


@pytest.mark.parametrize("policy", [deny_all, Rules(), Rules(outbound=["tcp://*:*"]), Rules(resolve=["other"])])
def test_nothing_is_allowed_by_default(policy: Policy) -> None:
    lookup, network = _lookup(policy)
    network.names["db"] = AssertionError("asked")  # type: ignore[assignment]
    assert _code(lookup, "db") == ErrorCode.AccessDenied()


def test_a_policy_that_has_no_opinion_of_names_allows_none() -> None:
    def everything(address: Address, use: SocketAddressUse, context: PolicyContext) -> bool:
        return True

    assert _code(_lookup(everything)[0], "db") == ErrorCode.AccessDenied()


class _Slow:
    """A policy that thinks about names."""

    def __call__(self, address: Address, use: SocketAddressUse, context: PolicyContext) -> bool:
        return False

    async def may_resolve(self, name: str, context: PolicyContext) -> bool:
        await asyncio.sleep(0)
        return name == "xn--bcher-kva.test"


async def test_a_policy_may_take_time_and_is_asked_in_ascii() -> None:
    lookup, network = _lookup(_Slow())
    network.names["xn--bcher-kva.test"] = [ip_address("10.0.0.1")]
    assert await lookup.resolve_addresses("bücher.test") == [DB]
    with pytest.raises(WitError) as caught:
        await lookup.resolve_addresses("db")
    assert caught.value.value == ErrorCode.AccessDenied()


# ---- failures


def _gaierror(name: str) -> socket.gaierror:
    return socket.gaierror(getattr(socket, name), name)


def test_there_is_one_class_per_case_of_the_wit() -> None:
    assert list(CASES) == re.findall(r"^    ([a-z-]+)(?:\(.*\))?,$", VARIANT, re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "case"),
    [
        (name, case)
        for names, case in re.findall(r"POSIX equivalent: (.*)\n\s+([a-z-]+),", VARIANT)
        for name in re.findall(r"EAI_[A-Z]+", names)
    ],
)
def test_every_posix_equivalent_of_the_wit_is_mapped(name: str, case: str) -> None:
    if not hasattr(socket, name):
        pytest.skip(f"this platform has no {name}")
    lookup, network = _lookup()
    network.names["db"] = _gaierror(name)
    found = _code(lookup, "db")
    assert isinstance(found, Code)
    assert found.case == case


def test_a_name_without_addresses_is_unresolvable() -> None:
    assert _code(_lookup()[0], "unknown") == ErrorCode.NameUnresolvable()


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM])
def test_a_resolver_may_deny_access(number: int) -> None:
    assert error_code(OSError(number, "")) == ErrorCode.AccessDenied()


def test_everything_else_is_other_with_its_text() -> None:
    assert error_code(_gaierror("EAI_MEMORY")) == ErrorCode.Other("EAI_MEMORY")
    assert error_code(OSError("mine")) == ErrorCode.Other("mine")
    assert error_code(OSError()) == ErrorCode.Other(None)


async def test_what_a_resolver_raises_otherwise_comes_out() -> None:
    def resolver(name: str) -> Addresses | Awaitable[Addresses]:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await IpNameLookup(Lookup(Names(resolver), Access(FakeNetwork(), allow_all))).resolve_addresses("db")


async def test_a_cancelled_lookup_cancels_its_resolver() -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def resolver(name: str) -> Addresses:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return ()

    resolving = asyncio.ensure_future(
        IpNameLookup(Lookup(Names(resolver), Access(FakeNetwork(), allow_all))).resolve_addresses("db")
    )
    await started.wait()
    resolving.cancel()
    await ended.wait()
