"""Rules against a specification of them, written down as plainly as can be: sets of integers, and loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wasihost._network.base import Address, IpAddress
from wasihost._policy import PolicyContext, Rules, SocketAddressUse

# A small world, in which rules and addresses meet often.
IPS = [
    *("0.0.0.0", "127.0.0.1", "127.0.0.2", "10.0.0.1", "10.0.0.2", "10.9.9.9", "169.254.1.1", "224.0.0.1", "8.8.8.8"),
    *("::", "::1", "fd00::1", "fe80::1", "ff02::1", "2001:db8::1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::10.0.0.1"),
    *("64:ff9b::a00:1", "64:ff9b::808:808", "64:ff9b::7f00:1", "2002:a00:1::1", "2606:4700::1"),
]
CARRIED = {
    "64:ff9b::a00:1": "10.0.0.1",
    "64:ff9b::808:808": "8.8.8.8",
    "64:ff9b::7f00:1": "127.0.0.1",
    "2002:a00:1::1": "10.0.0.1",
}
PUBLIC = {"8.8.8.8", "64:ff9b::808:808", "2606:4700::1"}
LOOPBACK = {"127.0.0.1", "127.0.0.2", "::1"}
NOT_BY_NAME = {*LOOPBACK, "0.0.0.0", "169.254.1.1", "::", "fe80::1", "64:ff9b::7f00:1"}
HOSTS = ["*", "loopback", "private", "link-local", "multicast", "public"]
HOSTS += ["0.0.0.0", "127.0.0.1", "10.0.0.1", "10.0.0.0/8", "10.0.0.0/31", "0.0.0.0/0", "8.8.8.8"]
HOSTS += ["[::]", "[::1]", "[::/0]", "[fd00::/8]", "[2001:db8::/32]"]
NAMES = ["db", "a.test", "b.a.test", "localhost", "a.localhost"]
PATTERNS = [*NAMES, "*.test", "*.a.test", "*.localhost"]
PORTS = [0, 1, 79, 80, 81, 65535]
PORT_TEXTS = {"*": (0, 65535), "80": (80, 80), "79-81": (79, 81), "1-65535": (1, 65535), "81-81": (81, 81)}
TARGETS = ["127.0.0.1:80", "10.0.0.1:81", "8.8.8.8:80", "[::1]:80", "[2001:db8::1]:1"]
RANGES = {  # the sets, by hand: family, first and last address
    "loopback": [(4, "127.0.0.0", "127.255.255.255"), (6, "::1", "::1")],
    "private": [
        (4, "10.0.0.0", "10.255.255.255"),
        (4, "172.16.0.0", "172.31.255.255"),
        (4, "192.168.0.0", "192.168.255.255"),
        (6, "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ],
    "link-local": [(4, "169.254.0.0", "169.254.255.255"), (6, "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff")],
    "multicast": [(4, "224.0.0.0", "239.255.255.255"), (6, "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")],
}


@dataclass
class Written:
    """A rule in its parts."""

    denies: bool
    scheme: str
    host: str
    port: str
    peers: str | None
    target: str | None

    def __str__(self) -> str:
        text = f"{'deny ' if self.denies else ''}{self.scheme}://{self.host}:{self.port}"
        text += f" from={self.peers}" if self.peers else ""
        return text + (f" -> {self.target}" if self.target else "")


def parsed(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return Address(ip_address(host.strip("[]")), int(port))


def ranges(host: str) -> list[tuple[int, int, int]]:
    """Family, first and last address as integers, of a host that is no name."""
    if host in ("*", "public"):
        return [(4, 0, 2**32 - 1), (6, 0, 2**128 - 1)]
    if host in RANGES:
        return [(family, int(ip_address(first)), int(ip_address(last))) for family, first, last in RANGES[host]]
    network = ip_network(host.strip("[]"))
    return [(network.version, int(network[0]), int(network[-1]))]


def is_name(host: str) -> bool:
    return host in PATTERNS


def means(pattern: str, name: str) -> bool:
    return pattern in ("*", name) or (pattern.startswith("*.") and name.endswith(pattern[1:]))


def leads_to(pattern: str, name: str, ip: IpAddress) -> bool:
    """Whether a rule with a name goes by what a resolver gave."""
    if name.endswith("localhost"):
        return str(ip) in LOOPBACK
    return str(ip) in PUBLIC if pattern.startswith("*.") else str(ip) not in NOT_BY_NAME


def host_has(host: str, ip: IpAddress) -> bool:
    if host == "public":
        return str(ip) in PUBLIC
    return any(family == ip.version and first <= int(ip) <= last for family, first, last in ranges(host))


def host_is_for(host: str, family: int) -> bool:
    return is_name(host) or any(family == each for each, _, _ in ranges(host))


def denial_has(host: str, ip: IpAddress) -> bool:
    return host_has(host, ip) or host_has(host, ip_address(CARRIED.get(str(ip), str(ip))))


def rule_has(rule: Written, ip: IpAddress, names: Sequence[str], hosts: Sequence[str]) -> bool:
    if not is_name(rule.host):
        return host_has(rule.host, ip)
    meant = [name for name in names if means(rule.host, name)]
    return any(rule.target or name in hosts or leads_to(rule.host, name, ip) for name in meant)


def speaks(rule: Written, use: SocketAddressUse) -> bool:
    return rule.scheme in ("*", use.value[:3])


def port_has(rule: Written, port: int) -> bool:
    first, last = PORT_TEXTS[rule.port]
    return first <= port <= last


def plain(address: Address) -> Address:
    """An IPv4 address in IPv6 form is that IPv4 address."""
    ip = address.ip
    mapped = isinstance(ip, IPv6Address) and int(ip) >> 32 == 0xFFFF
    return Address(IPv4Address(int(ip) & 0xFFFFFFFF), address.port) if mapped else address


def goes_out(
    rules: Sequence[Written], peer: Address, names: Sequence[str], hosts: Sequence[str]
) -> tuple[bool, Address | None]:
    """Whether outbound rules allow a peer, and where that leads."""

    def is_denied(address: Address) -> bool:
        return any(r.denies and port_has(r, address.port) and denial_has(r.host, address.ip) for r in rules)

    matching = [r for r in rules if not r.denies and port_has(r, peer.port) and rule_has(r, peer.ip, names, hosts)]
    targets = {parsed(r.target) for r in matching if r.target}
    targets = {target for target in targets if target.ip.version == peer.ip.version}
    if is_denied(peer) or len(targets) > 1 or any(map(is_denied, targets)):
        return False, None
    if targets:
        return True, targets.pop()
    return any(not r.target for r in matching), None


def comes_in(rules: Sequence[Written], local: Address, peer: Address | None) -> bool:
    """Whether inbound rules allow a local address, and a peer there if there is one."""
    for r in rules:
        hears = (r.peers in (None, "*")) if peer is None else (r.peers is None or denial_has(r.peers, peer.ip))
        means_all = local.ip.is_unspecified and host_is_for(r.host, local.ip.version)
        if r.denies and hears and port_has(r, local.port) and (means_all or host_has(r.host, local.ip)):
            return False
    return any(
        not r.denies
        and port_has(r, local.port)
        and host_has(r.host, local.ip)
        and (peer is None or r.peers is None or host_has(r.peers, peer.ip))
        for r in rules
    )


def specified(
    outbound: Sequence[Written],
    inbound: Sequence[Written],
    use: SocketAddressUse,
    address: Address,
    local: Address,
    names: Sequence[str],
    hosts: Sequence[str],
) -> tuple[bool, Address | None]:
    """Whether the use is allowed, and where it leads instead."""
    address = plain(address)
    outbound = [rule for rule in outbound if speaks(rule, use)]
    inbound = [rule for rule in inbound if speaks(rule, use)]
    match use.value[4:]:
        case "connect" | "send":
            return goes_out(outbound, address, names, hosts)
        case "receive":
            replies = goes_out(outbound, address, names, hosts)
            return replies if replies[0] else (comes_in(inbound, local, address), None)
        case "accept":
            return comes_in(inbound, local, address), None
        case "listen":
            return comes_in(inbound, address, None), None
        case _:
            is_implicit = address.ip.is_unspecified and address.port == 0
            some_out = any(not rule.denies and host_is_for(rule.host, address.ip.version) for rule in outbound)
            return comes_in(inbound, address, None) or (is_implicit and some_out), None


ADDRESSES = st.builds(Address, st.sampled_from(IPS).map(ip_address), st.sampled_from(PORTS))
SCHEMES, PORT = st.sampled_from(["tcp", "udp", "*"]), st.sampled_from(list(PORT_TEXTS))
HOST, NOTHING = st.sampled_from(HOSTS), st.none()
DENIALS = st.builds(Written, st.just(True), SCHEMES, HOST, PORT, NOTHING, NOTHING)
OUT = st.builds(Written, st.just(False), SCHEMES, HOST | st.sampled_from(PATTERNS), PORT, NOTHING, NOTHING)
REWRITING = st.builds(
    Written, st.just(False), SCHEMES, HOST | st.sampled_from(PATTERNS), PORT, NOTHING, st.sampled_from(TARGETS)
).filter(lambda rule: host_is_for(rule.host, 6 if "[" in str(rule.target) else 4))
IN = st.builds(Written, st.booleans(), SCHEMES, HOST, PORT, NOTHING | HOST, NOTHING)
EXAMPLE = Written(False, "tcp", "db", "80", None, "127.0.0.1:80")
DENIED = Written(True, "tcp", "loopback", "80", None, None)
PEER, LOCAL = parsed("127.0.0.1:80"), parsed("0.0.0.0:0")


@pytest.mark.slow
@settings(max_examples=500)
@given(
    st.lists(DENIALS | OUT | REWRITING, max_size=6),
    st.lists(IN, max_size=6),
    st.sampled_from(list(SocketAddressUse)),
    ADDRESSES,
    ADDRESSES.filter(lambda address: plain(address) is address),
    st.lists(st.sampled_from(NAMES), unique=True, max_size=2),
    st.lists(st.sampled_from(NAMES), unique=True, max_size=2),
)
@example([EXAMPLE], [], SocketAddressUse.TCP_CONNECT, PEER, LOCAL, ["db"], [])
@example([EXAMPLE, DENIED], [], SocketAddressUse.TCP_CONNECT, PEER, LOCAL, ["db"], [])
def test_rules_do_what_the_specification_says(
    outbound: list[Written],
    inbound: list[Written],
    use: SocketAddressUse,
    address: Address,
    local: Address,
    names: list[str],
    hosts: list[str],
) -> None:
    rules = Rules(outbound=map(str, outbound), inbound=map(str, inbound))
    context = PolicyContext("guest", local, {plain(address).ip: tuple(names)}, hosts=hosts)
    verdict = rules(address, use, context)
    assert (verdict.allowed, verdict.target) == specified(outbound, inbound, use, address, local, names, hosts)


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([*PATTERNS, "*"])), max_size=5),
    st.lists(OUT | REWRITING, max_size=4),
    st.sampled_from([*NAMES, "other", "test"]),
)
def test_lookups_are_allowed_as_the_specification_says(
    resolve: list[tuple[bool, str]], outbound: list[Written], name: str
) -> None:
    rules = Rules(map(str, outbound), resolve=[f"deny {pattern}" if deny else pattern for deny, pattern in resolve])
    is_denied = any(deny and means(pattern, name) for deny, pattern in resolve)
    is_allowed = any(not deny and means(pattern, name) for deny, pattern in resolve)
    named = [rule for rule in outbound if is_name(rule.host) and means(rule.host, name)]
    verdict = rules.may_resolve(name, PolicyContext())
    assert verdict.allowed == (not is_denied and (is_allowed or bool(named)))
    targets = [parsed(rule.target) for rule in named if rule.target]
    assert verdict.target == (targets[0] if targets and not is_denied else None)
