"""Rules: what they allow."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasihost.network.base import WILDCARD, Address
from wasihost.network.policy import Context, SocketAddressUse, allow_all, ask_about_name, deny_all
from wasihost.network.rules import Rules

USES = list(SocketAddressUse)
BIND, LISTEN = SocketAddressUse.TCP_BIND, SocketAddressUse.TCP_LISTEN
ACCEPT, CONNECT = SocketAddressUse.TCP_ACCEPT, SocketAddressUse.TCP_CONNECT
UDP_BIND, UDP_SEND, UDP_RECEIVE = SocketAddressUse.UDP_BIND, SocketAddressUse.UDP_SEND, SocketAddressUse.UDP_RECEIVE
ADDRESSES = st.builds(Address, st.ip_addresses(), st.integers(0, 0xFFFF))


def _at(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return Address(ip_address(host.strip("[]")), int(port))


HERE = Context(local=_at("127.0.0.1:53"))


def test_an_address_reads_as_in_a_url() -> None:
    assert [str(_at("127.0.0.1:80")), str(_at("[::1]:80"))] == ["127.0.0.1:80", "[::1]:80"]


@given(ADDRESSES, st.sampled_from(USES))
def test_deny_all_and_allow_all_do_as_they_say(address: Address, use: SocketAddressUse) -> None:
    assert allow_all(address, use, HERE)
    assert not deny_all(address, use, HERE)


@given(ADDRESSES, st.sampled_from(USES))
def test_no_rules_allow_nothing(address: Address, use: SocketAddressUse) -> None:
    assert not Rules()(address, use, HERE)


# ---- matching


@pytest.mark.parametrize(
    ("rule", "inside", "outside"),
    [
        ("tcp://127.0.0.1:8080", ["127.0.0.1:8080"], ["127.0.0.1:8081", "127.0.0.2:8080", "[::1]:8080"]),
        ("tcp://127.0.0.1:*", ["127.0.0.1:1", "127.0.0.1:65535"], ["127.0.0.2:1"]),
        ("tcp://[::1]:*", ["[::1]:1"], ["[::2]:1", "127.0.0.1:1"]),
        ("tcp://10.0.0.0/8:443", ["10.0.0.1:443", "10.255.0.0:443"], ["11.0.0.0:443", "10.0.0.1:80"]),
        ("tcp://[fd00::/8]:443", ["[fd12::1]:443"], ["[fe80::1]:443"]),
        ("tcp://*:443", ["10.0.0.1:443", "[::1]:443"], ["10.0.0.1:80"]),
        ("tcp://*:*", ["10.0.0.1:443", "[::1]:1"], []),
        ("tcp://0.0.0.0:80", ["0.0.0.0:80"], ["127.0.0.1:80"]),
        ("tcp://0.0.0.0/0:80", ["0.0.0.0:80", "127.0.0.1:80"], ["[::1]:80"]),
    ],
)
def test_a_rule_matches_what_it_says(rule: str, inside: list[str], outside: list[str]) -> None:
    rules = Rules(outbound=[rule])
    assert [text for text in inside if not rules(_at(text), CONNECT, HERE)] == []
    assert [text for text in outside if rules(_at(text), CONNECT, HERE)] == []


@given(ADDRESSES, st.sampled_from([LISTEN, ACCEPT]))
def test_outbound_rules_let_nobody_in(address: Address, use: SocketAddressUse) -> None:
    assert not Rules(outbound=["tcp://*:*"])(address, use, HERE)


@given(ADDRESSES)
def test_inbound_rules_let_nobody_out(address: Address) -> None:
    assert not Rules(inbound=["tcp://*:*"])(address, CONNECT, HERE)


@given(ADDRESSES)
def test_who_listens_accepts_from_anybody(address: Address) -> None:
    assert Rules(inbound=["tcp://127.0.0.1:53"])(address, ACCEPT, HERE)


@given(ADDRESSES)
def test_an_inbound_rule_allows_to_bind_what_it_allows_to_listen_on(address: Address) -> None:
    rules = Rules(inbound=["tcp://127.0.0.0/8:*", "tcp://[::/8]:80"])
    assert rules(address, BIND, HERE) == rules(address, LISTEN, HERE)


def test_an_outbound_rule_allows_the_implicit_bind_of_its_family_only() -> None:
    rules = Rules(outbound=["tcp://10.0.0.1:443"])
    assert rules(WILDCARD[4], BIND, HERE)
    assert not rules(WILDCARD[6], BIND, HERE)


def test_an_outbound_rule_for_every_host_allows_the_implicit_bind_of_both_families() -> None:
    rules = Rules(outbound=["tcp://*:443"])
    assert all(rules(address, BIND, HERE) for address in WILDCARD.values())


@pytest.mark.parametrize("text", ["0.0.0.0:80", "127.0.0.1:0", "10.0.0.1:443"])
def test_an_outbound_rule_allows_no_other_bind(text: str) -> None:
    assert not Rules(outbound=["tcp://10.0.0.1:443"])(_at(text), BIND, HERE)


def test_an_outbound_rule_does_not_allow_to_listen_after_its_bind() -> None:
    rules = Rules(outbound=["tcp://*:*"])
    assert rules(_at("0.0.0.0:0"), BIND, HERE)
    assert not rules(_at("0.0.0.0:50000"), LISTEN, HERE)


@given(ADDRESSES, st.sampled_from(USES), st.sampled_from(["tcp", "udp"]))
def test_rules_count_for_their_own_protocol_only(address: Address, use: SocketAddressUse, protocol: str) -> None:
    everything = [f"{protocol}://*:*"]
    assert Rules(everything, everything)(address, use, HERE).allowed == use.value.startswith(protocol)


# ---- UDP


@given(ADDRESSES)
def test_an_outbound_rule_allows_to_send_and_to_hear_the_reply(address: Address) -> None:
    rules = Rules(outbound=["udp://10.0.0.0/8:53", "udp://[::/8]:*"])
    assert rules(address, UDP_SEND, HERE) == rules(address, UDP_RECEIVE, HERE)


def test_an_outbound_rule_for_udp_matches_what_it_says() -> None:
    rules = Rules(outbound=["udp://10.0.0.0/8:53"])
    assert rules(_at("10.1.1.1:53"), UDP_SEND, HERE)
    assert not rules(_at("10.1.1.1:54"), UDP_SEND, HERE)
    assert not rules(_at("11.1.1.1:53"), UDP_RECEIVE, HERE)


def test_an_outbound_rule_for_udp_allows_the_implicit_bind_of_its_family_only() -> None:
    rules = Rules(outbound=["udp://10.0.0.1:53"])
    assert rules(WILDCARD[4], UDP_BIND, HERE)
    assert not rules(WILDCARD[6], UDP_BIND, HERE)
    assert not rules(WILDCARD[4], BIND, HERE)


@given(ADDRESSES)
def test_who_may_bind_receives_from_anybody_and_answers_nobody(address: Address) -> None:
    rules = Rules(inbound=["udp://127.0.0.1:53"])
    assert rules(address, UDP_RECEIVE, HERE)
    assert not rules(address, UDP_SEND, HERE)
    assert rules(address, UDP_BIND, HERE).allowed == (address == _at("127.0.0.1:53"))


# ---- names


@pytest.mark.parametrize(
    ("rule", "inside", "outside"),
    [
        (
            "db.example.com",
            ["db.example.com", "db.example.com."],
            ["example.com", "a.db.example.com", "xdb.example.com"],
        ),
        ("*.example.com", ["a.example.com", "a.b.example.com"], ["example.com", "aexample.com", "com"]),
        ("DB.Example.com.", ["db.example.com"], ["db"]),
        ("bücher.test", ["xn--bcher-kva.test"], ["bucher.test"]),
        ("*.bücher.test", ["a.xn--bcher-kva.test"], ["xn--bcher-kva.test"]),
        ("*", ["localhost", "a.b.c"], []),
    ],
)
def test_a_rule_for_names_matches_what_it_says(rule: str, inside: list[str], outside: list[str]) -> None:
    rules = Rules(resolve=[rule])
    assert [name for name in inside if not rules.may_resolve(name, HERE)] == []
    assert [name for name in outside if rules.may_resolve(name, HERE)] == []


@given(ADDRESSES, st.sampled_from(USES))
def test_a_rule_for_names_allows_no_address(address: Address, use: SocketAddressUse) -> None:
    assert not Rules(resolve=["*"])(address, use, HERE)


def test_a_rule_for_addresses_allows_no_name() -> None:
    rules = Rules(outbound=["tcp://*:*", "udp://*:*"], inbound=["tcp://*:*", "udp://*:*"])
    assert not rules.may_resolve("localhost", HERE)


def test_a_policy_without_an_opinion_of_names_allows_none() -> None:
    assert ask_about_name(allow_all, "localhost", HERE)
    assert not ask_about_name(deny_all, "localhost", HERE)
