"""Who may use which address and hear of which name: asked before anything is done. Without a policy all is denied.

A policy is any callable `(address, use) -> bool`; it may be a coroutine function. If guests are to look up names it
also has a method `may_resolve(name) -> bool`, which may be one too. `Rules` covers the usual cases:

    Rules(
        outbound=["tcp://10.0.0.0/8:443", "udp://[::1]:*"],
        inbound=["tcp://127.0.0.1:8080"],
        resolve=["db.example.com", "*.example.org"],
    )

A rule for addresses is `tcp://HOST:PORT` or `udp://HOST:PORT`. HOST is an IP address (IPv6 in brackets), a network in
CIDR notation, or `*` for every address of both families; names are not resolved. PORT is a number or `*`.

| use | address asked about | `Rules` allow it when |
|---|---|---|
| TCP_CONNECT | the peer | an outbound rule matches it |
| TCP_BIND, UDP_BIND | the local one, port 0 for any free port | an inbound rule matches it, or see below |
| TCP_LISTEN | the actual local one | an inbound rule matches it |
| TCP_ACCEPT | the peer | there is an inbound rule: who listens accepts from anybody |
| UDP_SEND | the peer | an outbound rule matches it |
| UDP_RECEIVE | the sender | an outbound rule matches it: a reply; or there is an inbound rule: from anybody |

Rules count for their own protocol only. A UDP server that is to answer needs an outbound rule for those it answers, and
a UDP socket may be connected to whom it may send to or receive from.

An implicit bind, of TCP's connect and listen and UDP's connect and send, asks about `0.0.0.0:0` or `[::]:0`. That
address is allowed, also to an explicit bind, when there is an outbound rule for its family: nobody can come in that
way, since listening there is asked about again, and so is every sender. In a rule `0.0.0.0` and `[::]` mean just that
address; to let a guest listen on all interfaces and on any one of them, say `*`.

A rule for names is a name, `*.example.org` for all names below example.org but not itself, or `*` for every name. What
a name stands for is no permission to use it: addresses are asked about as always.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final, TypeAlias, TypeVar

from wasihost.errors import RuleError
from wasihost.frozen import Frozen
from wasihost.network.base import WILDCARD, Address, Family
from wasihost.network.names import ascii_name

T = TypeVar("T")


class SocketAddressUse(enum.Enum):
    """What an address is wanted for."""

    TCP_BIND = "tcp-bind"
    TCP_LISTEN = "tcp-listen"
    TCP_ACCEPT = "tcp-accept"
    TCP_CONNECT = "tcp-connect"
    UDP_BIND = "udp-bind"
    UDP_SEND = "udp-send"
    UDP_RECEIVE = "udp-receive"


Policy: TypeAlias = Callable[[Address, SocketAddressUse], bool | Awaitable[bool]]


class _AllowAll:
    def __call__(self, address: Address, use: SocketAddressUse) -> bool:
        return True

    def may_resolve(self, name: str) -> bool:
        return True


allow_all: Final = _AllowAll()
"""The policy that allows everything."""


def deny_all(address: Address, use: SocketAddressUse) -> bool:
    """The policy that allows nothing; the default."""
    return False


def ask_about_name(policy: Policy, name: str) -> bool | Awaitable[bool]:
    """A policy's answer about a name in ASCII; one that has no opinion of names refuses all."""
    may_resolve: Callable[[str], bool | Awaitable[bool]] | None = getattr(policy, "may_resolve", None)
    return may_resolve is not None and may_resolve(name)


class Rule(Frozen):
    """One parsed rule for addresses; None matches anything."""

    protocol: str
    network: IPv4Network | IPv6Network | None
    port: int | None

    def matches(self, address: Address) -> bool:
        """Whether the address is within this rule."""
        return self._has_port(address.port) and (self.network is None or address.ip in self.network)

    def is_for(self, family: Family) -> bool:
        """Whether any address of this family is within this rule."""
        return self.network is None or self.network.version == family

    def _has_port(self, port: int) -> bool:
        return self.port is None or self.port == port


class Rules:
    """A policy made of rules; raises `RuleError` for one that cannot be understood."""

    def __init__(self, outbound: Iterable[str] = (), inbound: Iterable[str] = (), resolve: Iterable[str] = ()) -> None:
        self._outbound = _by_protocol(_parse_all("outbound", outbound, parse_rule))
        self._inbound = _by_protocol(_parse_all("inbound", inbound, parse_rule))
        self._names = frozenset(_parse_all("resolve", resolve, parse_name_rule))

    def __call__(self, address: Address, use: SocketAddressUse) -> bool:
        """Whether these rules allow the use; see the table at the top of this module."""
        protocol = use.value[:3]
        outbound, inbound = self._outbound[protocol], self._inbound[protocol]
        match use:
            case SocketAddressUse.TCP_CONNECT | SocketAddressUse.UDP_SEND:
                return _any_matches(outbound, address)
            case SocketAddressUse.TCP_BIND | SocketAddressUse.UDP_BIND:
                return _any_matches(inbound, address) or _is_implicit_bind(address, outbound)
            case SocketAddressUse.TCP_LISTEN:
                return _any_matches(inbound, address)
            case SocketAddressUse.TCP_ACCEPT:
                return bool(inbound)
            case SocketAddressUse.UDP_RECEIVE:
                return bool(inbound) or _any_matches(outbound, address)

    def may_resolve(self, name: str) -> bool:
        """Whether these rules allow to look up a name, given in ASCII."""
        labels = name.removesuffix(".").split(".")
        above = (".".join(["*", *labels[i:]]) for i in range(1, len(labels) + 1))
        return ".".join(labels) in self._names or any(rule in self._names for rule in above)


