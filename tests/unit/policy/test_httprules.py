"""Rules for requests of HTTP: what they match, and what of the network they bring with them."""

from __future__ import annotations

import re
import time
from ipaddress import ip_address

import pytest

from wasihost._base.errors import RuleError
from wasihost._http.messages import Request
from wasihost._http.targets import target_of
from wasihost._network.base import Address
from wasihost._policy import Decision, HttpUse, PolicyContext, Rules, SocketAddressUse, Verdict, all_of, any_of
from wasihost._policy.learned_requests import MOST_OF_ONE_ORIGIN
from wasihost._policy.learning import Learner
from wasihost._policy.policy import REFUSED, allow_all, deny_all
from wasihost._policy.urlpaths import PathPattern

CONNECT = SocketAddressUse.TCP_CONNECT
PUBLIC = ip_address("9.9.9.9")


def _request(text: str) -> Request:
    method, _, url = text.partition(" ")
    found = re.fullmatch("(https?)://([^/]*)(/.*)?", url)
    assert found
    return Request(method=method, scheme=found[1], authority=found[2], path=found[3])


def _allows(rules: Rules, text: str) -> bool:
    judge = rules.may_request
    assert judge is not None
    verdict = judge(_request(text), PolicyContext())
    assert isinstance(verdict, Verdict)
    return verdict.allowed


@pytest.mark.parametrize(
    ("rule", "inside", "outside"),
    [
        (
            "GET https://api.test/v1/*",
            ["GET https://api.test/v1/", "GET https://API.test:443/v1/a/b?c=d", "GET https://api.test./v1/x"],
            [
                "POST https://api.test/v1/",
                "GET http://api.test/v1/",
                "GET https://api.test/v1",
                "get https://api.test/v1/",
            ],
        ),
        ("GET,HEAD https://a.test/", ["GET https://a.test/", "HEAD https://a.test"], ["PUT https://a.test/"]),
        ("https://a.test", ["PUT https://a.test/x?y"], ["PUT https://b.test/x", "PUT https://a.test:444/x"]),
        ("* http://a.test:8080/", ["QUERY http://a.test:8080/?"], ["GET http://a.test/"]),
        ("*://a.test/", ["GET http://a.test/", "GET https://a.test/"], ["GET http://a.test:443/"]),
        ("http://a.test:80-82/", ["GET http://a.test:82/"], ["GET http://a.test:83/"]),
        ("http://a.test:*/", ["GET http://a.test:1/"], ["GET https://a.test:1/"]),
        ("http://*.test", ["GET http://a.b.test/"], ["GET http://test/", "GET http://atest/"]),
        ("http://*", ["GET http://127.0.0.1/", "GET http://a/"], ["GET http://a:81/"]),
        ("*", ["GET http://127.0.0.1:81/", "PUT https://a/"], []),
        ("GET *", ["GET http://a:81/"], ["HEAD http://a:81/"]),
        ("http://127.0.0.1", ["GET http://127.0.0.1/", "GET http://[::ffff:127.0.0.1]/"], ["GET http://localhost/"]),
        ("http://[::1]", ["GET http://[::1]/", "GET http://[0::1]/"], ["GET http://[::2]/"]),
        (
            "http://a/search?q=*&n=1",
            ["GET http://a/search?q=x&n=1"],
            ["GET http://a/search", "GET http://a/search?q=x"],
        ),
        ("http://a/*.txt", ["GET http://a/b/c.txt"], ["GET http://a/b/c.txt.exe", "GET http://a/ctxt"]),
        ("http://a/%41%c3*", ["GET http://a/A%C3%a4"], ["GET http://a/a%C3"]),
    ],
)
def test_a_rule_matches_what_it_says(rule: str, inside: list[str], outside: list[str]) -> None:
    rules = Rules(http=[rule])
    assert [text for text in inside if not _allows(rules, text)] == []
    assert [text for text in outside if _allows(rules, text)] == []


