"""Who may use which address: asked before every system call that names one. Without a policy everything is denied.

A policy is any callable `(address, use) -> bool`; it may be a coroutine function. `Rules` covers the usual cases:

    Rules(outbound=["tcp://10.0.0.0/8:443", "tcp://[::1]:*"], inbound=["tcp://127.0.0.1:8080"])

A rule is `tcp://HOST:PORT`. HOST is an IP address (IPv6 in brackets), a network in CIDR notation, or `*` for every
address of both families; names are not resolved. PORT is a number or `*`.

| use | address asked about | `Rules` allow it when |
|---|---|---|
| TCP_CONNECT | the peer | an outbound rule matches it |
| TCP_BIND | the local one, port 0 for any free port | an inbound rule matches it, or see below |
| TCP_LISTEN | the actual local one | an inbound rule matches it |
| TCP_ACCEPT | the peer | there is an inbound rule: who listens accepts from anybody |

An implicit bind, of connect or listen, asks for TCP_BIND of `0.0.0.0:0` or `[::]:0`. That address is allowed, also to
an explicit bind, when there is an outbound rule for its family: nobody can come in that way, since listening there is
asked about again. In a rule `0.0.0.0` and `[::]` mean just that address; to let a guest listen on all interfaces and
on any one of them, say `*`.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TypeAlias

from wasihost.errors import RuleError
from wasihost.frozen import Frozen
from wasihost.network.base import WILDCARD, Address, Family


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


def allow_all(address: Address, use: SocketAddressUse) -> bool:
    """The policy that allows everything."""
    return True


def deny_all(address: Address, use: SocketAddressUse) -> bool:
    """The policy that allows nothing; the default."""
    return False


class Rule(Frozen):
    """One parsed rule; None matches anything."""

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

    def __init__(self, outbound: Iterable[str] = (), inbound: Iterable[str] = ()) -> None:
        self._outbound = _parse_all("outbound", outbound)
        self._inbound = _parse_all("inbound", inbound)

    def __call__(self, address: Address, use: SocketAddressUse) -> bool:
        """Whether these rules allow the use; see the table at the top of this module."""
        match use:
            case SocketAddressUse.TCP_CONNECT:
                return _any_matches(self._outbound, address)
            case SocketAddressUse.TCP_BIND:
                return _any_matches(self._inbound, address) or self._is_for_connecting(address)
            case SocketAddressUse.TCP_LISTEN:
                return _any_matches(self._inbound, address)
            case SocketAddressUse.TCP_ACCEPT:
                return bool(self._inbound)
        return False

    def _is_for_connecting(self, address: Address) -> bool:
        family = address.ip.version
        return (address.ip, address.port) == _WILDCARD[family] and any(rule.is_for(family) for rule in self._outbound)


_WILDCARD = {family: (address.ip, address.port) for family, address in WILDCARD.items()}


def _any_matches(rules: tuple[Rule, ...], address: Address) -> bool:
    return any(rule.matches(address) for rule in rules)


# ---- parsing

_EXAMPLE = "tcp://127.0.0.1:8080, tcp://[::1]:*, tcp://10.0.0.0/8:443 or tcp://*:443"
_SCHEME = "tcp://"
_PORT = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)


def _parse_all(parameter: str, rules: Iterable[str]) -> tuple[Rule, ...]:
    if isinstance(rules, str):
        raise RuleError(f"{parameter}={rules!r}: expected a list of rules, such as [{rules!r}]")
    return tuple(parse_rule(rule) for rule in rules)


def parse_rule(rule: str) -> Rule:
    """The rule that `tcp://HOST:PORT` says; raises `RuleError` when it says none."""
    if not isinstance(rule, str):
        raise RuleError(f"rule {rule!r}: expected a string, such as {_EXAMPLE}")
    if not rule.startswith(_SCHEME):
        raise _error(rule, "beginning", 0, rule.partition("//")[0], f"{_SCHEME}HOST:PORT")
    host, colon, port = rule[len(_SCHEME) :].rpartition(":")
    if not colon or port.endswith("]"):
        raise _error(rule, "end", len(rule), "", "':' and a port")
    return Rule(_parse_host(rule, host), _parse_port(rule, port))


def _parse_host(rule: str, host: str) -> IPv4Network | IPv6Network | None:
    if host == "*":
        return None
    network = _network(host)
    if network is None:
        raise _error(rule, "host", len(_SCHEME), host, _expected_host(host))
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
