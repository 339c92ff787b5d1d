"""Host names, addresses written out, hosts and resolvers."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasihost._base.errors import ConfigError
from wasihost._network.base import IpAddress
from wasihost._network.names import Addresses, Names, Resolver, ascii_name, literal, parse_hosts


def _never(name: str) -> Addresses:
    raise AssertionError("the resolver was asked")


# ---- addresses written out


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("[::1]", "::1"),
        ("[2001:DB8::0:1]", "2001:db8::1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("[::ffff:a00:1]", "10.0.0.1"),
    ],
)
def test_an_address_is_itself(text: str, address: str) -> None:
    assert literal(text) == ip_address(address)


@pytest.mark.parametrize(
    "text", ["", "localhost", "1.2.3", "1.2.3.4.5", "01.2.3.4", "127.0.0.1:80", "[127.0.0.1]", "[::1", "fe80::1%eth0"]
)
def test_other_text_is_no_address(text: str) -> None:
    assert literal(text) is None


@given(st.ip_addresses())
def test_the_text_of_every_address_is_one(address: IPv4Address | IPv6Address) -> None:
    found = literal(str(address))
    assert found in (address, getattr(address, "ipv4_mapped", None))
    assert not getattr(found, "ipv4_mapped", None)


# ---- the form of a name


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("localhost", "localhost"),
        ("Example.COM", "example.com"),
        ("example.com.", "example.com."),
        ("_srv.a-b.c1", "_srv.a-b.c1"),
        ("1.example", "1.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("bu\u0308cher.example", "xn--bcher-kva.example"),
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
        ("\uff45xample\uff0ecom", "example.com"),
        ("faß.de", "xn--fa-hia.de"),
        ("βόλος.com", "xn--nxasmm1c.com"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_a_name_is_written_in_ascii(name: str, found: str) -> None:
    assert ascii_name(name) == found


@pytest.mark.parametrize(
    "name",
    [
        *("", " ", ".", "..", "a..b", ".a", "a b", "a\tb", "a\0b", "localhost:80", "http://localhost/", "a@b", "<>&"),
        *("a%20b", "a,b", "1.2.3", "1.2.3.4.5", "127.1", "2130706433", "0x7f000001", "a.0x", "a.1", "a.1."),
        *("ü b", "ü<", "\u2026", "\u200e", "x" * 64, "ü" * 64, "ü" * 100_000, ".".join(["x" * 60] * 5)),
    ],
)
def test_other_text_is_no_name(name: str) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(name))):
        ascii_name(name)


@given(st.text())
def test_any_text_is_a_name_or_a_value_error(text: str) -> None:
    try:
        name = ascii_name(text)
    except ValueError:
        return
    assert name.isascii()
    assert ascii_name(name) == name


# ---- hosts


def test_hosts_are_known_in_every_form_of_their_name() -> None:
    hosts = {"DB": "10.0.0.1", "bücher.test.": [ip_address("::1"), "127.0.0.1", "::1"]}
    names = Names(_never, parse_hosts(hosts))
    assert names.known("db") == names.known("db.") == [ip_address("10.0.0.1")]
    assert names.known("xn--bcher-kva.test") == [ip_address("::1"), ip_address("127.0.0.1")]
    assert not names.known("other")


@pytest.mark.parametrize(
    ("hosts", "what"),
    [
        ({"db": "10.0.0"}, "host_names: 'db': '10.0.0' does not appear to be"),
        ({"db": ["10.0.0.1", 5]}, "host_names: 'db': '5' does not appear to be"),
        ({"db": []}, "host_names: 'db' has no address"),
        ({"a b": "10.0.0.1"}, "host_names: 'a b': 'a b' is not a host name"),
        ({"10.0.0.1": "10.0.0.2"}, "host_names: '10.0.0.1': '10.0.0.1' is not a host name"),
    ],
)
def test_a_bad_entry_of_hosts_is_named(hosts: Any, what: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_hosts(hosts)
    assert str(caught.value).startswith(what)


# ---- resolvers


class _Callable:
    async def __call__(self, name: str) -> list[str]:
        return ["10.0.0.1"]


async def _coroutine(name: str) -> str:
    return "10.0.0.1"


@pytest.mark.parametrize(
    "resolver",
    [
        lambda name: "10.0.0.1",
        lambda name: ip_address("10.0.0.1"),
        lambda name: iter(["10.0.0.1", "::ffff:10.0.0.1"]),
        lambda name: _coroutine(name),
        _coroutine,
        _Callable(),
    ],
)
async def test_any_callable_is_a_resolver(resolver: Resolver) -> None:
    assert await Names(resolver).resolve("db") == [ip_address("10.0.0.1")]


async def test_addresses_keep_their_order_and_come_once() -> None:
    found = await Names(lambda name: ["::2", "10.0.0.1", "::2", "::1", "fe80::1%eth0"]).resolve("db")
    assert [str(address) for address in found] == ["::2", "10.0.0.1", "::1", "fe80::1"]


async def test_a_resolver_that_blocks_does_not_block_the_loop() -> None:
    go_on = threading.Event()

    def resolver(name: str) -> str:
        go_on.wait()
        return "10.0.0.1"

    resolving = asyncio.ensure_future(Names(resolver).resolve("db"))
    await asyncio.sleep(0)
    go_on.set()  # the loop came here
    assert await resolving == [ip_address("10.0.0.1")]


async def test_the_network_of_the_system_asks_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    from wasihost._network.os import OsNetwork

    def getaddrinfo(host: str, port: None, **hints: Any) -> list[Any]:
        assert host == "db.test"
        return [(0, 0, 0, "", ("::1", 0, 0, 0)), (0, 0, 0, "", ("10.0.0.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    found: list[IpAddress] = await Names(OsNetwork().resolve).resolve("db.test")
    assert found == [ip_address("::1"), ip_address("10.0.0.1")]
