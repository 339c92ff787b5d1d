"""The text of rules: their meaning, and the places of errors.

    [deny] SCHEME://HOST:PORT [from=HOST] [-> IP:PORT]

| part | is |
|---|---|
| `deny` | the rule refuses each match, and wins over every rule of its list that allows it |
| SCHEME | `tcp`, `udp`, or `*` for both |
| HOST | `10.0.0.1`, `[::1]`, a network such as `10.0.0.0/8` or `[fd00::/8]`, `*` for every address of both families, a set: `loopback`, `private`, `link-local`, `multicast` or `public`; and in outbound rules that allow a name, `db.example.com`, or `*.example.com` for all names below it |
| PORT | a number from 1 to 65535, a range `8000-8099`, or `*` |
| `from=` | inbound rules: only these peers, as HOST without names |
| `->` | outbound rules that allow: where the traffic goes instead |

The words of sets are no names: a host that is called `private` is written `private.`, with a dot at its end.

A rule for looking up names is `[deny] NAME`: a name, `*.example.org` for all names below example.org but not itself,
or `*` for every name.
"""  # noqa: E501, a row of a table

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Literal, TypeAlias

from wasihost._base.frozen import Frozen
from wasihost._network.base import Address, IpAddress
from wasihost._policy.parsing import RuleText, Word
from wasihost._policy.reach import LINK_LOCAL, LOOPBACK, MULTICAST, PRIVATE, IpNetwork, is_public

Direction: TypeAlias = Literal["outbound", "inbound"]

SETS: dict[str, tuple[str, ...]] = {
    "loopback": LOOPBACK,
    "private": PRIVATE,
    "link-local": LINK_LOCAL,
    "multicast": MULTICAST,
}
WORDS = (*SETS, "public")


class Hosts(Frozen):
    """The addresses that a HOST means: those of some networks, or those that a guest got for a name."""

    networks: tuple[IpNetwork, ...]
    name: str | None

    def has(self, ip: IpAddress) -> bool:
        """Whether the address is in one of the networks."""
        for network in self.networks:  # noqa: SIM110, for each datagram: any() takes twice as long
            if ip in network:
                return True
        return False

    def is_for(self, family: int) -> bool:
        """Whether any address of this family may be meant."""
        return self.name is not None or any(network.version == family for network in self.networks)


class _Public(Hosts):
    """The addresses that the whole Internet can reach."""

    def has(self, ip: IpAddress) -> bool:
        return is_public(ip)


class Rule(Frozen):
    """One parsed rule for addresses; `peers` None: whoever they are."""

    text: str
    denies: bool
    protocols: tuple[str, ...]
    hosts: Hosts
    ports: range
    peers: Hosts | None
    target: Address | None


class NameRule(Frozen):
    """One parsed rule for looking up names."""

    text: str
    denies: bool
    name: str


def name_matches(pattern: str, name: str) -> bool:
    """Whether a name is meant by `db.example.com`, `*.example.com` or `*`."""
    return pattern in (name, "*") or (pattern.startswith("*.") and name.endswith(pattern[1:]))


EVERYWHERE = Hosts((IPv4Network("0.0.0.0/0"), IPv6Network("::/0")), None)
PUBLIC = _Public(EVERYWHERE.networks, None)
# Texts: `re` compiles and keeps them when the first rule is read.
_SCHEMES = {"tcp": ("tcp",), "udp": ("udp",), "*": ("tcp", "udp")}
_IPV4 = r"(?a:[0-9.]+(/.*)?)"
_FORM = "tcp://HOST:PORT or udp://HOST:PORT"
_ADDRESS = f"an IP address (IPv6 in brackets), a network, *, {', '.join(WORDS)}"
_NAME = "a name, such as db.example.com, *.example.com or *"


def parse_rule(rule: str, direction: Direction) -> Rule:
    """Parses a rule for addresses. Errors: RuleError."""
    return _AddressText(rule, f"a rule such as {_FORM}").rule(direction)


def parse_name_rule(rule: str) -> NameRule:
    """Parses a rule for names, which are kept in the form in which they are compared. Errors: RuleError."""
    return _AddressText(rule, _NAME).name_rule()


