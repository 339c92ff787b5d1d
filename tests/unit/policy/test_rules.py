"""Rules: what they allow."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasihost._network.base import WILDCARD, Address
from wasihost._policy import PolicyContext, Rules, SocketAddressUse, allow_all, deny_all
from wasihost._policy.policy import ask_about_name

USES = list(SocketAddressUse)
BIND, LISTEN = SocketAddressUse.TCP_BIND, SocketAddressUse.TCP_LISTEN
ACCEPT, CONNECT = SocketAddressUse.TCP_ACCEPT, SocketAddressUse.TCP_CONNECT
UDP_BIND, UDP_SEND, UDP_RECEIVE = SocketAddressUse.UDP_BIND, SocketAddressUse.UDP_SEND, SocketAddressUse.UDP_RECEIVE
ADDRESSES = st.builds(Address, st.ip_addresses(), st.integers(0, 0xFFFF))


def _at(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return Address(ip_address(host.strip("[]")), int(port))


HERE = PolicyContext(local=_at("127.0.0.1:53"))


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
        ("*://10.0.0.1:80-82", ["10.0.0.1:80", "10.0.0.1:82"], ["10.0.0.1:79", "10.0.0.1:83"]),
        ("tcp://loopback:1", ["127.9.9.9:1", "[::1]:1"], ["128.0.0.1:1", "[::2]:1", "0.0.0.0:1"]),
        (
            "tcp://private:1",
            ["10.0.0.1:1", "172.31.0.1:1", "192.168.1.1:1", "[fd00::1]:1"],
            ["172.32.0.1:1", "127.0.0.1:1", "[fe80::1]:1"],
        ),
        ("tcp://link-local:1", ["169.254.0.1:1", "[fe80::1]:1"], ["169.253.0.1:1"]),
        ("tcp://multicast:1", ["224.0.0.1:1", "[ff02::1]:1"], ["223.255.255.255:1"]),
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


# ---- rules that deny


def test_a_rule_that_denies_wins_wherever_it_stands() -> None:
    for outbound in (["deny tcp://10.0.0.1:*", "tcp://*:*"], ["tcp://*:*", "deny tcp://10.0.0.1:*"]):
        rules = Rules(outbound)
        assert rules(_at("10.0.0.2:80"), CONNECT, HERE)
        verdict = rules(_at("10.0.0.1:80"), CONNECT, HERE)
        assert (verdict.allowed, verdict.rule) == (False, "deny tcp://10.0.0.1:*")


def test_the_verdict_has_the_rule_that_decided() -> None:
    rules = Rules(["tcp://*:80", "tcp://10.0.0.0/8:*"])
    assert rules(_at("10.0.0.1:81"), CONNECT, HERE).rule == "tcp://10.0.0.0/8:*"
    assert rules(_at("11.0.0.1:81"), CONNECT, HERE).rule is None


@pytest.mark.parametrize("text", ["127.0.0.1:22", "0.0.0.0:22", "[::]:22"])
def test_a_denied_address_cannot_be_had_by_binding_all_of_them(text: str) -> None:
    rules = Rules(inbound=["tcp://*:*", "deny tcp://loopback:22"])
    assert not rules(_at(text), BIND, HERE)
    assert not rules(_at(text), LISTEN, HERE)
    assert rules(_at("10.0.0.1:22"), LISTEN, HERE)


def test_a_denied_inbound_address_is_no_obstacle_to_going_out() -> None:
    rules = Rules(outbound=["udp://10.0.0.1:53"], inbound=["deny udp://*:*"])
    assert rules(WILDCARD[4], UDP_BIND, HERE)
    assert rules(_at("10.0.0.1:53"), UDP_RECEIVE, HERE)
    assert not rules(_at("10.0.0.2:53"), UDP_RECEIVE, HERE)


def test_an_ipv4_address_in_ipv6_form_is_judged_as_what_it_means() -> None:
    rules = Rules(["tcp://*:*", "deny tcp://10.0.0.1:*"], ["tcp://*:* from=10.0.0.1"])
    assert not rules(_at("[::ffff:10.0.0.1]:80"), CONNECT, HERE)
    assert rules(_at("[::ffff:10.0.0.1]:80"), ACCEPT, HERE)


# ---- whom an inbound rule accepts


def test_a_peer_is_accepted_by_the_rule_for_where_the_socket_listens() -> None:
    rules = Rules(inbound=["tcp://127.0.0.1:80 from=10.0.0.0/8", "tcp://127.0.0.1:81"])
    at_80, at_81 = (PolicyContext(local=_at(f"127.0.0.1:{port}")) for port in (80, 81))
    assert [bool(rules(_at("10.0.0.1:9"), ACCEPT, at)) for at in (at_80, at_81)] == [True, True]
    assert [bool(rules(_at("11.0.0.1:9"), ACCEPT, at)) for at in (at_80, at_81)] == [False, True]
    assert rules(_at("127.0.0.1:80"), LISTEN, HERE)


def test_some_peers_can_be_denied_and_everybody_else_accepted() -> None:
    rules = Rules(inbound=["udp://*:53", "deny udp://*:53 from=private"])
    assert rules(_at("127.0.0.1:53"), UDP_BIND, HERE)
    assert not rules(_at("192.168.0.1:9"), UDP_RECEIVE, HERE)
    assert rules(_at("8.8.8.8:9"), UDP_RECEIVE, HERE)


# ---- rules with names


def _told(**names: str) -> PolicyContext:
    return PolicyContext(names={ip_address(ip.replace("_", ".")): (name,) for name, ip in names.items()})


def test_a_rule_with_a_name_allows_only_what_the_guest_was_told_for_it() -> None:
    rules = Rules(["tcp://db:5432", "tcp://*.test:443"])
    assert not rules(_at("10.0.0.1:5432"), CONNECT, HERE)
    assert rules(_at("10.0.0.1:5432"), CONNECT, _told(db="10.0.0.1"))
    assert not rules(_at("10.0.0.1:5433"), CONNECT, _told(db="10.0.0.1"))
    assert not rules(_at("10.0.0.2:5432"), CONNECT, _told(db="10.0.0.1"))
    assert not rules(_at("8.8.8.8:443"), CONNECT, _told(db="8.8.8.8"))
    assert rules(_at("8.8.8.8:443"), CONNECT, PolicyContext(names={ip_address("8.8.8.8"): ("db", "a.test")}))


def test_a_rule_with_a_name_allows_to_look_it_up() -> None:
    rules = Rules(["tcp://db:5432", "tcp://*.test:443"], resolve=["deny secret.test"])
    names = ["db", "a.test", "test", "secret.test"]
    assert [bool(rules.may_resolve(name, HERE)) for name in names] == [True, True, False, False]


def test_the_words_of_sets_are_names_with_a_dot_at_their_end() -> None:
    rules = Rules(["tcp://private.:80"])
    assert rules.may_resolve("private", HERE)
    assert not rules(_at("10.0.0.1:80"), CONNECT, HERE)
    assert rules(_at("8.8.8.8:80"), CONNECT, _told(private="8.8.8.8"))


# ---- rules that rewrite

REWRITE = "tcp://db:5432 -> 127.0.0.1:15432"


def test_a_name_that_is_rewritten_is_the_address_of_the_target() -> None:
    rules = Rules([REWRITE])
    assert rules.may_resolve("db", HERE).target == _at("127.0.0.1:15432")
    verdict = rules(_at("127.0.0.1:5432"), CONNECT, _told(db="127.0.0.1"))
    assert (verdict.allowed, verdict.rule, verdict.target) == (True, REWRITE, _at("127.0.0.1:15432"))


def test_the_target_itself_is_not_allowed() -> None:
    rules = Rules([REWRITE])
    assert not rules(_at("127.0.0.1:15432"), CONNECT, _told(db="127.0.0.1"))
    assert not rules(_at("127.0.0.1:5432"), CONNECT, HERE)


@pytest.mark.parametrize("denied", ["deny tcp://127.0.0.1:15432", "deny *://loopback:*", "deny tcp://10.0.0.1:*"])
def test_a_rule_that_denies_the_target_or_the_address_wins(denied: str) -> None:
    rules = Rules(["tcp://10.0.0.1:5432 -> 127.0.0.1:15432", denied])
    verdict = rules(_at("10.0.0.1:5432"), CONNECT, HERE)
    assert (verdict.allowed, verdict.rule) == (False, denied)


def test_rewriting_comes_before_allowing_wherever_it_stands() -> None:
    rules = Rules(["tcp://*:*", "tcp://10.0.0.1:80 -> 10.0.0.2:81"])
    assert rules(_at("10.0.0.1:80"), CONNECT, HERE).target == _at("10.0.0.2:81")
    assert rules(_at("10.0.0.1:81"), CONNECT, HERE).target is None


def test_two_targets_for_one_address_are_refused_and_told() -> None:
    rules = Rules(["tcp://a:80 -> 127.0.0.1:81", "tcp://b:80 -> 127.0.0.1:82"])
    verdict = rules(_at("127.0.0.1:80"), CONNECT, PolicyContext(names={ip_address("127.0.0.1"): ("a", "b")}))
    assert not verdict.allowed
    assert verdict.rule == "the conflict of tcp://a:80 -> 127.0.0.1:81 with tcp://b:80 -> 127.0.0.1:82"


def test_a_rule_is_for_addresses_of_its_targets_family() -> None:
    rules = Rules(["tcp://*:80 -> [::1]:81"])
    assert not rules(_at("10.0.0.1:80"), CONNECT, HERE)
    assert rules(_at("[fd00::1]:80"), CONNECT, HERE)
