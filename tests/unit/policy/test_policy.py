"""Policies of other kinds than rules: callables, several together, and what is told of decisions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import pytest

from tests.unit.wasi.p3.sockets.setup import at_once
from wasihost import Host, Rules, all_of, any_of
from wasihost._network.base import Address
from wasihost._policy import (
    Decision,
    NameUse,
    Policy,
    PolicyContext,
    SocketAddressUse,
    Use,
    Verdict,
    allow_all,
    deny_all,
)
from wasihost._policy.policy import ask_about_name, verdict_of

HERE = PolicyContext()
CONNECT = SocketAddressUse.TCP_CONNECT
TARGET = Address(ip_address("127.0.0.1"), 15432)
PEER = Address(ip_address("10.0.0.1"), 443)


def yes(address: Address, use: SocketAddressUse, context: PolicyContext) -> bool:
    return True


def no(address: Address, use: SocketAddressUse, context: PolicyContext) -> bool:
    return False


async def slow_yes(address: Address, use: SocketAddressUse, context: PolicyContext) -> bool:
    await asyncio.sleep(0)
    return True


async def slow_no(address: Address, use: SocketAddressUse, context: PolicyContext) -> bool:
    await asyncio.sleep(0)
    return False


def never(address: Address, use: SocketAddressUse, context: PolicyContext) -> bool:
    raise AssertionError("asked")


def elsewhere(address: Address, use: SocketAddressUse, context: PolicyContext) -> Verdict:
    return Verdict(True, "elsewhere", TARGET)


# ---- callables


@pytest.mark.parametrize("wrong", [lambda address, use: True, lambda: True, lambda a, u, c, d: True])
def test_a_policy_with_other_parameters_is_told_when_the_host_is_made(wrong: Any) -> None:
    for make in (lambda: Host(policy=wrong), lambda: all_of(wrong), lambda: any_of(yes, wrong)):
        with pytest.raises(TypeError, match=r"lambda>: expected \(address, use, context\), but the signature is \("):
            make()


def test_a_policy_whose_may_resolve_has_other_parameters_is_told_when_the_host_is_made() -> None:
    class Old:
        def __call__(self, address: Address, use: SocketAddressUse, context: PolicyContext) -> bool:
            return True

        def may_resolve(self, name: str) -> bool:
            return True

    with pytest.raises(TypeError, match=r"the policy Old: expected \.may_resolve\(name, context\)"):
        Host(policy=Old())


def test_what_cannot_be_called_is_no_policy() -> None:
    with pytest.raises(TypeError, match="policy 7: expected a callable"):
        Host(policy=7)  # type: ignore[arg-type]


@pytest.mark.parametrize("answer", [None, 1, "yes"])
def test_an_answer_that_is_no_bool_is_reported(answer: object) -> None:
    with pytest.raises(TypeError, match=r"the policy yes answered .*: expected a bool or a Verdict"):
        verdict_of(answer, yes)


# ---- several


def _verdict(policy: Policy) -> Verdict:
    answer = policy(PEER, CONNECT, HERE)
    assert isinstance(answer, Verdict)
    return answer


@pytest.mark.parametrize(
    ("policy", "allowed"),
    [
        (all_of(), False),
        (any_of(), False),
        (all_of(yes), True),
        (all_of(yes, no, never), False),
        (any_of(no, yes, never), True),
        (any_of(no, deny_all), False),
        (all_of(Rules(["tcp://10.0.0.0/8:443"]), yes), True),
        (all_of(Rules(["tcp://10.0.0.0/8:80"]), never), False),
        (any_of(Rules(["tcp://10.0.0.0/8:80"]), all_of(allow_all, yes)), True),
    ],
)
def test_policies_are_asked_in_turn_until_one_decides(policy: Policy, allowed: bool) -> None:
    assert _verdict(policy).allowed is allowed


@pytest.mark.parametrize(
    ("policy", "allowed"),
    [
        (all_of(yes, slow_yes, yes, slow_yes), True),
        (all_of(slow_yes, no, never), False),
        (all_of(yes, slow_no, never), False),
        (any_of(slow_no, no, slow_yes, never), True),
        (any_of(slow_no, slow_no), False),
    ],
)
async def test_some_of_them_may_take_time(policy: Policy, allowed: bool) -> None:
    answer: Any = policy(PEER, CONNECT, HERE)
    assert (await answer).allowed is allowed


def test_a_refusal_names_who_refused_and_an_allowance_the_first_who_allowed() -> None:
    rules = Rules(["tcp://*:*", "deny tcp://10.0.0.2:*"])
    assert _verdict(all_of(rules, no)).rule == "the policy no"
    assert _verdict(all_of(rules, yes)).rule == "tcp://*:*"
    assert _verdict(any_of(Rules(["deny tcp://*:*"]), deny_all)).rule == "deny tcp://*:*"


def test_where_one_sends_is_kept() -> None:
    for policy in (all_of(yes, elsewhere), all_of(elsewhere, yes), any_of(no, elsewhere)):
        assert _verdict(policy).target == TARGET


def test_names_too_are_allowed_by_all_or_by_one() -> None:
    rules = Rules(resolve=["db"])
    for policy, names in (
        (all_of(rules, allow_all), {"db"}),
        (all_of(rules, yes), set()),
        (all_of(yes, rules), set()),
        (all_of(rules, deny_all), set()),
        (all_of(deny_all, rules), set()),
        (all_of(rules, Rules(resolve=["*", "deny db"])), set()),
        (all_of(), set()),
        (any_of(yes, rules), {"db"}),
        (any_of(rules, deny_all), {"db"}),
        (any_of(rules, allow_all), {"db", "other"}),
        (any_of(yes), set()),
    ):
        asked = {name: ask_about_name(policy, name, HERE) for name in ("db", "other")}
        assert {name for name, verdict in asked.items() if verdict} == names


def test_a_name_is_refused_by_a_policy_that_cannot_allow_any() -> None:
    verdict = ask_about_name(all_of(allow_all, yes), "db", HERE)
    assert verdict == Verdict(False, "the policy yes, which has no may_resolve,")


# ---- where others send


def around(*rules: str) -> Rules:
    return Rules(["*://*:*", *rules], resolve=["*"])


REWRITING = Rules(["tcp://10.0.0.1:443 -> 127.0.0.1:15432"])


@pytest.mark.parametrize(
    ("other", "allowed"),
    [
        (around(), True),
        (yes, True),
        (around("deny *://loopback:*"), False),
        (around("deny *://127.0.0.1:15432"), False),
        (around("deny *://10.0.0.1:*"), False),
        (Rules(["tcp://10.0.0.1:443"]), False),
        (Rules(["tcp://127.0.0.1:15432"]), False),
        (Rules(["tcp://10.0.0.1:443", "tcp://127.0.0.1:15432"]), True),
        (Rules(["tcp://10.0.0.1:443 -> 127.0.0.1:15432"]), True),
        (Rules(["tcp://10.0.0.1:443 -> 127.0.0.1:15433"]), False),
        (Rules(["tcp://10.0.0.1:443", "tcp://127.0.0.1:15432 -> 127.0.0.1:15433"]), False),
    ],
)
def test_all_must_allow_where_one_of_them_sends(other: Policy, allowed: bool) -> None:
    for policy in (all_of(REWRITING, other), all_of(other, REWRITING), all_of(yes, all_of(other, yes), REWRITING)):
        verdict = _verdict(policy)
        assert (verdict.allowed, verdict.target) == (allowed, TARGET if allowed else None)


async def test_all_must_allow_where_one_of_them_sends_also_if_they_take_time() -> None:
    async def deny_loopback(address: Address, use: SocketAddressUse, context: PolicyContext) -> bool:
        await asyncio.sleep(0)
        return not address.ip.is_loopback

    for policy in (all_of(REWRITING, deny_loopback), all_of(deny_loopback, REWRITING)):
        answer: Any = policy(PEER, CONNECT, HERE)
        assert not (await answer).allowed


def test_a_name_that_two_policies_send_to_different_addresses_is_refused() -> None:
    first, second = (Rules([f"tcp://db:80 -> {target}"]) for target in ("127.0.0.1:80", "127.0.0.2:80"))
    assert ask_about_name(all_of(first, second), "db", HERE) == Verdict(
        False, "the conflict of tcp://db:80 -> 127.0.0.1:80 with tcp://db:80 -> 127.0.0.2:80"
    )
    same = Rules(["tcp://db:443 -> 127.0.0.1:443"])
    assert ask_about_name(all_of(first, same), "db", HERE)


def test_one_of_them_decides_alone_where_it_sends() -> None:
    refusing = around("deny *://loopback:*", "deny *://10.0.0.1:*")
    assert _verdict(any_of(refusing, REWRITING)).target == TARGET
    assert _verdict(any_of(around(), REWRITING)) == Verdict(True, "*://*:*")


def test_a_callable_can_put_rules_into_its_own_words() -> None:
    rules = Rules(["tcp://10.0.0.0/8:443"])

    async def mine(address: Address, use: SocketAddressUse, context: PolicyContext) -> bool | Verdict:
        return context.guest == "mine.wasm" and rules(address, use, context)

    assert not at_once(mine(PEER, CONNECT, HERE))
    assert at_once(mine(PEER, CONNECT, PolicyContext("mine.wasm")))


# ---- reports


def _decision(use: Use, address: str | None = None, **fields: Any) -> Decision:
    def at(text: str | None) -> Address | None:
        host, _, port = (text or "").rpartition(":")
        return None if text is None else Address(ip_address(host.strip("[]")), int(port))

    addresses = {name: at(fields.pop(name, None)) for name in ("local", "target")}
    return Decision(use=use, address=at(address), guest="g", **{"allowed": False, **addresses, **fields})


ACCEPT, RECEIVE = SocketAddressUse.TCP_ACCEPT, SocketAddressUse.UDP_RECEIVE


@pytest.mark.parametrize(
    ("decision", "text"),
    [
        (
            _decision(CONNECT, "10.0.0.1:443"),
            "refused tcp-connect to 10.0.0.1:443: no rule allows it (--allow-outbound tcp://10.0.0.1:443)",
        ),
        (
            _decision(CONNECT, "[fd00::1]:443", names=("a", "b")),
            "refused tcp-connect to [fd00::1]:443 (a, b): no rule allows it (--allow-outbound tcp://b:443)",
        ),
        (
            _decision(CONNECT, "127.0.0.1:443", names=("a", "b")),
            "refused tcp-connect to 127.0.0.1:443 (a, b): no rule allows it (--allow-outbound tcp://127.0.0.1:443)",
        ),
        (
            _decision(CONNECT, "127.0.0.1:443", names=("localhost", "b")),
            (
                "refused tcp-connect to 127.0.0.1:443 (localhost, b): no rule allows it "
                "(--allow-outbound tcp://localhost:443)"
            ),
        ),
        (
            _decision(SocketAddressUse.UDP_BIND, "[::]:0"),
            "refused udp-bind to [::]:0: no rule allows it (--allow-inbound 'udp://[::]:*')",
        ),
        (
            _decision(ACCEPT, "10.0.0.1:9", local="127.0.0.1:80"),
            (
                "refused tcp-accept from 10.0.0.1:9: no rule allows it "
                "(--allow-inbound 'tcp://127.0.0.1:80 from=10.0.0.1')"
            ),
        ),
        (
            _decision(RECEIVE, "[::1]:9", local="[::1]:53"),
            "refused udp-receive from [::1]:9: no rule allows it (--allow-inbound 'udp://[::1]:53 from=[::1]')",
        ),
        (
            _decision(CONNECT, "10.0.0.1:1", rule="deny tcp://*:1"),
            "refused tcp-connect to 10.0.0.1:1: deny tcp://*:1 refuses it",
        ),
        (_decision(NameUse.RESOLVE, names=("db",)), "refused resolve of db: no rule allows it (--allow-resolve db)"),
        (
            _decision(CONNECT, "10.0.0.1:1", allowed=True, rule="R", target="127.0.0.1:2"),
            "allowed tcp-connect to 10.0.0.1:1 at 127.0.0.1:2: R allows it",
        ),
        (
            _decision(NameUse.RESOLVE, names=("db",), allowed=True, rule="host_names"),
            "allowed resolve of db: host_names allows it",
        ),
    ],
)
def test_a_decision_is_told_in_a_line_with_what_would_allow_it(decision: Decision, text: str) -> None:
    assert str(decision) == text


def test_what_would_allow_it_is_a_rule() -> None:
    for use, make in (
        (CONNECT, lambda rule: Rules(outbound=[rule])),
        (SocketAddressUse.TCP_BIND, lambda rule: Rules(inbound=[rule])),
        (ACCEPT, lambda rule: Rules(inbound=[rule])),
    ):
        _allows(use, make)


def _allows(use: SocketAddressUse, make: Callable[[str], Rules]) -> None:
    for address in (PEER, Address(ip_address("::1"), 80)):
        decision = Decision(use=use, address=address, allowed=False, local=address)
        rule = decision.flag.partition(" ")[2].strip("'")
        assert make(rule)(address, use, PolicyContext(local=address)).allowed