def _is_implicit_bind(address: Address, outbound: tuple[Rule, ...]) -> bool:
    family = address.ip.version
    return (address.ip, address.port) == _WILDCARD[family] and any(rule.is_for(family) for rule in outbound)


def _by_protocol(rules: tuple[Rule, ...]) -> dict[str, tuple[Rule, ...]]:
    return {protocol: tuple(rule for rule in rules if rule.protocol == protocol) for protocol in _PROTOCOLS}


_WILDCARD = {family: (address.ip, address.port) for family, address in WILDCARD.items()}


def _any_matches(rules: tuple[Rule, ...], address: Address) -> bool:
    return any(rule.matches(address) for rule in rules)


# ---- parsing

_EXAMPLE = "tcp://127.0.0.1:8080, tcp://[::1]:*, udp://10.0.0.0/8:53 or tcp://*:443"
_NAME_EXAMPLE = "db.example.com, *.example.com or *"
_PROTOCOLS = ("tcp", "udp")
_HOST = len("tcp://")
_PORT = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)


def _parse_all(parameter: str, rules: Iterable[str], parse: Callable[[str], T]) -> tuple[T, ...]:
    if isinstance(rules, str):
        raise RuleError(f"{parameter}={rules!r}: expected a list of rules, such as [{rules!r}]")
    return tuple(parse(rule) for rule in rules)


def parse_rule(rule: str) -> Rule:
    """The rule that `tcp://HOST:PORT` or `udp://HOST:PORT` says; raises `RuleError` when it says none."""
    if not isinstance(rule, str):
        raise RuleError(f"rule {rule!r}: expected a string, such as {_EXAMPLE}")
    protocol = rule[:3]
    if protocol not in _PROTOCOLS or rule[3:_HOST] != "://":
        raise _error(rule, "beginning", 0, rule.partition("//")[0], "tcp://HOST:PORT or udp://HOST:PORT")
    host, colon, port = rule[_HOST:].rpartition(":")
    if not colon or port.endswith("]"):
        raise _error(rule, "end", len(rule), "", "':' and a port")
    return Rule(protocol, _parse_host(rule, host), _parse_port(rule, port))


def _parse_host(rule: str, host: str) -> IPv4Network | IPv6Network | None:
    if host == "*":
        return None
    network = _network(host)
    if network is None:
        raise _error(rule, "host", _HOST, host, _expected_host(host))
    return network


def _network(host: str) -> IPv4Network | IPv6Network | None:
    try:
        if not (host.startswith("[") and host.endswith("]")):
            return IPv4Network(host)
        network = IPv6Network(host[1:-1])
    except ValueError:
        return None
    # A scope is no part of the addresses that a policy sees, and guests get no IPv4 address in IPv6 form.
    return None if "%" in host or network.network_address.ipv4_mapped else network


def _expected_host(host: str) -> str:
    """What to write for a host that is wrong: the right form where it can be guessed."""
    text, slash, prefix = host.strip("[]").partition("/")
    try:
        network = ip_network(text.partition("%")[0] + slash + prefix, strict=False)
    except ValueError:
        return "an IPv4 address, an IPv6 address in brackets, a network or *"
    if isinstance(network, IPv4Network):
        return _shown(network, slash)
    mapped = network.network_address.ipv4_mapped
    return str(mapped) if mapped else f"[{_shown(network, slash)}]"


def _shown(network: IPv4Network | IPv6Network, slash: str) -> str:
    return str(network) if slash else str(network.network_address)


def _parse_port(rule: str, port: str) -> int | None:
    if port == "*":
        return None
    if _PORT.fullmatch(port) and int(port) <= 0xFFFF:
        return int(port)
    expected = "* for any free port" if port == "0" else "a number from 1 to 65535, or *"
    raise _error(rule, "port", len(rule) - len(port), port, expected)


def _error(rule: str, part: str, position: int, found: str, expected: str) -> RuleError:
    where = f"{part} {found!r} at position {position}"
    return RuleError(f"rule {rule!r}: {where}: expected {expected}; for example {_EXAMPLE}")


def parse_name_rule(rule: str) -> str:
    """A rule for names in the form in which names are compared; raises `RuleError` when it is none."""
    expected = f"expected a name, such as {_NAME_EXAMPLE}"
    if not isinstance(rule, str):
        raise RuleError(f"rule {rule!r}: {expected}")
    if rule == "*":
        return rule
    below, name = ("*.", rule[2:]) if rule.startswith("*.") else ("", rule)
    try:
        return below + ascii_name(name).removesuffix(".")
    except ValueError:
        raise RuleError(f"rule {rule!r}: {expected}") from None
