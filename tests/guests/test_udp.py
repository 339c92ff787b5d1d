"""`rust-udp`, `rust-udp-states` and `c-udp-methods`: every function of udp-socket, every state, every error."""

from __future__ import annotations

import asyncio
import errno
import sys

import pytest

from tests.guests.harness import FamilyName, Guest, c_cases, families, load, passes, run, rust_cases
from tests.unit.wasi.sockets.fake_network import FakeDatagramSocket, FakeNetwork
from wasihost import Host, Policy, Rules, allow_all, deny_all
from wasihost._network.base import Address, DatagramSocket, Family
from wasihost._policy import PolicyContext, SocketAddressUse

pytestmark = pytest.mark.usefixtures("both_networks")

CASES = {
    "rust-udp-states": """
        create bind bind-wildcard bind-invalid bind-twice bind-again-after-drop connect connect-unbound connect-invalid
        reconnect reconnect-elsewhere disconnect ipv6-addresses ipv6-only state-unbound state-bound state-connected
        drop-in-every-state hop-limit receive-buffer-size send-buffer-size
    """.split(),
    "rust-udp": """
        send-and-receive send-unbound send-connected send-invalid strangers sizes too-large boundaries receives-at-once
        cancelled-receive connection-refused
    """.split(),
}
ONLY_BY_NAME = {"rust-udp-states": ["options-as-on-linux"], "rust-udp": ["denied", "unreachable"]}
FIXTURE_OF = {case: name for name, cases in CASES.items() for case in cases}


@pytest.mark.parametrize("name", CASES)
def test_the_list_of_cases_is_complete(name: str) -> None:
    assert rust_cases(name) == CASES[name] + ONLY_BY_NAME[name]


@families
@pytest.mark.parametrize("case", FIXTURE_OF)
def test_rust(case: str, family: FamilyName) -> None:
    assert run(FIXTURE_OF[case], CASE=case, FAMILY=family) == f"ok {case}\n"


@families
@pytest.mark.parametrize("name", CASES)
def test_all_cases_in_one_run(name: str, family: FamilyName) -> None:
    assert run(name, FAMILY=family) == "".join(f"ok {case}\n" for case in CASES[name])


@families
def test_c(family: FamilyName) -> None:
    names = c_cases("c-udp-methods")
    assert len(names) >= 6
    assert run("c-udp-methods", FAMILY=family).splitlines() == [f"ok {name}" for name in names]


@families
@pytest.mark.parametrize("policy", [deny_all, Rules(["tcp://*:*"], ["tcp://*:*"], ["*"])])
def test_everything_is_denied_without_a_policy(family: FamilyName, policy: Policy) -> None:
    assert run("rust-udp", policy=policy, CASE="denied", FAMILY=family) == "ok denied\n"


@families
@pytest.mark.skipif(sys.platform != "linux", reason="the exact values are those of Linux")
def test_options_as_on_linux(family: FamilyName) -> None:
    assert run("rust-udp-states", CASE="options-as-on-linux", FAMILY=family) == "ok options-as-on-linux\n"


@pytest.mark.parametrize("name", [*CASES, "c-udp-methods"])
def test_rules_that_allow_everything_are_enough_for_every_method(name: str) -> None:
    rules = Rules(outbound=["udp://*:*"], inbound=["udp://*:*"])
    assert run(name, policy=rules) == run(name, policy=allow_all)


async def _slow(address: Address, use: SocketAddressUse, context: PolicyContext) -> bool:
    await passes(3)
    return True


@pytest.mark.parametrize("name", [*CASES, "c-udp-methods"])
def test_an_async_policy_works_for_every_method(name: str) -> None:
    assert run(name, policy=_slow) == run(name, policy=allow_all)


class _Down(FakeNetwork):
    """A network where every transfer fails."""

    def udp_socket(self, family: Family) -> DatagramSocket:
        made = FakeDatagramSocket(family)
        made.fails["send_to"] = [OSError(errno.ENETUNREACH, "")]
        made.incoming.append(OSError(errno.EHOSTUNREACH, ""))
        return made


async def test_a_network_that_is_down_is_reported() -> None:
    lines: list[bytes] = []
    env = {"CASE": "unreachable"}
    await Host(network=_Down(), policy=allow_all, env=env, stdout=lines.append).run_async(load("rust-udp"))
    assert b"".join(lines) == b"ok unreachable\n"


async def test_a_run_that_waits_for_a_datagram_is_no_deadlock_and_can_be_cancelled() -> None:
    guest = Guest("rust-udp-echo")
    task = asyncio.create_task(guest.run_async())
    await guest.stdout.first_line()
    await passes(100)
    assert not task.done()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
