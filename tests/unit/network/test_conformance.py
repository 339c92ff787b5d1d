"""Every network of ours keeps the rules of the seam, and a network that does not is told."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import pytest

from tests.unit.network.loopback import NO_IPV6
from wasihost._network.base import Address, Family, IpAddress, Network, Socket
from wasihost._network.faults import FaultPlan, FaultyNetwork
from wasihost._network.os import OsNetwork
from wasihost._network.quotas import QuotaNetwork, Quotas
from wasihost._network.virtual import VirtualNetwork
from wasihost._network.wrapping import NetworkAround, SocketAround
from wasihost._recording import Recording, RecordingNetwork
from wasihost._recording.replay import ReplayNetwork
from wasihost._testing import run_virtual
from wasihost._testing.conformance import CHECKS, Check, ConformanceError, Ends, check_network

on_the_os = pytest.mark.parametrize(
    "check",
    [
        pytest.param(check, marks=pytest.mark.skipif(bool(NO_IPV6) and check.family == 6, reason=NO_IPV6 or ""))
        for check in CHECKS
    ],
    ids=str,
)
everywhere = pytest.mark.parametrize("check", CHECKS, ids=str)


@on_the_os
async def test_the_network_of_the_system_conforms(check: Check) -> None:
    await check(OsNetwork())


# ---- around another network

PLENTY = 10**9
QUOTAS = Quotas(
    sockets=PLENTY, connections=PLENTY, connections_per_second=PLENTY, bytes_in=PLENTY, bytes_out=PLENTY,
    connection_bytes_in=PLENTY, connection_bytes_out=PLENTY, bytes_per_second_in=PLENTY, bytes_per_second_out=PLENTY,
    connect_timeout_s=1000, idle_timeout_s=1000,
)  # fmt: skip
AROUND: dict[str, Callable[[Network], Network]] = {
    "nothing": NetworkAround,
    "quotas": lambda inner: QuotaNetwork(inner, QUOTAS),
    "faults": lambda inner: FaultyNetwork(inner, FaultPlan()),
    "recording": RecordingNetwork,
    "all": lambda inner: RecordingNetwork(QuotaNetwork(FaultyNetwork(inner, FaultPlan()), QUOTAS)),
}
around_another = pytest.mark.parametrize("around", AROUND.values(), ids=AROUND)


@on_the_os
@around_another
async def test_networks_around_that_of_the_system_conform(check: Check, around: Callable[[Network], Network]) -> None:
    await check(around(OsNetwork()))


@everywhere
@around_another
def test_networks_around_a_virtual_one_conform(check: Check, around: Callable[[Network], Network]) -> None:
    run_virtual(check(around(VirtualNetwork())))


@on_the_os
async def test_a_replay_of_the_network_of_the_system_conforms(check: Check) -> None:
    recording = Recording()
    await check(RecordingNetwork(OsNetwork(), recording))
    await check(ReplayNetwork(recording))


@everywhere
def test_a_replay_of_a_virtual_network_conforms(check: Check) -> None:
    recording = Recording()
    run_virtual(check(RecordingNetwork(VirtualNetwork(), recording)))
    run_virtual(check(ReplayNetwork(recording)))


# ---- in memory


@everywhere
async def test_the_virtual_network_conforms(check: Check) -> None:
    await check(VirtualNetwork())


@everywhere
def test_the_virtual_network_conforms_in_virtual_time(check: Check) -> None:
    run_virtual(check(VirtualNetwork()))


def _two_hosts(**link: Any) -> Ends:
    net = VirtualNetwork(**link)
    web, db = net.host("web", "192.168.1.1", "fd01::1"), net.host("db", "192.168.1.2", "fd01::2")
    ips: list[dict[Family, IpAddress]] = [{4: host.addresses[0], 6: host.addresses[1]} for host in (db, web)]
    return Ends(db, web, *ips)


@everywhere
@pytest.mark.parametrize("link", [{}, {"latency_s": 0.002}, {"latency_s": 0.001, "bytes_per_second": 50e6}], ids=str)
def test_two_virtual_hosts_conform_whatever_their_link_is_like(check: Check, link: dict[str, float]) -> None:
    run_virtual(check(_two_hosts(**link)))


async def test_all_checks_in_one_call() -> None:
    await check_network(VirtualNetwork, families=[4])


# ---- networks that break a rule


class _Lost(SocketAround):
    """Does not know where it is."""

    def local_address(self) -> Address:
        return Address(ip_address("127.0.0.1"), 1)


class _Broken(NetworkAround):
    def tcp_socket(self, family: Family) -> Socket:
        return _Lost(self.inner.tcp_socket(family))


def test_a_network_that_breaks_rules_is_told_which_and_how() -> None:
    def make() -> Network:
        return _Broken(VirtualNetwork())

    with pytest.raises(ConformanceError) as caught:
        run_virtual(check_network(make, families=[4]))
    lines = str(caught.value).splitlines()
    [line] = [line for line in lines if line.startswith("a_new_socket_is_at_the_wildcard_address-ipv4: ")]
    assert "`local_address` of a socket that is not bound is the wildcard address" in line
    assert "expected Address(ip=IPv4Address('0.0.0.0')" in line
    assert any(line.startswith("port_0_is_a_free_port-ipv4") for line in lines)
