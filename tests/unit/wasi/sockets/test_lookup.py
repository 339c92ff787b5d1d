"""Lookups of names: what is answered at once, what takes time, and how they fail."""

from __future__ import annotations

import errno
import socket
from collections.abc import Awaitable
from ipaddress import ip_address

import pytest

from tests.unit.wasi.sockets.fake_network import FakeNetwork
from tests.unit.wasi.sockets.setup import at_once, cause_of
from wasihost._network.names import Addresses, Names, parse_hosts
from wasihost._policy import Policy, Rules, allow_all, deny_all
from wasihost._wasi.failures import Failure, Reason
from wasihost._wasi.sockets.access import Access
from wasihost._wasi.sockets.lookup import Lookup

DB = ip_address("10.0.0.1")


def _lookup(policy: Policy = allow_all, hosts: dict[str, Addresses] | None = None) -> tuple[Lookup, FakeNetwork]:
    network = FakeNetwork()
    network.names = {"db": [DB]}
    return Lookup(Names(network.resolve, parse_hosts(hosts)), Access(network, policy)), network


@pytest.mark.parametrize("name", ["10.0.0.1", "::ffff:10.0.0.1", "host"])
def test_addresses_and_names_of_hosts_are_answered_at_once_and_to_everybody(name: str) -> None:
    lookup, _ = _lookup(deny_all, {"host": str(DB)})
    assert lookup.resolve(name) == [DB]


def test_what_a_resolver_is_asked_takes_time() -> None:
    lookup, _ = _lookup()
    found = lookup.resolve("DB")
    takes_time = isinstance(found, Awaitable)
    assert (at_once(found), takes_time) == ([DB], True)


def test_what_is_no_name_and_what_is_refused_fails_at_once() -> None:
    assert cause_of(lambda: _lookup()[0].resolve("a b")) is Reason.INVALID_ARGUMENT
    assert cause_of(lambda: _lookup(Rules())[0].resolve("db")) == errno.EACCES


@pytest.mark.parametrize("error", [OSError("mine"), socket.gaierror(socket.EAI_AGAIN, "later")])
def test_what_the_resolver_raises_is_the_cause(error: OSError) -> None:
    lookup, network = _lookup()
    network.names["db"] = error
    with pytest.raises(Failure) as caught:
        at_once(lookup.resolve("db"))
    assert caught.value.cause is error


def test_a_name_without_addresses_is_one_that_there_is_not() -> None:
    lookup, network = _lookup()
    network.names["db"] = []
    with pytest.raises(Failure) as caught:
        at_once(lookup.resolve("db"))
    assert isinstance(caught.value.cause, socket.gaierror)
    assert caught.value.cause.errno == socket.EAI_NONAME
