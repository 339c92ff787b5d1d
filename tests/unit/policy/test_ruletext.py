"""The text of rules: any text is a rule or an error that points at a character."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import get_args

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from wasihost._base.errors import RuleError
from wasihost._network.base import Address
from wasihost._policy import PolicyContext, Rules, SocketAddressUse
from wasihost._policy.ruletext import Direction, parse_rule

DIRECTIONS: tuple[Direction, ...] = get_args(Direction)


def _error(rule: str, direction: Direction) -> RuleError:
    with pytest.raises(RuleError) as caught:
        parse_rule(rule, direction)
    return caught.value


@pytest.mark.parametrize(
    ("rule", "position", "expected"),
    [
        ("127.0.0.1:80", 0, "tcp://HOST:PORT or udp://HOST:PORT, found '127.0.0.1:80'"),
        ("sctp://127.0.0.1:80", 0, "tcp://HOST:PORT or udp://HOST:PORT, found 'sctp://'"),
        ("udp:/127.0.0.1:80", 0, "tcp://HOST:PORT or udp://HOST:PORT"),
        ("udp://127.0.0.1:x", 16, "a number from 1 to 65535, a range such as 8000-8099, or *, found 'x'"),
        ("", 0, "tcp://HOST:PORT or udp://HOST:PORT, found nothing"),
        ("deny", 4, "tcp://HOST:PORT or udp://HOST:PORT, found nothing"),
        ("deny deny tcp://*:1", 5, "tcp://HOST:PORT"),
        ("tcp://127.0.0.1", 15, "':' and a port, found nothing"),
        ("tcp://[::1]", 11, "':' and a port, found nothing"),
        ("tcp://127.0.0.1:http", 16, "a number from 1 to 65535"),
        ("tcp://127.0.0.1:80x", 18, "a number from 1 to 65535"),
        ("tcp://127.0.0.1:", 16, "a number from 1 to 65535"),
        ("tcp://127.0.0.1:65536", 16, "a number from 1 to 65535"),
        ("tcp://127.0.0.1:080", 16, "a number from 1 to 65535"),
        ("tcp://127.0.0.1:٨٠", 16, "a number from 1 to 65535"),
        ("tcp://127.0.0.1:0", 16, "* for any free port"),
        ("tcp://127.0.0.1:80-", 19, "a number from 1 to 65535"),
        ("tcp://127.0.0.1:80-79", 19, "a port from 80 on, found '79'"),
        ("tcp://127.0.0.1:80-x", 19, "a number from 1 to 65535"),
        ("tcp://localhost:80", 6, "names are for outbound rules that allow"),
        ("tcp://:80", 6, "an IP address (IPv6 in brackets)"),
        ("tcp://::1:80", 6, "[::1], found '::1'"),
        ("tcp://[127.0.0.1]:80", 6, "127.0.0.1, found"),
        ("tcp://10.0.0.1/8:80", 6, "10.0.0.0/8, found"),
        ("tcp://[fd00::1/8]:80", 6, "[fd00::/8], found"),
        ("tcp://[fe80::1%eth0]:80", 6, "[fe80::1], found"),
        ("tcp://[::ffff:127.0.0.1]:80", 6, "127.0.0.1, found"),
        (
            "tcp://[::x]:80",
            6,
            "a network, *, loopback, private, link-local, multicast, public (names",
        ),
        ("tcp://1.2.3.256:80", 6, "an IP address (IPv6 in brackets)"),
        ("tcp://*:80 from=db", 16, "names are for outbound rules that allow"),
        ("tcp://*:80 from=", 16, "an IP address (IPv6 in brackets)"),
        ("tcp://*:80 -> 10.0.0.1:80", 11, "no '->', which is for outbound rules that allow"),
        ("tcp://*:80 to=*", 11, "'from=' or the end, found 'to=*'"),
        ("tcp://*:80 from=* from=*", 18, "the end, found 'from=*'"),
    ],
)
def test_a_bad_inbound_rule_is_told_with_the_character_that_is_wrong(rule: str, position: int, expected: str) -> None:
    error = _error(rule, "inbound")
    first, text, caret = str(error).split("\n")
    assert first.startswith(f"rule {rule!r}: expected ")
    assert expected in first
    assert first.endswith(f"at position {position}")
    assert (error.position, text, caret) == (position, f"    {rule}", "    " + " " * position + "^")


@pytest.mark.parametrize(
    ("rule", "position", "expected"),
    [
        ("tcp://a b:80", 7, "':' and a port"),
        ("tcp://a_b!c:80", 9, "a host name or *.example.com"),
        ("tcp://*.:80", 8, "a host name or *.example.com"),
        ("tcp://a.*:80", 8, "a host name or *.example.com"),
        ("tcp://a/8:80", 7, "a host name or *.example.com"),
        ("tcp://host.1:80", 6, "a host name or *.example.com"),
        ("deny tcp://db:80", 11, "names are for outbound rules that allow"),
        ("tcp://*:80 from=*", 11, "no 'from=', which is for inbound rules"),
        ("deny tcp://*:80 -> 10.0.0.1:1", 16, "no '->', which is for outbound rules that allow"),
        ("tcp://db:80 ->", 14, "IP:PORT, found nothing"),
        ("tcp://db:80->10.0.0.1", 21, "':' and a port"),
        ("tcp://db:80 -> 10.0.0.1:*", 24, "a number from 1 to 65535, found"),
        ("tcp://db:80 -> other:80", 15, "the IP address of a machine, IPv6 in brackets, found 'other'"),
        ("tcp://db:80 -> 0.0.0.0:80", 15, "the IP address of a machine"),
        ("tcp://db:80 -> 10.0.0.0/8:80", 15, "the IP address of a machine"),
        ("tcp://10.0.0.1:80 -> [::1]:80", 21, "an IPv4 address, of the family that the rule is for"),
        ("tcp://[::1]:80 -> 10.0.0.1:80", 18, "an IPv6 address, of the family that the rule is for"),
        ("tcp://db:80 -> 10.0.0.1:80 x", 27, "the end, found 'x'"),
    ],
)
def test_a_bad_outbound_rule_is_told_with_the_character_that_is_wrong(rule: str, position: int, expected: str) -> None:
    error = _error(rule, "outbound")
    assert expected in str(error).partition("\n")[0]
    assert error.position == position


@pytest.mark.parametrize(
    ("rule", "position"),
    [
        ("", 0),
        ("a b", 2),
        ("127.0.0.1", 0),
        ("[::1]", 0),
        ("tcp://localhost:80", 3),
        ("*.", 2),
        ("*x", 0),
        ("a.*", 2),
        ("**", 0),
        ("*.*", 2),
        ("deny", 4),
        ("deny a!", 6),
    ],
)
def test_a_bad_rule_for_names_is_told_with_the_character_that_is_wrong(rule: str, position: int) -> None:
    with pytest.raises(RuleError) as caught:
        Rules(resolve=[rule])
    expected = "the end" if rule == "a b" else "a name, such as db.example.com, *.example.com or *"
    assert str(caught.value).startswith(f"rule {rule!r}: expected {expected}, found ")
    assert caught.value.position == position


@pytest.mark.parametrize("parameter", ["outbound", "inbound", "resolve"])
def test_one_string_instead_of_a_list_is_reported(parameter: str) -> None:
    with pytest.raises(RuleError, match=rf"{parameter}='tcp://\*:80': expected a list of rules"):
        Rules(**{parameter: "tcp://*:80"})


@pytest.mark.parametrize("parameter", ["outbound", "inbound", "resolve"])
def test_a_rule_that_is_no_string_is_reported(parameter: str) -> None:
    with pytest.raises(RuleError, match="rule 80: expected a string: a "):
        Rules(**{parameter: [80]})  # type: ignore[arg-type]


def test_what_cannot_be_shown_does_not_move_the_caret() -> None:
    _, text, caret = str(_error("tcp://a\n\t:80", "outbound")).split("\n")
    assert text[caret.index("^")] == "?"


# Texts that come far into the parser: pieces of rules in any order.
PIECES = ["deny ", "tcp", "udp", "*", "://", ":", "80", "80-90", " from=", " -> ", "10.0.0.1", "[::1]", "/8", "db", "."]
TEXTS = st.text() | st.lists(st.sampled_from(PIECES) | st.text(max_size=2), max_size=12).map("".join)


def _rules_or_error(text: str, direction: str) -> Rules | RuleError:
    try:
        return Rules(**{direction: [text]})
    except RuleError as error:
        return error


@given(TEXTS, st.sampled_from(DIRECTIONS))
def test_any_text_is_a_rule_or_an_error_that_points_into_it(text: str, direction: Direction) -> None:
    rules = _rules_or_error(text, direction)
    if isinstance(rules, RuleError):
        assert rules.position is not None
        assert 0 <= rules.position <= len(text)
        assert str(rules).endswith(f"\n    {' ' * rules.position}^")
    else:
        for use in SocketAddressUse:
            rules(Address(IPv4Address("127.0.0.1"), 80), use, PolicyContext())


@given(TEXTS)
def test_any_text_is_a_rule_for_names_or_an_error_that_points_into_it(text: str) -> None:
    rules = _rules_or_error(text, "resolve")
    if isinstance(rules, RuleError):
        assert rules.position in range(len(text) + 1)
    else:
        rules.may_resolve("localhost", PolicyContext())


@given(st.ip_addresses(), st.integers(1, 0xFFFF), st.sampled_from(DIRECTIONS))
def test_the_text_of_an_address_is_the_rule_for_it(
    ip: IPv4Address | IPv6Address, port: int, direction: Direction
) -> None:
    assume(not (isinstance(ip, IPv6Address) and ip.ipv4_mapped))
    rule = parse_rule(f"tcp://{Address(ip, port)}", direction)
    assert (rule.hosts.has(ip), list(rule.ports)) == (True, [port])


@pytest.mark.parametrize("spaces", [" ", "   "])
def test_more_spaces_make_no_difference(spaces: str) -> None:
    rule = parse_rule(f"tcp://db:80{spaces}->{spaces}10.0.0.1:81", "outbound")
    assert rule.target == Address(IPv4Address("10.0.0.1"), 81)
