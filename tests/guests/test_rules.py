"""Rules for real guests: names, rewriting, who is accepted, what cannot be got around, and rules that were learned."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from tests.guests.harness import Guest, Output, fails, load, run_async, until
from tests.guests.peers import discard, echo, server
from tests.guests.test_order import HOSTS, shop
from wasihost import Decision, GuestExit, Host, Policy, Rules, allow_all
from wasihost._network.names import Addresses, Resolver
from wasihost._policy.learning import Learner


async def _told(name: str, policy: Policy, **env: object) -> str:
    """What a guest that fails writes to its stderr."""
    guest = Guest(name, policy=policy, env=env)
    await fails(guest.host.run_async(load(name)), GuestExit)
    return str(guest.stderr)


def _port(address: str) -> str:
    return address.rpartition(":")[2]


# ---- names


async def test_a_guest_may_use_what_it_looked_up() -> None:
    async with shop() as made:
        prices, ledger = made.arguments
        await made.order(b"1 apple\n", policy=Rules([f"udp://{prices}", f"tcp://{ledger}"]))
        assert len(made.bills) == 1


async def test_the_same_address_without_a_lookup_is_refused() -> None:
    async with server(echo) as peer:
        rules = Rules([f"tcp://db:{_port(peer.address)}"])
        assert "access-denied" in await _told("rust-tcp-client", rules, ADDRESS=peer.address)
        assert peer.connections == 0


async def test_what_one_guest_looked_up_is_refused_to_another() -> None:
    async with shop() as made:
        prices, ledger = made.arguments
        rules = Rules([f"udp://{prices}", f"tcp://{ledger}"])
        await made.order(b"1 apple\n", policy=rules)
        assert "access-denied" in await _told("rust-tcp-client", rules, ADDRESS=f"127.0.0.1:{_port(ledger)}")


async def test_a_name_that_changes_after_the_lookup_leads_nowhere_else() -> None:
    answers = iter(["127.0.0.1", "127.0.0.1", "192.0.2.1", "192.0.2.1"])
    asked: list[str] = []

    async def resolver(name: str) -> str:
        asked.append(name)
        return next(answers)

    async with shop() as made:
        prices, ledger = made.arguments
        decisions: list[Decision] = []
        host = Host(
            policy=Rules(["udp://loopback:*", "tcp://loopback:*"], resolve=["prices", "ledger"]),
            on_decision=decisions.append,
            resolver=resolver,
            args=["order", prices, ledger],
            stdin=b"1 apple\n",
            stdout=made.stdout,
        )
        await host.run_async(load("rust-order"))
    assert asked == ["prices", "ledger"]  # once each: what was checked is what was connected to
    assert {str(each.address.ip) for each in decisions if each.address} == {"127.0.0.1", "0.0.0.0"}


# ---- rewriting


async def test_a_name_can_lead_to_another_address_and_port_without_a_resolver() -> None:
    async with shop() as made:
        prices, ledger = map(_port, made.arguments)
        rules = Rules([f"udp://prices:53 -> 127.0.0.1:{prices}", f"tcp://ledger:80 -> 127.0.0.1:{ledger}"])
        host = Host(policy=rules, args=["order", "prices:53", "ledger:80"], stdin=b"1 apple\n", stdout=made.stdout)
        await host.run_async(load("rust-order"))
        assert len(made.bills) == 1


async def test_an_address_can_lead_to_another_which_is_not_allowed_itself() -> None:
    async with server(echo) as peer:
        rules = Rules([f"tcp://192.0.2.1:80 -> {peer.address}"])
        assert "echo: 1 connections" in await run_async("rust-tcp-client", policy=rules, ADDRESS="192.0.2.1:80")
        assert "access-denied" in await _told("rust-tcp-client", rules, ADDRESS=peer.address)
        assert peer.connections == 1


async def test_a_target_that_is_denied_is_not_connected_to() -> None:
    async with server(echo) as peer:
        rules = Rules([f"tcp://192.0.2.1:80 -> {peer.address}", "deny tcp://loopback:*"])
        assert "access-denied" in await _told("rust-tcp-client", rules, ADDRESS="192.0.2.1:80")
        assert peer.connections == 0


# ---- addresses in other forms


@pytest.mark.parametrize("ip", ["[::ffff:127.0.0.1]", "[::127.0.0.1]"])
async def test_a_denied_address_in_ipv6_form_is_not_connected_to(ip: str) -> None:
    async with server(discard) as peer:
        rules = Rules(["tcp://*:*", "deny tcp://127.0.0.1:*"])
        told = await _told("rust-tcp-client", rules, ADDRESS=f"{ip}:{_port(peer.address)}", MODE="connect")
        assert "invalid-argument" in told
        assert peer.connections == 0


async def test_a_denied_address_is_not_opened_by_binding_all() -> None:
    rules = Rules(inbound=["tcp://*:*", "deny tcp://loopback:*"])
    assert "access-denied" in await _told("rust-echo-server", rules, ADDRESS="0.0.0.0:0")


async def test_an_implicit_bind_is_denied_with_everything_that_goes_out() -> None:
    decisions: list[Decision] = []
    guest = Guest("rust-udp", policy=Rules(["tcp://*:*"]), env={"CASE": "denied"}, on_decision=decisions.append)
    assert await guest.run_async() == "ok denied\n"
    assert not any(decision.allowed for decision in decisions)


# ---- who is accepted


@pytest.mark.parametrize(("peers", "is_accepted"), [("loopback", True), ("10.0.0.0/8", False)])
async def test_only_the_peers_of_the_rule_are_accepted(peers: str, is_accepted: bool) -> None:
    decisions: list[Decision] = []
    rules = Rules(inbound=[f"tcp://127.0.0.1:* from={peers}", "tcp://127.0.0.1:1 from=*"])
    guest = Guest("rust-echo-server", policy=rules, env={"CONNECTIONS": 1}, on_decision=decisions.append)
    task = asyncio.create_task(guest.run_async())
    port = int(_port(await guest.stdout.first_line()))
    with socket.create_connection(("127.0.0.1", port)):
        await until(lambda: decisions[-1].use.value == "tcp-accept")
    assert decisions[-1].allowed is is_accepted
    if not is_accepted:
        task.cancel()
    await asyncio.wait([task])
    assert task.cancelled() is not is_accepted


# ---- reports


async def test_every_decision_of_a_run_is_reported() -> None:
    decisions: list[Decision] = []
    async with shop() as made:
        prices, ledger = made.arguments
        rules = Rules([f"udp://{prices}", f"tcp://{ledger}"])
        args, stdin = ["order", prices, ledger], b"1 apple\n"
        host = Host(
            policy=rules, on_decision=decisions.append, host_names=HOSTS, args=args, stdin=stdin, stdout=Output()
        )
        await host.run_async(load("rust-order"))
    told = [(decision.use.value, decision.rule) for decision in decisions]
    assert told == [
        ("resolve", "host_names"),
        ("resolve", "host_names"),
        ("udp-send", f"udp://{prices}"),
        ("udp-bind", f"udp://{prices}"),
        ("udp-send", f"udp://{prices}"),
        ("udp-receive", f"udp://{prices}"),
        ("tcp-connect", f"tcp://{ledger}"),
        ("tcp-bind", f"tcp://{ledger}"),
    ]
    assert {decision.guest for decision in decisions} == {load("rust-order").origin}


# ---- rules that were learned

Run = Callable[[Policy, Callable[[Decision], None] | None], Awaitable[None]]


async def _needs_exactly(run: Run) -> dict[str, list[str]]:
    """The rules learned from a run, with which it works, and without any one of which it does not."""
    learner = Learner()
    await run(allow_all, learner)
    rules = learner.rules
    await run(Rules(**rules), None)
    for direction, some in rules.items():
        for rule in some:
            fewer = rules | {direction: [other for other in some if other != rule]}
            with pytest.raises((GuestExit, BlockingIOError, pytest.fail.Exception)):
                await run(Rules(**fewer), None)
    return rules


async def test_what_a_client_needs() -> None:
    async with server(echo) as peer:

        async def run(policy: Policy, on_decision: Callable[[Decision], None] | None) -> None:
            guest = Guest("rust-tcp-client", policy=policy, env={"ADDRESS": peer.address}, on_decision=on_decision)
            await guest.run_async()

        rules = await _needs_exactly(run)
        assert {name: found for name, found in rules.items() if found} == {"outbound": [f"tcp://{peer.address}"]}


def _ordering(arguments: list[str], hosts: dict[str, Addresses], resolver: Resolver | None = None) -> Run:
    async def run(policy: Policy, on_decision: Callable[[Decision], None] | None) -> None:
        host = Host(
            policy=policy,
            on_decision=on_decision,
            host_names=hosts,
            resolver=resolver,
            args=["order", *arguments],
            stdin=b"1 apple\n",
            stdout=Output(),
            stderr=Output(),
        )
        await host.run_async(load("rust-order"))

    return run


async def test_what_a_guest_needs_that_looks_names_up() -> None:
    async with shop() as made:
        prices, ledger = (argument.replace(":", ".localhost:") for argument in made.arguments)
        run = _ordering([prices, ledger], {"ledger.localhost": "127.0.0.1"}, lambda name: "127.0.0.1")
        learner = Learner()
        await run(allow_all, learner)
        await run(Rules(**learner.rules), None)
        # They share an address, and the guest may have meant either.
        udp, tcp = map(_port, made.arguments)
        assert set(learner.rules["outbound"]) == {
            f"{rule}:{port}"
            for host in ("prices.localhost", "ledger.localhost")
            for rule, port in ((f"udp://{host}", udp), (f"tcp://{host}", tcp))
        }
        assert learner.rules["resolve"] == []


async def test_what_a_guest_needs_whose_resolver_knows_this_machine_by_a_name() -> None:
    async with shop() as made:
        rules = await _needs_exactly(_ordering(made.arguments, {}, lambda name: "127.0.0.1"))
        udp, tcp = map(_port, made.arguments)
        assert set(rules["outbound"]) == {f"udp://127.0.0.1:{udp}", f"tcp://127.0.0.1:{tcp}"}
        assert set(rules["resolve"]) == {"prices", "ledger"}


@pytest.mark.parametrize(
    ("name", "case", "outbound", "inbound"),
    [
        ("rust-tcp-streams", "all", ["tcp://127.0.0.1:*"], ["tcp://127.0.0.1:*"]),
        ("rust-udp", "send-and-receive", ["udp://127.0.0.1:*"], ["udp://127.0.0.1:*"]),
        ("rust-resolve", "localhost", [], []),
    ],
)
async def test_what_a_guest_needs_that_talks_to_itself(
    name: str, case: str, outbound: list[str], inbound: list[str]
) -> None:
    async def run(policy: Policy, on_decision: Callable[[Decision], None] | None) -> None:
        await Guest(name, policy=policy, env={"CASE": case}, on_decision=on_decision).run_async()

    rules = await _needs_exactly(run)
    assert (rules["outbound"], rules["inbound"]) == (outbound, inbound)
    assert rules["resolve"] == (["localhost"] if name == "rust-resolve" else [])


async def test_what_a_server_needs() -> None:
    async def run(policy: Policy, on_decision: Callable[[Decision], None] | None) -> None:
        guest = Guest("rust-udp-echo", policy=policy, env={"MESSAGES": 1}, on_decision=on_decision)
        task = asyncio.create_task(guest.run_async())
        await until(lambda: task.done() or guest.stdout.lines)
        if guest.stdout.lines:
            port = int(_port(guest.stdout.lines[0]))
            with socket.socket(type=socket.SOCK_DGRAM) as client:
                client.sendto(b"x", ("127.0.0.1", port))
                await task
                client.setblocking(False)
                assert client.recv(10) == b"x"
        await task

    rules = await _needs_exactly(run)
    found = {name: each for name, each in rules.items() if each}
    assert found == {"outbound": ["udp://127.0.0.1:*"], "inbound": ["udp://127.0.0.1:*"]}
