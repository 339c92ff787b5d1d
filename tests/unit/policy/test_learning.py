"""The rules that are learned from decisions."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasihost._network.base import Address
from wasihost._policy import Decision, FileUse, NameUse, PolicyContext, Rules, SocketAddressUse, Use
from wasihost._policy.learning import Learner

BIND, LISTEN, ACCEPT, CONNECT = (
    SocketAddressUse.TCP_BIND,
    SocketAddressUse.TCP_LISTEN,
    SocketAddressUse.TCP_ACCEPT,
    SocketAddressUse.TCP_CONNECT,
)
UDP_BIND, SEND, RECEIVE = SocketAddressUse.UDP_BIND, SocketAddressUse.UDP_SEND, SocketAddressUse.UDP_RECEIVE
Told = tuple[Use, str, dict[str, Any]]


def _at(text: str | None) -> Address | None:
    host, _, port = (text or "").rpartition(":")
    return Address(ip_address(host.strip("[]")), int(port)) if text else None


def _told(use: Use, address: str = "", names: tuple[str, ...] = (), local: str = "", rule: str = "") -> Decision:
    return Decision(use=use, address=_at(address), names=names, allowed=True, rule=rule, local=_at(local))


def _learned(*decisions: Decision) -> Learner:
    learner = Learner()
    for decision in decisions:
        learner(decision)
    return learner


def _used(use: FileUse, *paths: str) -> list[Decision]:
    return [Decision(use=use, address=None, path=path, allowed=True) for path in paths]


@pytest.mark.parametrize(
    ("decisions", "rules"),
    [
        (_used(FileUse.READ, "/d/x", "/d/x", "/e"), ["read /d/x", "read /e"]),
        (_used(FileUse.READ, "/d/x") + _used(FileUse.WRITE, "/d/x", "/d/y"), ["/d/x", "write /d/y"]),
        (_used(FileUse.READ, *(f"/d/{number}" for number in range(5))), ["read /d/*"]),
        (_used(FileUse.READ, *(f"/{number}" for number in range(5))), [f"read /{number}" for number in range(5)]),
        (_used(FileUse.WRITE, "/d/a", "/d/a/x", "/e") + _used(FileUse.MOVE, "/d/a"), ["/d/a/**", "write /e"]),
        (_used(FileUse.WRITE, "/d/*"), ["write /d/?"]),
    ],
)
def test_the_files_of_a_run_are_learned(decisions: list[Decision], rules: list[str]) -> None:
    learned = _learned(*decisions).rules
    assert learned["files"] == rules
    policy = Rules(**learned).may_use_file
    assert policy is not None
    for each in decisions:
        assert each.path is not None
        assert isinstance(each.use, FileUse)
        assert policy(each.path, each.use, PolicyContext())


IMPLICIT, UDP_IMPLICIT = _told(BIND, "0.0.0.0:0"), _told(UDP_BIND, "0.0.0.0:0")


@pytest.mark.parametrize(
    ("decisions", "flags"),
    [
        ([], ""),
        ([_told(CONNECT, "10.0.0.1:443"), IMPLICIT], "--allow-outbound tcp://10.0.0.1:443"),
        (
            [_told(CONNECT, f"10.0.0.1:{port}") for port in (82, 80, 81, 90)],
            "--allow-outbound tcp://10.0.0.1:80-82 --allow-outbound tcp://10.0.0.1:90",
        ),
        ([_told(CONNECT, "10.0.0.1:53"), _told(SEND, "10.0.0.1:53")], "--allow-outbound '*://10.0.0.1:53'"),
        (
            [_told(CONNECT, f"10.0.0.{host}:443", ("api.test",)) for host in range(1, 9)],
            "--allow-outbound tcp://api.test:443",
        ),
        (
            [_told(NameUse.RESOLVE, names=("api.test",)), _told(CONNECT, "10.0.0.1:443", ("api.test",))],
            "--allow-outbound tcp://api.test:443",
        ),
        ([_told(NameUse.RESOLVE, names=("api.test",))], "--allow-resolve api.test"),
        ([_told(NameUse.RESOLVE, names=("db",), rule="host_names")], ""),
        (
            [
                _told(NameUse.RESOLVE, names=("db",)),
                _told(NameUse.RESOLVE, names=("cache",)),
                _told(CONNECT, "10.0.0.1:5432", ("db", "cache")),
            ],
            "--allow-outbound tcp://cache:5432 --allow-outbound tcp://db:5432",
        ),
        (
            [
                _told(NameUse.RESOLVE, names=("db",)),
                _told(CONNECT, "10.0.0.1:443", ("db",)),
                _told(NameUse.RESOLVE, names=("cache",)),
                _told(CONNECT, "10.0.0.1:443", ("db", "cache")),
            ],
            "--allow-outbound tcp://cache:443 --allow-outbound tcp://db:443",
        ),
        (
            [_told(NameUse.RESOLVE, names=("db",)), _told(CONNECT, "127.0.0.1:443", ("db",))],
            "--allow-outbound tcp://127.0.0.1:443 --allow-resolve db",
        ),
        (
            [_told(NameUse.RESOLVE, names=("db",), rule="host_names"), _told(CONNECT, "127.0.0.1:443", ("db",))],
            "--allow-outbound tcp://db:443",
        ),
        (
            [_told(NameUse.RESOLVE, names=("localhost",)), _told(CONNECT, "127.0.0.1:443", ("localhost",))],
            "--allow-outbound tcp://localhost:443",
        ),
        ([_told(CONNECT, "8.8.8.8:443", ("private",))], "--allow-outbound tcp://private.:443"),
        ([_told(CONNECT, "[::1]:443")], "--allow-outbound 'tcp://[::1]:443'"),
        (
            [
                _told(BIND, "127.0.0.1:0"),
                _told(LISTEN, "127.0.0.1:50000"),
                _told(ACCEPT, "10.0.0.1:9", local="127.0.0.1:50000"),
            ],
            "--allow-inbound 'tcp://127.0.0.1:*'",
        ),
        ([_told(BIND, "127.0.0.1:80"), _told(LISTEN, "127.0.0.1:80")], "--allow-inbound tcp://127.0.0.1:80"),
        ([IMPLICIT, _told(LISTEN, "0.0.0.0:50000")], "--allow-inbound 'tcp://0.0.0.0:*'"),
        (
            [
                _told(UDP_BIND, "127.0.0.1:53"),
                _told(RECEIVE, "10.0.0.1:9", local="127.0.0.1:53"),
                _told(SEND, "10.0.0.1:9"),
            ],
            "--allow-outbound 'udp://10.0.0.1:*' --allow-inbound udp://127.0.0.1:53",
        ),
        (
            [_told(SEND, "10.0.0.1:53"), UDP_IMPLICIT, _told(RECEIVE, "10.0.0.1:53", local="0.0.0.0:50000")],
            "--allow-outbound udp://10.0.0.1:53",
        ),
    ],
)
def test_what_is_learned(decisions: list[Decision], flags: str) -> None:
    assert _learned(*decisions).flags == flags


IPS, PORTS = st.sampled_from(["10.0.0.1", "10.0.0.2", "127.0.0.1", "::1", "fd00::1"]), st.integers(80, 83)
ADDRESSES = st.builds(Address, IPS.map(ip_address), PORTS)
LOCALS = st.builds(Address, IPS.map(ip_address), PORTS | st.just(0))
NAMES = st.sampled_from([(), ("db",), ("db", "a.test"), ("loopback",)])


def _decision(use: Use, address: Address | None, names: tuple[str, ...], local: Address | None) -> Decision:
    return Decision(use=use, address=address, names=names, allowed=True, rule="allow_all", local=local)


DECISIONS = st.one_of(
    st.builds(_decision, st.sampled_from([CONNECT, SEND]), ADDRESSES, NAMES, st.none()),
    st.builds(_decision, st.sampled_from([BIND, UDP_BIND]), LOCALS, st.just(()), st.none()),
    st.builds(_decision, st.just(LISTEN), ADDRESSES, st.just(()), st.none()),
    st.builds(_decision, st.sampled_from([ACCEPT, RECEIVE]), ADDRESSES, NAMES, ADDRESSES),
    st.builds(_decision, st.just(NameUse.RESOLVE), st.none(), st.sampled_from([("db",), ("a.test",)]), st.none()),
)


def _allowed(rules: Rules, decision: Decision) -> bool:
    """Whichever of its names the guest meant."""
    if decision.address is None:
        return rules.may_resolve(decision.names[0], PolicyContext()).allowed
    assert isinstance(decision.use, SocketAddressUse)
    ip = decision.address.ip
    contexts = [PolicyContext("", decision.local, {ip: (name,)}) for name in decision.names] or [
        PolicyContext("", decision.local)
    ]
    return all(rules(decision.address, decision.use, context) for context in contexts)


@given(st.lists(DECISIONS, max_size=12))
def test_what_is_learned_is_enough_and_no_rule_can_be_left_out(decisions: list[Decision]) -> None:
    rules = _learned(*decisions).rules
    assert all(_allowed(Rules(**rules), decision) for decision in decisions)
    for direction, some in rules.items():
        for rule in some:
            fewer = Rules(**(rules | {direction: [other for other in some if other != rule]}))
            assert not all(_allowed(fewer, decision) for decision in decisions)