UPWARDS = ["/v1/../admin", "/v1/%2e%2E/admin", "/v1/..%2fadmin", "/v1/..\\admin", "/v1/..;x/admin", "/v1/./../admin"]


@pytest.mark.parametrize("path", UPWARDS)
def test_a_path_that_a_server_may_resolve_is_judged_as_both(path: str) -> None:
    assert not _allows(Rules(http=["http://a/v1/*"]), f"GET http://a{path}")
    assert not _allows(Rules(http=["deny http://a/admin*"]), f"GET http://a{path}")
    assert _allows(Rules(http=["http://a/*"]), f"GET http://a{path}")


def test_a_rule_that_denies_wins_and_takes_methods_in_any_case() -> None:
    rules = Rules(http=["deny DELETE *", "*"])
    assert _allows(rules, "GET http://a/")
    assert not _allows(rules, "DELETE http://a/")
    assert not _allows(rules, "delete http://a/")


def test_without_a_rule_that_allows_only_what_is_denied_is_refused() -> None:
    rules = Rules(http=["deny http://a/x*"])
    assert _allows(rules, "GET http://a/")
    assert not _allows(rules, "GET http://a/xy")


def test_without_rules_for_requests_policies_say_nothing_of_them() -> None:
    assert Rules().may_request is None
    assert all_of(Rules(), Rules()).may_request is None  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", ["/" + "a" * 60_000, "/" + "a/" * 30_000])
def test_matching_takes_no_longer_than_reading(path: str) -> None:
    began = time.process_time()
    assert not PathPattern.parse("/*a*a*a*a*a*b").matches_some_form(path)
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("rule", "position", "expected"),
    [
        ("", 0, "a METHOD and a URL"),
        ("GET", 0, "a URL, such as"),
        ("deny", 4, "a METHOD and a URL"),
        ("GET tcp://a", 4, "a URL, such as"),
        ("G(T http://a", 0, "a method or several"),
        ("GET http://a b", 13, "the end"),
        ("http://a:x/", 9, "a number from 1 to 65535"),
        ("http:///x", 7, "a host name"),
        ("http://::1/", 7, "a host name"),
        ("http://[127.0.0.1]/", 7, "a host name"),
        ("http://u@a/", 8, "a host name"),
        ("http://a/#x", 9, "a path of a URL"),
        ("http://a/ä", 9, "a path of a URL"),
    ],
)
def test_an_error_points_at_the_character(rule: str, position: int, expected: str) -> None:
    with pytest.raises(RuleError, match=re.escape(expected)) as caught:
        Rules(http=[rule])
    assert caught.value.position == position


def test_a_list_is_wanted() -> None:
    with pytest.raises(RuleError, match=r"expected a list of rules, such as \['GET http://a'\]"):
        Rules(http="GET http://a")


# ---- the network for a request


def _connects(policy: Rules, request: str, ip: str, name: str | None = None, hosts: tuple[str, ...] = ()) -> Verdict:
    context = PolicyContext(names={ip_address(ip): (name,)} if name else {}, hosts=hosts).of(_request(request))
    return policy(Address(ip_address(ip), target_of(_request(request)).port), CONNECT, context)


def test_a_rule_that_names_the_host_brings_its_name_and_its_addresses() -> None:
    rule = "GET http://a.test/x*"
    rules = Rules(http=[rule])
    request = "GET http://a.test/xy"
    assert rules.may_resolve("a.test", PolicyContext().of(_request(request))) == Verdict(True, rule)
    assert _connects(rules, request, "9.9.9.9", "a.test") == Verdict(True, rule)
    assert _connects(rules, request, "127.0.0.1", "a.test") == REFUSED
    assert _connects(rules, request, "127.0.0.1", "a.test", hosts=("a.test",)).allowed
    assert _connects(rules, request, "9.9.9.9") == REFUSED
    assert rules.may_resolve("b.test", PolicyContext().of(_request(request))) == REFUSED


