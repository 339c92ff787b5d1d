"""Host names: their form in ASCII, addresses written out, and resolvers.

A resolver is any callable from a name in ASCII to its addresses, best first:

    def resolver(name: str) -> list[str]: ...          # called in a thread, so it may block
    async def resolver(name: str) -> list[str]: ...    # on the event loop

It gives addresses as text or as objects of `ipaddress`, one or any number. For a name that it does not know it gives
none, or raises `socket.gaierror`: EAI_NONAME for no such name, EAI_AGAIN for a failure that may pass, EAI_FAIL for one
that will not.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TypeAlias

from wasihost._base.errors import ConfigError
from wasihost._network.base import IpAddress
from wasihost._network.lookups import LookupThreads

Addresses: TypeAlias = "str | IpAddress | Iterable[str | IpAddress]"
"""One address or several, as text or not."""
Resolver: TypeAlias = Callable[[str], "Addresses | Awaitable[Addresses]"]

# ---- the form of a name

# Texts: `re` compiles and keeps them when they are first used, not whenever this is imported.
_DOTS = "[.\u3002\uff0e\uff61]"  # RFC 3490, section 3.1
_LABEL = r"(?a:[a-z0-9_-]{1,63})"
_MAX_NAME = 253
_MAX_TEXT = 1000  # far more than fits into a name; the time that Punycode takes is the square of it
_NUMBER = "[0-9]+|0x[0-9a-f]*"  # inet_aton(3) takes it for an address or its end
# IDNA 2003 would write these two as other letters, which are other names by now (RFC 5894, section 7.2).
_KEPT = "([ßς])"


def literal(text: str) -> IpAddress | None:
    """The address that `127.0.0.1`, `::1` or `[::1]` is; None: it is none."""
    if text.startswith("[") and text.endswith("]"):
        return _parsed(IPv6Address, text[1:-1])
    return _parsed(ip_address, text)


def _parsed(parse: Callable[[str], IpAddress], text: str) -> IpAddress | None:
    try:
        found = parse(text)
    except ValueError:
        return None
    return None if "%" in text else canonical(found)  # WASI has no place for a scope here


def canonical(address: IpAddress) -> IpAddress:
    """The address itself, or the IPv4 one that it means."""
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def is_localhost(name: str) -> bool:
    """Whether a name in ASCII is `localhost` or below it, which no server of names is asked about (RFC 6761, 6.3)."""
    return f".{name.removesuffix('.')}".endswith(".localhost")


def ascii_name(name: str) -> str:
    """A host name in lower-case ASCII, other letters in Punycode; a dot at its end stays. ValueError: it is none.

    IDNA as the standard library has it, RFC 3490 of 2003, but for ß and ς, which stay as they are since 2008.
    Letters, digits, hyphens and underscores are valid. A name whose last label is a number would be an address to some.
    """
    labels = re.split(_DOTS, name)
    end = "." if len(labels) > 1 and not labels[-1] else ""
    encoded = _ascii_labels(labels[:-1] if end else labels) if len(name) <= _MAX_TEXT else [""]
    found = ".".join(encoded)
    are_labels = all(re.fullmatch(_LABEL, label) for label in encoded)
    if len(found) > _MAX_NAME or not are_labels or re.fullmatch(_NUMBER, encoded[-1]):
        raise ValueError(f"{name!r} is not a host name")
    return found + end


def _ascii_labels(labels: list[str]) -> list[str]:
    """The labels in ASCII; one that is empty if a letter is forbidden (RFC 3491)."""
    try:
        return [_ascii_label(label) for label in labels]
    except UnicodeError:
        return [""]


def _ascii_label(label: str) -> str:
    if label.isascii():
        return label.lower()
    from encodings.idna import nameprep  # its tables are large, and most names are ASCII

    prepared = "".join(part if re.fullmatch(_KEPT, part) else nameprep(part) for part in re.split(_KEPT, label))
    return prepared if prepared.isascii() else "xn--" + prepared.encode("punycode").decode()


# ---- resolvers


class Names:
    """Name lookup for one guest: `hosts` first, as `parse_hosts` returns them, then the resolver."""

    def __init__(self, resolver: Resolver, hosts: Mapping[str, Sequence[IpAddress]] | None = None) -> None:
        self._resolver = resolver
        self._waits = any(map(inspect.iscoroutinefunction, (resolver, type(resolver).__call__)))
        self._hosts = hosts or {}
        self._threads = LookupThreads()

    def known(self, name: str) -> Sequence[IpAddress]:
        """The addresses that `hosts` has; none if it has none."""
        return self._hosts.get(name.removesuffix("."), ())

    async def resolve(self, name: str) -> list[IpAddress]:
        """The addresses that the resolver gives, each once, never an IPv4 one in IPv6 form."""
        if self._waits:
            answer = self._resolver(name)
        else:
            answer = await self._threads.run(self._resolver, name)
        return parse_addresses(await answer if inspect.isawaitable(answer) else answer)


def parse_addresses(addresses: Addresses) -> list[IpAddress]:
    """One address or several as a list without doubles. ValueError: something is not an address."""
    several = [addresses] if isinstance(addresses, str | IPv4Address | IPv6Address) else addresses
    return list(dict.fromkeys(canonical(ip_address(str(address).partition("%")[0])) for address in several))


def parse_hosts(hosts: Mapping[str, Addresses] | None) -> dict[str, list[IpAddress]]:
    """The addresses of each name in ASCII. Errors: ConfigError."""
    return dict(_host(name, addresses) for name, addresses in (hosts or {}).items())


def _host(name: str, addresses: Addresses) -> tuple[str, list[IpAddress]]:
    try:
        host = ascii_name(name).removesuffix(".")
        found = parse_addresses(addresses)
    except ValueError as error:
        raise ConfigError(f"host_names: {name!r}: {error}") from None
    if not found:
        raise ConfigError(f"host_names: {name!r} has no address")
    return host, found