class _AddressText(RuleText):
    """A rule for addresses or names on its way through the parser."""

    def rule(self, direction: Direction) -> Rule:
        denies = self.takes("deny")
        protocols, host, port = self._split(self.next(_FORM))
        hosts = self._hosts(host, names=direction == "outbound" and not denies)
        ports = self.ports(port)
        peers = self._peers(direction)
        target = self._target(direction, denies, hosts)
        self.end("'from=' or the end" if direction == "inbound" and peers is None else "the end")
        return Rule(self.text, denies, protocols, hosts, ports, None if peers is EVERYWHERE else peers, target)

    def name_rule(self) -> NameRule:
        denies = self.takes("deny")
        word = self.next(_NAME)
        name = "*" if word.text == "*" else self.name(word, _NAME)
        self.end("the end")
        return NameRule(self.text, denies, name)

    # ---- parts

    def _split(self, word: Word) -> tuple[tuple[str, ...], Word, Word]:
        """SCHEME, HOST and PORT."""
        scheme, separator, _ = word.text.partition("://")
        if not separator or scheme not in _SCHEMES:
            self.fail(word.before(word.text.find("//") + 2) if "//" in word.text else word, f"{_FORM}")
        rest = word.after(len(scheme) + 3)
        colon = rest.text.rfind(":")
        if colon < 0 or colon < rest.text.rfind("]"):
            self.fail(rest.after(len(rest.text)), "':' and a port")
        return _SCHEMES[scheme], rest.before(colon), rest.after(colon + 1)

    def _hosts(self, word: Word, names: bool) -> Hosts:
        text = word.text
        if text == "*":
            return EVERYWHERE
        if text == "public":
            return PUBLIC
        if text in SETS:
            return Hosts(tuple(map(ip_network, SETS[text])), None)
        network = _network(text)
        if network is not None:
            return Hosts((network,), None)
        meant = _meant(text)
        if meant is not None:
            self.fail(word, meant)
        if not names:
            self.fail(word, f"{_ADDRESS} (names are for outbound rules that allow)")
        if re.fullmatch(_IPV4, text) or text.startswith("["):
            self.fail(word, _ADDRESS)
        return Hosts((), self.name(word, f"{_ADDRESS}, a host name or *.example.com"))

    def _peers(self, direction: Direction) -> Hosts | None:
        if not (self.words and self.words[0].text.startswith("from=")):
            return None
        word = self.words.pop(0)
        if direction == "outbound":
            self.fail(word, "no 'from=', which is for inbound rules")
        return self._hosts(word.after(len("from=")), names=False)

    def _target(self, direction: Direction, denies: bool, hosts: Hosts) -> Address | None:
        if not (self.words and self.words[0].text == "->"):
            return None
        arrow = self.words.pop(0)
        if denies or direction == "inbound":
            self.fail(arrow, "no '->', which is for outbound rules that allow")
        word = self.next("IP:PORT")
        colon = word.text.rfind(":")
        if colon < 0 or colon < word.text.rfind("]"):
            self.fail(word.after(len(word.text)), "':' and a port")
        ip = _ip(word.text[:colon])
        if ip is None or ip.is_unspecified:
            self.fail(word.before(colon), "the IP address of a machine, IPv6 in brackets")
        if not hosts.is_for(ip.version):
            self.fail(word, f"an IPv{10 - ip.version} address, of the family that the rule is for")
        return Address(ip, self.port(word.after(colon + 1), "a number from 1 to 65535"))


# ---- addresses


def _network(host: str) -> IpNetwork | None:
    try:
        if not (host.startswith("[") and host.endswith("]")):
            return IPv4Network(host)
        network = IPv6Network(host[1:-1])
    except ValueError:
        return None
    # A scope is no part of the addresses that a policy sees, and guests get no IPv4 address in IPv6 form.
    return None if "%" in host or network.network_address.ipv4_mapped else network


def _ip(host: str) -> IPv4Address | IPv6Address | None:
    network = None if "/" in host else _network(host)
    return None if network is None else network.network_address


def _meant(host: str) -> str | None:
    """The probable intention behind a wrong host, if there is one."""
    text, slash, prefix = host.strip("[]").partition("/")
    try:
        network = ip_network(text.partition("%")[0] + slash + prefix, strict=False)
    except ValueError:
        return None
    if isinstance(network, IPv4Network):
        return _shown(network, slash)
    mapped = network.network_address.ipv4_mapped
    return str(mapped) if mapped else f"[{_shown(network, slash)}]"


def _shown(network: IpNetwork, slash: str) -> str:
    return str(network) if slash else str(network.network_address)