def test_it_does_so_for_that_request_only() -> None:
    rules = Rules(http=["GET http://a.test/x*"])
    other = "GET http://a.test/y"
    assert rules.may_resolve("a.test", PolicyContext().of(_request(other))) == REFUSED
    assert rules.may_resolve("a.test", PolicyContext()) == REFUSED
    assert _connects(rules, other, "9.9.9.9", "a.test") == REFUSED


def test_a_rule_for_a_domain_reaches_public_addresses_and_one_for_every_host_none() -> None:
    domain = Rules(http=["http://*.test"])
    assert _connects(domain, "GET http://a.test/", "9.9.9.9", "a.test").allowed
    assert _connects(domain, "GET http://a.test/", "10.0.0.1", "a.test") == REFUSED
    assert _connects(Rules(http=["http://*"]), "GET http://a.test/", "9.9.9.9", "a.test") == REFUSED


def test_a_rule_with_an_address_brings_the_address() -> None:
    rules = Rules(http=["http://127.0.0.1:81"])
    assert _connects(rules, "GET http://127.0.0.1:81/", "127.0.0.1").allowed


def test_what_the_network_denies_stays_denied() -> None:
    rules = Rules(outbound=["deny tcp://9.0.0.0/8:*"], resolve=["deny a.test"], http=["http://a.test"])
    request = "GET http://a.test/"
    assert _connects(rules, request, "9.9.9.9", "a.test") == Verdict(False, "deny tcp://9.0.0.0/8:*")
    assert rules.may_resolve("a.test", PolicyContext().of(_request(request))) == Verdict(False, "deny a.test")


def test_combined_policies_ask_those_that_say_something() -> None:
    get = Rules(http=["GET http://a.test"])
    net = Rules(outbound=["tcp://*:*"], resolve=["*"])
    for policy, expected in ((all_of(net, get), False), (any_of(net, get), False), (any_of(get, allow_all), True)):
        verdict = policy.may_request(_request("PUT http://a.test/"), PolicyContext())  # type: ignore[attr-defined]
        assert verdict.allowed is expected
    assert deny_all.may_request(_request("PUT http://a.test/"), PolicyContext()) == REFUSED


# ---- what is printed, and learned


def _decision(request: str) -> Decision:
    return Decision(use=HttpUse.REQUEST, address=None, allowed=False, request=request)


def test_a_refusal_names_the_option() -> None:
    assert str(_decision("GET https://a.test/x?key=1")) == (
        "refused http-request of GET https://a.test/x?key=1: no rule allows it (--allow-http 'GET https://a.test/x')"
    )


def test_an_address_that_no_rule_with_the_name_allows_is_named_itself() -> None:
    local = Address(ip_address("127.0.0.1"), 80)
    told = Decision(use=CONNECT, address=local, names=("a.test",), allowed=False, request="GET http://a.test/")
    assert told.flag == "--allow-outbound tcp://127.0.0.1:80"
    public = Address(PUBLIC, 80)
    told = Decision(use=CONNECT, address=public, names=("a.test",), allowed=False, request="GET http://a.test/")
    assert told.flag == "--allow-http 'GET http://a.test/'"


def test_requests_are_learned_and_the_network_for_them_is_not() -> None:
    learner = Learner()
    for method, path in (("GET", "/a?b"), ("PUT", "/a"), ("GET", "/c")):
        learner(_decision(f"{method} https://a.test{path}"))
    learner(Decision(use=CONNECT, address=Address(PUBLIC, 443), allowed=True, request="GET https://a.test/a"))
    assert learner.flags == "--allow-http 'GET,PUT https://a.test/a' --allow-http 'GET https://a.test/c'"


def test_many_urls_become_one() -> None:
    learner = Learner()
    for number in range(MOST_OF_ONE_ORIGIN + 1):
        learner(_decision(f"GET https://a.test/items/1{number}"))
    assert learner.rules["http"] == ["GET https://a.test/items/*"]
    assert Rules(**learner.rules).may_request is not None
