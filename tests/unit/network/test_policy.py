"""Policies and rules: what they allow, and how a bad rule is told."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from wasihost.errors import RuleError
from wasihost.network.base import WILDCARD, Address
from wasihost.network.policy import Rules, SocketAddressUse, allow_all, ask_about_name, deny_all, parse_rule

USES = list(SocketAddressUse)
BIND, LISTEN = SocketAddressUse.TCP_BIND, SocketAddressUse.TCP_LISTEN
ACCEPT, CONNECT = SocketAddressUse.TCP_ACCEPT, SocketAddressUse.TCP_CONNECT
UDP_BIND, UDP_SEND, UDP_RECEIVE = SocketAddressUse.UDP_BIND, SocketAddressUse.UDP_SEND, SocketAddressUse.UDP_RECEIVE
ADDRESSES = st.builds(Address, st.ip_addresses(), st.integers(0, 0xFFFF))


def _at(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return Address(ip_address(host.strip("[]")), int(port))


def test_an_address_reads_as_in_a_url() -> None:
    assert [str(_at("127.0.0.1:80")), str(_at("[::1]:80"))] == ["127.0.0.1:80", "[::1]:80"]


@given(ADDRESSES, st.sampled_from(USES))
def test_deny_all_and_allow_all_do_as_they_say(address: Address, use: SocketAddressUse) -> None:
    assert allow_all(address, use)
    assert not deny_all(address, use)


@given(ADDRESSES, st.sampled_from(USES))
def test_no_rules_allow_nothing(address: Address, use: SocketAddressUse) -> None:
    assert not Rules()(address, use)


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
    assert [text for text in inside if not rules(_at(text), CONNECT)] == []
    assert [text for text in outside if rules(_at(text), CONNECT)] == []


@given(ADDRESSES, st.sampled_from([LISTEN, ACCEPT]))
def test_outbound_rules_let_nobody_in(address: Address, use: SocketAddressUse) -> None:
    assert not Rules(outbound=["tcp://*:*"])(address, use)


@given(ADDRESSES)
def test_inbound_rules_let_nobody_out(address: Address) -> None:
    assert not Rules(inbound=["tcp://*:*"])(address, CONNECT)


@given(ADDRESSES)
def test_who_listens_accepts_from_anybody(address: Address) -> None:
    assert Rules(inbound=["tcp://127.0.0.1:80"])(address, ACCEPT)


@given(ADDRESSES)
def test_an_inbound_rule_allows_to_bind_what_it_allows_to_listen_on(address: Address) -> None:
    rules = Rules(inbound=["tcp://127.0.0.0/8:*", "tcp://[::/8]:80"])
    assert rules(address, BIND) == rules(address, LISTEN)


def test_an_outbound_rule_allows_the_implicit_bind_of_its_family_only() -> None:
    rules = Rules(outbound=["tcp://10.0.0.1:443"])
    assert rules(WILDCARD[4], BIND)
    assert not rules(WILDCARD[6], BIND)


def test_an_outbound_rule_for_every_host_allows_the_implicit_bind_of_both_families() -> None:
    rules = Rules(outbound=["tcp://*:443"])
    assert all(rules(address, BIND) for address in WILDCARD.values())


@pytest.mark.parametrize("text", ["0.0.0.0:80", "127.0.0.1:0", "10.0.0.1:443"])
def test_an_outbound_rule_allows_no_other_bind(text: str) -> None:
    assert not Rules(outbound=["tcp://10.0.0.1:443"])(_at(text), BIND)


def test_an_outbound_rule_does_not_allow_to_listen_after_its_bind() -> None:
    rules = Rules(outbound=["tcp://*:*"])
    assert rules(_at("0.0.0.0:0"), BIND)
    assert not rules(_at("0.0.0.0:50000"), LISTEN)


@given(ADDRESSES, st.sampled_from(USES), st.sampled_from(["tcp", "udp"]))
def test_rules_count_for_their_own_protocol_only(address: Address, use: SocketAddressUse, protocol: str) -> None:
    everything = [f"{protocol}://*:*"]
    assert Rules(everything, everything)(address, use) == use.value.startswith(protocol)


# ---- UDP


@given(ADDRESSES)
def test_an_outbound_rule_allows_to_send_and_to_hear_the_reply(address: Address) -> None:
    rules = Rules(outbound=["udp://10.0.0.0/8:53", "udp://[::/8]:*"])
    assert rules(address, UDP_SEND) == rules(address, UDP_RECEIVE)


def test_an_outbound_rule_for_udp_matches_what_it_says() -> None:
    rules = Rules(outbound=["udp://10.0.0.0/8:53"])
    assert rules(_at("10.1.1.1:53"), UDP_SEND)
    assert not rules(_at("10.1.1.1:54"), UDP_SEND)
    assert not rules(_at("11.1.1.1:53"), UDP_RECEIVE)


def test_an_outbound_rule_for_udp_allows_the_implicit_bind_of_its_family_only() -> None:
    rules = Rules(outbound=["udp://10.0.0.1:53"])
    assert rules(WILDCARD[4], UDP_BIND)
    assert not rules(WILDCARD[6], UDP_BIND)
    assert not rules(WILDCARD[4], BIND)


@given(ADDRESSES)
def test_who_may_bind_receives_from_anybody_and_answers_nobody(address: Address) -> None:
    rules = Rules(inbound=["udp://127.0.0.1:53"])
    assert rules(address, UDP_RECEIVE)
    assert not rules(address, UDP_SEND)
    assert rules(address, UDP_BIND) == (address == _at("127.0.0.1:53"))


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
    assert [name for name in inside if not rules.may_resolve(name)] == []
    assert [name for name in outside if rules.may_resolve(name)] == []


@given(ADDRESSES, st.sampled_from(USES))
def test_a_rule_for_names_allows_no_address(address: Address, use: SocketAddressUse) -> None:
    assert not Rules(resolve=["*"])(address, use)


def test_a_rule_for_addresses_allows_no_name() -> None:
    rules = Rules(outbound=["tcp://*:*", "udp://*:*"], inbound=["tcp://*:*", "udp://*:*"])
    assert not rules.may_resolve("localhost")


def test_a_policy_without_an_opinion_of_names_allows_none() -> None:
    assert ask_about_name(allow_all, "localhost") is True
    assert ask_about_name(deny_all, "localhost") is False


@pytest.mark.parametrize(
    "rule", ["", "a b", "127.0.0.1", "[::1]", "tcp://localhost:80", "*.", "*x", "a.*", "**", "*.*"]
)
def test_a_bad_rule_for_names_is_named(rule: str) -> None:
    with pytest.raises(RuleError) as caught:
        Rules(resolve=[rule])
    assert str(caught.value).startswith(f"rule {rule!r}: expected a name, such as db.example.com")


def test_a_rule_for_names_that_is_no_string_is_told() -> None:
    with pytest.raises(RuleError, match="rule 80: expected a name"):
        Rules(resolve=[80])  # type: ignore[list-item]


# ---- bad rules


@pytest.mark.parametrize(
    ("rule", "part", "expected"),
    [
        ("127.0.0.1:80", "beginning '127.0.0.1:80' at position 0", "tcp://HOST:PORT"),
        ("sctp://127.0.0.1:80", "beginning 'sctp:' at position 0", "tcp://HOST:PORT or udp://HOST:PORT"),
        ("udp:/127.0.0.1:80", "beginning 'udp:/127.0.0.1:80' at position 0", "tcp://HOST:PORT or udp://HOST:PORT"),
        ("udp://127.0.0.1:x", "port 'x' at position 16", "a number from 1 to 65535, or *"),
        ("", "beginning '' at position 0", "tcp://HOST:PORT"),
        ("tcp://127.0.0.1", "end '' at position 15", "':' and a port"),
        ("tcp://[::1]", "end '' at position 11", "':' and a port"),
        ("tcp://127.0.0.1:http", "port 'http' at position 16", "a number from 1 to 65535, or *"),
        ("tcp://127.0.0.1:", "port '' at position 16", "a number from 1 to 65535, or *"),
        ("tcp://127.0.0.1:65536", "port '65536' at position 16", "a number from 1 to 65535, or *"),
        ("tcp://127.0.0.1:080", "port '080' at position 16", "a number from 1 to 65535, or *"),
        ("tcp://127.0.0.1:٨٠", "port '٨٠' at position 16", "a number from 1 to 65535, or *"),
        ("tcp://127.0.0.1:0", "port '0' at position 16", "* for any free port"),
        ("tcp://localhost:80", "host 'localhost' at position 6", "an IPv4 address, an IPv6 address in brackets"),
        ("tcp://:80", "host '' at position 6", "an IPv4 address"),
        ("tcp://::1:80", "host '::1' at position 6", "[::1]"),
        ("tcp://[127.0.0.1]:80", "host '[127.0.0.1]' at position 6", "expected 127.0.0.1;"),
        ("tcp://10.0.0.1/8:80", "host '10.0.0.1/8' at position 6", "expected 10.0.0.0/8;"),
        ("tcp://[fd00::1/8]:80", "host '[fd00::1/8]' at position 6", "expected [fd00::/8];"),
        ("tcp://[fe80::1%eth0]:80", "host '[fe80::1%eth0]' at position 6", "expected [fe80::1];"),
        ("tcp://[::ffff:127.0.0.1]:80", "host '[::ffff:127.0.0.1]' at position 6", "expected 127.0.0.1;"),
    ],
)
def test_a_bad_rule_is_named_with_the_part_that_is_wrong_and_what_was_expected(
    rule: str, part: str, expected: str
) -> None:
    with pytest.raises(RuleError) as caught:
        Rules(inbound=[rule])
    message = str(caught.value)
    assert message.startswith(f"rule {rule!r}: {part}: expected ")
    assert expected in message
    assert "for example tcp://127.0.0.1:8080" in message


def test_one_string_instead_of_a_list_is_told() -> None:
    with pytest.raises(RuleError, match=r"outbound='tcp://\*:80': expected a list of rules"):
        Rules(outbound="tcp://*:80")


def test_a_rule_that_is_no_string_is_told() -> None:
    with pytest.raises(RuleError, match="rule 80: expected a string"):
        Rules(inbound=[80])  # type: ignore[list-item]


HOSTS = st.one_of(st.text(), st.ip_addresses().map(str), st.ip_addresses().map("[{}]".format))


@given(
    st.one_of(
        st.text(), st.builds("{}://{}:{}".format, st.sampled_from(["tcp", "udp"]), HOSTS, st.text() | st.integers())
    )
)
def test_any_text_is_a_rule_or_a_rule_error(text: str) -> None:
    try:
        rule = parse_rule(text)
    except RuleError:
        return
    assert rule.matches(Address(ip_address("127.0.0.1"), 80)) in (True, False)


@given(st.ip_addresses(), st.integers(1, 0xFFFF))
def test_the_text_of_an_address_is_the_rule_for_it(ip: IPv4Address | IPv6Address, port: int) -> None:
    assume(not (isinstance(ip, IPv6Address) and ip.ipv4_mapped))
    address = Address(ip, port)
    assert parse_rule(f"tcp://{address}").matches(address)
