"""What stands between guests and the network: where traffic goes, what cannot be got around, and what is told."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, ip_address

import pytest

from tests.unit.wasi.sockets.fake_network import PEER, FakeNetwork, FakeSocket
from tests.unit.wasi.sockets.setup import FAILURES, at_once, cause_of, listen, v4, waited
from wasihost._network.base import Address, Family
from wasihost._network.names import Addresses, Names, parse_hosts
from wasihost._policy import (
    Decision,
    NameUse,
    Policy,
    PolicyContext,
    Rules,
    SocketAddressUse,
    Verdict,
    allow_all,
    any_of,
)
from wasihost._policy.asking import run
from wasihost._policy.known_names import KnownNames
from wasihost._policy.refusals import LOGGER
from wasihost._wasi.failures import Reason
from wasihost._wasi.sockets.access import Access, Refused
from wasihost._wasi.sockets.inbox import Datagram
from wasihost._wasi.sockets.lookup import Lookup
from wasihost._wasi.sockets.tcp import TcpSocket
from wasihost._wasi.sockets.udp import UdpSocket

DB, TARGET = Address(IPv4Address("10.0.0.1"), 5432), Address(IPv4Address("127.0.0.1"), 15432)
REWRITE = "*://10.0.0.1:5432 -> 127.0.0.1:15432"


class Guest(FakeNetwork):
    """The network of one guest, its sockets and its lookups."""

    def __init__(self, policy: Policy, hosts: dict[str, Addresses] | None = None) -> None:
        super().__init__()
        self.decisions: list[Decision] = []
        self.access = Access(self, policy, "guest.wasm", self.decisions.append)
        self.lookup = Lookup(Names(self.resolve, parse_hosts(hosts)), self.access)

    def tcp(self, family: Family = 4) -> TcpSocket:
        return TcpSocket.create(self.access, family)

    def udp(self) -> UdpSocket:
        return UdpSocket.create(self.access, 4)

    def connect(self, address: Address) -> TcpSocket:
        tcp = self.tcp()
        at_once(tcp.connect(address))
        return tcp

    def look_up(self, name: str) -> None:
        at_once(self.lookup.resolve(name))

    @property
    def told(self) -> list[tuple[str, bool, str | None]]:
        return [(each.use.value, each.allowed, each.rule) for each in self.decisions]


def _refused(guest: Guest, address: Address) -> bool:
    try:
        guest.connect(address)
    except Refused:
        return True
    return False


# ---- names


def test_a_name_allows_the_addresses_that_this_guest_was_told_and_no_others() -> None:
    guest = Guest(Rules(["tcp://db:5432"]))
    guest.names = {"db": [DB.ip]}
    assert _refused(guest, DB)
    guest.look_up("db")
    guest.connect(DB)
    assert guest.made[-1].peers == [DB]
    assert _refused(guest, Address(ip_address("10.0.0.2"), 5432))


def test_what_another_guest_was_told_allows_nothing() -> None:
    rules = Rules(["tcp://db:5432"])
    first, second = Guest(rules), Guest(rules)
    first.names = second.names = {"db": [DB.ip]}
    first.look_up("db")
    assert _refused(second, DB)


def test_a_name_that_changes_between_the_lookup_and_the_connect_changes_nothing() -> None:
    guest = Guest(Rules(["tcp://db:5432"]))
    guest.names = {"db": [DB.ip]}
    guest.look_up("db")
    evil = Address(ip_address("169.254.169.254"), 5432)
    guest.names = {"db": [evil.ip]}
    guest.connect(DB)
    assert _refused(guest, evil)
    assert [socket.peers for socket in guest.made] == [[DB], []]


@pytest.mark.parametrize("ip", ["127.0.0.1", "169.254.169.254", "168.63.129.16"])
def test_a_resolver_cannot_lead_a_guest_into_this_machine_or_the_cloud(ip: str) -> None:
    guest = Guest(Rules(["tcp://db:80", "tcp://*.test:80"]))
    evil = Address(ip_address(ip), 80)
    guest.names = {"db": [evil.ip], "a.test": [evil.ip]}
    for name in guest.names:
        guest.look_up(name)
        assert _refused(guest, evil)
    assert str(guest.decisions[-1]).endswith(f"(db, a.test): no rule allows it (--allow-outbound tcp://{ip}:80)")
    hosts = Guest(Rules(["tcp://db:80"]), {"db": ip})
    hosts.look_up("db")
    hosts.connect(evil)


def test_a_second_answer_of_a_resolver_is_judged_like_the_first() -> None:
    guest = Guest(Rules(["tcp://*.test:80"]))
    for ip, is_refused in (("8.8.8.8", False), ("10.0.0.1", True), ("8.8.4.4", False)):
        guest.names = {"a.test": [ip_address(ip)]}
        guest.look_up("a.test")
        assert _refused(guest, Address(ip_address(ip), 80)) is is_refused


def test_localhost_is_this_machine_to_a_rule_that_names_it() -> None:
    guest = Guest(Rules(["tcp://localhost:80", "tcp://db:80"]))
    here = Address(ip_address("127.0.0.1"), 80)
    guest.names = {"localhost": [here.ip], "db": [here.ip]}
    guest.look_up("db")
    assert _refused(guest, here)
    guest.look_up("localhost")
    guest.connect(here)


def test_a_lookup_that_is_denied_tells_no_address() -> None:
    guest = Guest(Rules(["tcp://db:5432"], resolve=["deny db"]))
    guest.names = {"db": [DB.ip]}
    with pytest.raises(FAILURES):
        guest.look_up("db")
    assert _refused(guest, DB)


def test_an_address_written_out_is_no_name() -> None:
    guest = Guest(Rules(["tcp://*.test:5432"]))
    guest.look_up("10.0.0.1")
    assert _refused(guest, DB)


def test_hosts_are_names_like_others() -> None:
    guest = Guest(Rules(["tcp://db:5432"]), {"db": str(DB.ip)})
    guest.look_up("DB.")
    guest.connect(DB)


def test_what_was_told_is_remembered_within_limits() -> None:
    known = KnownNames()
    for number in range(5000):
        known.add(f"{number}.test", [ip_address(number), ip_address("8.8.8.8")])
    assert len(known.names) == 4096
    names = known.names[ip_address("8.8.8.8")]
    assert (len(names), names[-1]) == (64, "4999.test")


# ---- rewriting


def test_a_connect_goes_where_the_rule_says_and_the_guest_sees_what_it_asked_for() -> None:
    guest = Guest(Rules([REWRITE]))
    tcp = guest.connect(DB)
    assert guest.made[-1].peers == [TARGET]
    assert tcp.remote_address() == DB
    assert guest.decisions[0].target == TARGET


def test_the_target_cannot_be_had_by_its_own_address() -> None:
    assert _refused(Guest(Rules([REWRITE])), TARGET)


def test_a_name_that_is_rewritten_needs_no_resolver() -> None:
    guest = Guest(Rules(["tcp://db:5432 -> 127.0.0.1:15432"]))
    guest.names = {"db": AssertionError("asked")}  # type: ignore[dict-item]
    guest.look_up("db")
    seen = Address(TARGET.ip, 5432)
    assert guest.connect(seen).remote_address() == seen
    assert guest.made[-1].peers == [TARGET]


def test_hosts_come_before_the_address_of_the_target() -> None:
    guest = Guest(Rules(["tcp://db:5432 -> 127.0.0.1:15432"]), {"db": str(DB.ip)})
    guest.look_up("db")
    guest.connect(DB)
    assert guest.made[-1].peers == [TARGET]
    assert _refused(guest, Address(TARGET.ip, 5432))


SVC = "tcp://svc:5432 -> 127.0.0.1:15432"


@pytest.mark.parametrize("other", ["tcp://svc:80", "tcp://*.svc:80", "*://*.example.com:*", "udp://svc:*"])
@pytest.mark.parametrize("combine", [lambda *rules: Rules(rules), lambda *rules: any_of(*(Rules([r]) for r in rules))])
def test_what_is_told_because_of_a_rewrite_opens_nothing_else(combine: Callable[..., Policy], other: str) -> None:
    rewrites = [SVC, "tcp://*.svc:5432 -> 127.0.0.1:15432", "tcp://*.example.com:5432 -> 127.0.0.1:15432"]
    guest = Guest(combine(*rewrites, other))
    for name in ("svc", "a.svc", "a.example.com"):
        guest.look_up(name)
    guest.connect(Address(TARGET.ip, 5432))
    assert guest.made[-1].peers == [TARGET]
    assert _refused(guest, Address(TARGET.ip, 80))
    assert str(guest.decisions[-1]).endswith("no rule allows it (--allow-outbound tcp://127.0.0.1:80)")
    assert cause_of(lambda: at_once(guest.udp().connect(v4(53)))) == errno.EACCES
    assert cause_of(lambda: at_once(guest.udp().send(b"x", v4(53)))) == errno.EACCES


def test_a_name_may_be_rewritten_on_several_ports() -> None:
    guest = Guest(Rules([SVC, "tcp://svc:80 -> 127.0.0.1:8080"]))
    guest.look_up("svc")
    for port in (5432, 80):
        guest.connect(Address(TARGET.ip, port))
    assert [made.peers for made in guest.made] == [[TARGET], [Address(TARGET.ip, 8080)]]


def test_hosts_say_where_the_name_leads_for_the_ports_that_are_not_rewritten() -> None:
    guest = Guest(Rules([SVC, "tcp://svc:80"]), {"svc": str(DB.ip)})
    guest.look_up("svc")
    for port in (5432, 80):
        guest.connect(Address(DB.ip, port))
    assert [made.peers for made in guest.made] == [[TARGET], [Address(DB.ip, 80)]]


def test_a_policy_of_ones_own_can_tell_what_was_told_because_of_a_rewrite() -> None:
    class Mine:
        def may_resolve(self, name: str, context: PolicyContext) -> Verdict:
            return Verdict(True, target=TARGET)

        def __call__(self, address: Address, use: SocketAddressUse, context: PolicyContext) -> Verdict:
            assert context.names_of(TARGET.ip) == ()
            is_svc = "svc" in context.rewritten_names_of(address.ip)
            return Verdict(is_svc or use is SocketAddressUse.TCP_BIND, target=TARGET if is_svc else None)

    guest = Guest(Mine())
    guest.look_up("svc")
    guest.connect(Address(TARGET.ip, 5432))
    assert guest.made[-1].peers == [TARGET]
    assert guest.decisions[1].names == ("svc",)


def _received(udp: UdpSocket) -> Datagram:
    received = udp.receive()
    assert received is not None
    return received


def test_datagrams_go_where_the_rule_says_and_answers_come_from_the_address_that_was_asked_for() -> None:
    guest = Guest(Rules([REWRITE]))
    udp = guest.udp()
    at_once(udp.send(b"question", DB))
    [socket] = guest.made_udp
    assert socket.sent == [(b"question", TARGET)]
    socket.arrive((b"answer", TARGET))
    assert _received(udp) == (b"answer", DB)


async def test_the_address_itself_cannot_answer_for_its_target() -> None:
    guest = Guest(Rules([REWRITE]))
    udp = guest.udp()
    at_once(udp.send(b"question", DB))
    [socket] = guest.made_udp
    socket.arrive((b"forged", DB))
    assert udp.receive() is None
    assert guest.told[-1] == ("udp-receive", False, REWRITE)
    udp.close()


async def test_the_target_is_a_stranger_before_anything_was_sent_there() -> None:
    guest = Guest(Rules([REWRITE], ["udp://127.0.0.1:53 from=10.0.0.0/8"]))
    udp = guest.udp()
    at_once(udp.bind(v4(53)))
    guest.made_udp[0].arrive((b"forged", TARGET))
    assert udp.receive() is None
    udp.close()


def test_a_connected_socket_sends_to_the_target_and_shows_its_peer() -> None:
    guest = Guest(Rules([REWRITE]))
    udp = guest.udp()
    at_once(udp.connect(DB))
    [socket] = guest.made_udp
    assert socket.peers == [TARGET]
    assert udp.remote_address() == DB
    for to in (None, DB):
        at_once(udp.send(b"x", to))
    assert socket.sent == [(b"x", None)] * 2
    socket.arrive((b"answer", TARGET))
    assert _received(udp) == (b"answer", DB)
    udp.disconnect()
    assert cause_of(lambda: udp.send(b"x", None)) == Reason.INVALID_ARGUMENT


def test_who_sends_to_the_target_itself_hears_it_by_its_own_address() -> None:
    guest = Guest(Rules([REWRITE, "udp://127.0.0.1:*"]))
    udp = guest.udp()
    for address in (DB, TARGET):
        at_once(udp.send(b"x", address))
    guest.made_udp[0].arrive((b"answer", TARGET))
    assert _received(udp) == (b"answer", TARGET)


@pytest.mark.parametrize("target", ["[::1]:80", "0.0.0.0:80", "127.0.0.1:0"])
def test_a_policy_that_sends_where_nobody_can_be_is_reported(target: str) -> None:
    host, _, port = target.rpartition(":")
    nowhere = Address(ip_address(host.strip("[]")), int(port))

    def policy(address: Address, use: SocketAddressUse, context: PolicyContext) -> Verdict:
        return Verdict(True, None, nowhere if use is SocketAddressUse.TCP_CONNECT else None)

    guest = Guest(policy)
    with pytest.raises(ValueError, match="which is no address of a peer of that family"):
        guest.connect(DB)
    assert guest.made[0].calls == ["close"]


# ---- nothing gets around it


@pytest.mark.parametrize("ip", ["::ffff:10.0.0.1", "::10.0.0.1"], ids=["mapped", "compatible"])
def test_an_ipv4_address_in_ipv6_form_is_refused_before_anybody_is_asked(ip: str) -> None:
    guest, address = Guest(allow_all), Address(ip_address(ip), 5432)
    for use in ("connect", "bind"):
        tcp = guest.tcp(6)
        call = tcp.connect if use == "connect" else tcp.bind
        assert cause_of(lambda: at_once(call(address))) == Reason.INVALID_ARGUMENT  # noqa: B023
        assert guest.made[-1].calls == []
    udp = UdpSocket.create(guest.access, 6)
    assert cause_of(lambda: udp.send(b"x", address)) == Reason.INVALID_ARGUMENT
    assert guest.decisions == []


def test_a_wildcard_bind_does_not_open_an_address_that_is_denied() -> None:
    guest = Guest(Rules(inbound=["*://*:*", "deny *://127.0.0.1:22"]))
    assert cause_of(lambda: at_once(guest.tcp().bind(v4(22, (0, 0, 0, 0))))) == errno.EACCES
    assert cause_of(lambda: at_once(guest.udp().bind(v4(22, (0, 0, 0, 0))))) == errno.EACCES


def test_a_free_port_that_is_denied_is_not_listened_on() -> None:
    guest = Guest(Rules(inbound=["tcp://*:*", "deny tcp://*:50000"]))  # the fake network's free port
    for bind in (True, False):
        tcp = guest.tcp()
        if bind:
            at_once(tcp.bind(v4(0)))
        assert cause_of(lambda: listen(tcp)) == errno.EACCES  # noqa: B023
        assert "listen" not in guest.made[-1].calls


async def test_a_free_port_that_is_denied_receives_nothing() -> None:
    guest = Guest(Rules(inbound=["udp://*:*", "deny udp://*:50000"]))
    udp = guest.udp()
    at_once(udp.bind(v4(0)))
    guest.made_udp[0].arrive((b"x", PEER))
    assert udp.receive() is None
    udp.close()


async def test_an_implicit_bind_lets_only_answers_in() -> None:
    guest = Guest(Rules(["udp://10.0.0.1:*"], ["udp://127.0.0.1:53"]))
    udp = guest.udp()
    at_once(udp.send(b"x", DB))
    guest.made_udp[0].arrive((b"stranger", PEER))
    assert udp.receive() is None
    assert guest.told[-1] == ("udp-receive", False, None)
    udp.close()


def test_an_accepted_socket_can_be_used_for_nothing_but_its_connection() -> None:
    guest = Guest(Rules(inbound=["tcp://127.0.0.1:80 from=192.0.2.0/24"]))
    tcp = guest.tcp()
    at_once(tcp.bind(v4(80)))
    acceptor = listen(tcp)
    connection = FakeSocket()
    guest.made[0].backlogged.append(connection)
    accepted = acceptor.accept()
    assert accepted is not None
    told = len(guest.decisions)
    for call in (lambda: at_once(accepted.connect(v4(80))), lambda: at_once(accepted.bind(v4(80)))):
        assert cause_of(call) == Reason.INVALID_STATE
    assert cause_of(lambda: at_once(accepted.listen())) == Reason.INVALID_STATE
    assert (connection.calls, len(guest.decisions)) == ([], told)


def test_a_peer_that_the_rule_of_the_listener_does_not_accept_is_reset() -> None:
    guest = Guest(Rules(inbound=["tcp://127.0.0.1:80 from=10.0.0.0/8", "tcp://127.0.0.1:81"]))
    tcp = guest.tcp()
    at_once(tcp.bind(v4(80)))
    acceptor = listen(tcp)
    stranger = FakeSocket()
    guest.made[0].backlogged.append(stranger)
    with pytest.raises(BlockingIOError):
        acceptor.accept()
    assert stranger.calls == ["abort"]
    assert str(guest.decisions[-1]) == (
        "refused tcp-accept from 192.0.2.7:4000: no rule allows it "
        "(--allow-inbound 'tcp://127.0.0.1:80 from=192.0.2.7')"
    )


# ---- words of no version of WASI


def test_what_is_required_and_refused_is_a_permission_error() -> None:
    with pytest.raises(PermissionError) as caught:
        run(Access(FakeNetwork(), Rules()).require(DB, SocketAddressUse.TCP_BIND))
    assert caught.value.errno == errno.EACCES


# ---- reports


def test_every_decision_is_told_with_the_rule_that_decided() -> None:
    guest = Guest(Rules(["tcp://db:5432", "deny tcp://10.0.0.2:*"]), {"db": "10.0.0.1"})
    guest.look_up("db")
    guest.connect(DB)
    assert _refused(guest, Address(ip_address("10.0.0.2"), 5432))
    with pytest.raises(FAILURES):
        guest.look_up("other")
    assert guest.told == [
        ("resolve", True, "host_names"),
        ("tcp-connect", True, "tcp://db:5432"),
        ("tcp-bind", True, "tcp://db:5432"),
        ("tcp-connect", False, "deny tcp://10.0.0.2:*"),
        ("resolve", False, None),
    ]
    assert guest.decisions[1] == Decision(
        use=SocketAddressUse.TCP_CONNECT,
        address=DB,
        names=("db",),
        allowed=True,
        rule="tcp://db:5432",
        guest="guest.wasm",
    )
    assert guest.decisions[0].use is NameUse.RESOLVE


def test_connecting_a_datagram_socket_is_one_decision() -> None:
    def receives(address: Address, use: SocketAddressUse, context: PolicyContext) -> bool:
        return use is not SocketAddressUse.UDP_SEND

    guest = Guest(receives)
    at_once(guest.udp().connect(DB))
    assert [use for use, _, _ in guest.told] == ["udp-receive", "udp-bind"]
    guest = Guest(Rules())
    with pytest.raises(FAILURES):
        at_once(guest.udp().connect(DB))
    assert guest.told == [("udp-send", False, None)]


async def test_a_verdict_that_takes_time_is_told_when_it_is_there() -> None:
    answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def policy(address: Address, use: SocketAddressUse, context: PolicyContext) -> bool | Awaitable[bool]:
        return answer

    guest = Guest(policy)
    binding = asyncio.ensure_future(waited(guest.tcp().bind(v4(80))))
    await asyncio.sleep(0)
    assert guest.told == []
    answer.set_result(False)
    with pytest.raises(FAILURES):
        await binding
    assert guest.told == [("tcp-bind", False, "the policy policy")]


def test_a_callback_that_raises_ends_the_call_and_nothing_was_done() -> None:
    def on_decision(decision: Decision) -> None:
        raise LookupError("mine")

    network = FakeNetwork()
    access = Access(network, allow_all, "", on_decision)
    with pytest.raises(LookupError, match="mine"):
        at_once(TcpSocket.create(access, 4).connect(v4(80)))
    assert network.made[0].calls == ["close"]


def test_refusals_are_logged_as_warnings_and_the_rest_for_those_who_want_it(caplog: pytest.LogCaptureFixture) -> None:
    def decisions() -> list[str]:
        access = Access(FakeNetwork(), Rules(["tcp://10.0.0.1:*"]))
        for address in (DB, TARGET):
            with contextlib.suppress(*FAILURES):
                at_once(TcpSocket.create(access, 4).connect(address))
        found = [f"{record.levelname} {record.decision.use.value}" for record in caplog.records]  # type: ignore[attr-defined]
        caplog.clear()
        return found

    assert decisions() == ["WARNING tcp-connect"]
    with caplog.at_level(logging.INFO, LOGGER.name):
        assert decisions() == ["INFO tcp-connect", "INFO tcp-bind", "WARNING tcp-connect"]
    with caplog.at_level(logging.CRITICAL, LOGGER.name):
        assert decisions() == []


def test_without_logging_nothing_is_written(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(LOGGER, "propagate", False)  # as if nobody had set up any
    access = Access(FakeNetwork(), Rules())
    with pytest.raises(FAILURES):
        at_once(TcpSocket.create(access, 4).connect(DB))
    assert capfd.readouterr() == ("", "")
