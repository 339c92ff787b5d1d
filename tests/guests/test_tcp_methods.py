"""`rust-tcp-*` and `c-tcp-methods`: every function of tcp-socket, every state, every error on loopback."""

from __future__ import annotations

import sys

import pytest

from tests.guests.harness import FamilyName, c_cases, families, run, rust_cases
from wasihost import deny_all

pytestmark = pytest.mark.usefixtures("both_networks")

CASES = {
    "rust-tcp-states": """
        create bind bind-port-zero bind-wildcard bind-invalid-address bind-twice bind-after-failed-bind
        bind-address-in-use bind-again-after-close drop-in-every-state state-unbound state-bound state-listening
        state-connected state-closed ipv6-addresses ipv6-flow-info-and-scope-id ipv6-only
    """.split(),
    "rust-tcp-connections": """
        connect connect-bound connect-invalid-address connect-refused connect-twice connect-pending listen
        listen-unbound listen-twice listen-address-in-use listen-backlog accept-many accepted-socket
        accept-after-handle-drop drop-accept-stream
    """.split(),
    "rust-tcp-options": """
        keep-alive-enabled keep-alive-idle-time keep-alive-interval keep-alive-count hop-limit receive-buffer-size
        send-buffer-size options-inherited
    """.split(),
    "rust-tcp-streams": """
        send-and-receive send-twice receive-twice transfer-after-handle-drop transfer-large one-byte-reads
        empty-read-and-write splice half-close close-without-data send-ended-stream send-then-drop-everything
        drop-futures drop-receive-stream drop-unread-data connection-reset connection-broken
    """.split(),
}
ONLY_BY_NAME = {"rust-tcp-states": ["denied"], "rust-tcp-options": ["options-as-on-linux"]}
FIXTURE_OF = {case: name for name, cases in CASES.items() for case in cases}


@pytest.mark.parametrize("name", CASES)
def test_the_list_of_cases_is_complete(name: str) -> None:
    assert rust_cases(name) == CASES[name] + ONLY_BY_NAME.get(name, [])


@families
@pytest.mark.parametrize("case", FIXTURE_OF)
def test_rust(case: str, family: FamilyName) -> None:
    assert run(FIXTURE_OF[case], CASE=case, FAMILY=family) == f"ok {case}\n"


@families
@pytest.mark.parametrize("name", CASES)
def test_all_cases_in_one_run(name: str, family: FamilyName) -> None:
    assert run(name, FAMILY=family) == "".join(f"ok {case}\n" for case in CASES[name])


@families
def test_everything_is_denied_without_a_policy(family: FamilyName) -> None:
    assert run("rust-tcp-states", policy=deny_all, CASE="denied", FAMILY=family) == "ok denied\n"


@families
@pytest.mark.skipif(sys.platform != "linux", reason="the exact values are those of Linux")
def test_options_as_on_linux(family: FamilyName) -> None:
    assert run("rust-tcp-options", CASE="options-as-on-linux", FAMILY=family) == "ok options-as-on-linux\n"


@families
def test_c(family: FamilyName) -> None:
    names = c_cases("c-tcp-methods")
    assert len(names) >= 10
    assert run("c-tcp-methods", FAMILY=family).splitlines() == [f"ok {name}" for name in names]
