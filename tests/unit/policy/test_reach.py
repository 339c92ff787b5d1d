"""Public addresses, and where names may lead; no address here is ever contacted."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from wasihost import Rules
from wasihost._network.base import Address
from wasihost._policy import PolicyContext, SocketAddressUse
from wasihost._policy.reach import METADATA, NOT_PUBLIC, PUBLIC_WITHIN, carried_ip

CONNECT = SocketAddressUse.TCP_CONNECT
LOCAL = [
    *("127.0.0.1", "127.255.255.254", "::1", "0.0.0.0", "0.1.2.3", "::", "169.254.1.1", "169.254.170.2", "fe80::1"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a9fe:a9fe::1", "64:ff9b::a83f:8110"),
    *("::ffff:127.0.0.1", "::ffff:169.254.169.254", *METADATA),
]
PRIVATE = ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "fd00::1", "fc00::1"]
NOT_GLOBAL = [
    *("100.64.0.1", "100.127.255.255", "192.0.0.8", "192.0.0.170", "192.0.2.1", "192.88.99.1", "198.18.0.1"),
    *("198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
    *("64:ff9b::a00:1", "64:ff9b::6440:1", "64:ff9b:1::1", "100::1", "2001::1", "2001:2::1", "2001:db8::1"),
    *("2002:a00:1::1", "3fff::1", "4000::1", "5f00::1", "fec0::1", "ff02::1", "::ffff:10.0.0.1"),
]
PUBLIC = [
    *("1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1"),
    *("168.63.129.15", "168.63.129.17", "192.0.0.9", "192.0.0.10", "192.0.1.1", "198.17.255.255", "198.20.0.0"),
    *("223.255.255.255", "2000::1", "2001:1::1", "2001:4:112::1", "2001:200::1", "2606:4700::1111", "3ffe::1"),
    *("64:ff9b::808:808", "::ffff:8.8.8.8"),
]


def _allows(rules: Rules, ip: str, *names: str, hosts: tuple[str, ...] = ()) -> bool:
    address = Address(ip_address(ip), 80)
    told = getattr(address.ip, "ipv4_mapped", None) or address.ip  # what guests are told is never in that form
    return rules(address, CONNECT, PolicyContext(names={told: names}, hosts=hosts)).allowed


@pytest.mark.parametrize("ip", [*LOCAL, *PRIVATE, *NOT_GLOBAL])
def test_what_the_internet_cannot_reach_is_not_public(ip: str) -> None:
    assert not _allows(Rules(["*://public:*"]), ip)
    assert _allows(Rules(["*://*:*", "deny *://public:*"]), ip)


@pytest.mark.parametrize("ip", PUBLIC)
def test_everything_else_is_public(ip: str) -> None:
    assert _allows(Rules(["*://public:*"]), ip)
    assert not _allows(Rules(["*://*:*", "deny *://public:*"]), ip)


def test_6to4_is_not_public_whatever_it_leads_to() -> None:
    assert not _allows(Rules(["*://public:*"]), "2002:808:808::1")


def test_what_is_public_within_other_networks_is_within_them() -> None:
    around = [ip_network(text) for text in NOT_PUBLIC]
    for text in PUBLIC_WITHIN:
        network = ip_network(text)
        assert any(other.version == network.version and network.subnet_of(other) for other in around)  # type: ignore[arg-type]


# ---- what a resolver gave


@pytest.mark.parametrize("ip", LOCAL)
def test_a_name_leads_neither_to_this_machine_nor_to_the_cloud_around_it(ip: str) -> None:
    for rule in ("tcp://db.test:80", "tcp://*.test:80"):
        assert not _allows(Rules([rule]), ip, "db.test")


@pytest.mark.parametrize("ip", [*PRIVATE, *NOT_GLOBAL])
def test_only_a_rule_for_the_host_itself_leads_to_an_address_that_is_not_public(ip: str) -> None:
    assert _allows(Rules(["tcp://db.test:80"]), ip, "db.test")
    assert not _allows(Rules(["tcp://*.test:80"]), ip, "db.test")


@pytest.mark.parametrize("ip", PUBLIC)
def test_every_name_leads_to_public_addresses(ip: str) -> None:
    for rule in ("tcp://db.test:80", "tcp://*.test:80"):
        assert _allows(Rules([rule]), ip, "db.test")


@pytest.mark.parametrize("ip", ["127.0.0.1", "169.254.169.254", "fd00:ec2::254"])
def test_another_rule_or_the_hosts_of_the_embedder_may_say_so(ip: str) -> None:
    host = f"[{ip}]" if ":" in ip else ip
    for rule in ("tcp://db.test:80", "tcp://*.test:80"):
        assert _allows(Rules([rule, f"tcp://{host}:80"]), ip, "db.test")
        assert _allows(Rules([rule]), ip, "db.test", hosts=("db.test",))
        assert not _allows(Rules([rule]), ip, "db.test", hosts=("other.test",))


@pytest.mark.parametrize("name", ["localhost", "a.localhost", "b.a.localhost"])
def test_localhost_is_loopback_by_name_and_nothing_else(name: str) -> None:
    for rule in (f"tcp://{name}:80", "tcp://*.localhost:80"):
        is_named = name != "localhost" or "*" not in rule
        assert _allows(Rules([rule]), "127.0.0.1", name) is is_named
        assert _allows(Rules([rule]), "::1", name) is is_named
        for ip in ("10.0.0.1", "8.8.8.8", "169.254.169.254"):
            assert not _allows(Rules([rule]), ip, name)
    assert not _allows(Rules(["tcp://notlocalhost:80"]), "127.0.0.1", "notlocalhost")


# ---- IPv4 addresses within IPv6 ones


@pytest.mark.parametrize("ip", ["64:ff9b::a00:1", "2002:a00:1::", "::ffff:10.0.0.1"])
def test_a_rule_that_denies_an_address_denies_the_ways_around(ip: str) -> None:
    assert str(carried_ip(ip_address(ip))) == "10.0.0.1"
    assert not _allows(Rules(["*://*:*", "deny *://10.0.0.0/8:*"]), ip)
    peers = Rules(inbound=["tcp://*:*", "deny tcp://*:* from=private"])
    context = PolicyContext(local=Address(ip_address("::1"), 80))
    assert not peers(Address(ip_address(ip), 9), SocketAddressUse.TCP_ACCEPT, context)


def test_a_rule_that_allows_an_address_does_not_allow_what_leads_there() -> None:
    assert not _allows(Rules(["*://10.0.0.0/8:*"]), "64:ff9b::a00:1")
