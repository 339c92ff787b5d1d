"""The names that one guest looked up, with their addresses, for rules with names."""

from __future__ import annotations

from collections.abc import Iterable

from wasihost._network.base import IpAddress

_MOST_ADDRESSES = 4096
_MOST_NAMES = 64


class KnownNames:
    """The names for which a guest got an address, the latest last.

    `names` has them where it is an address of the name, by `hosts` or a resolver, and `targets` where it is the address
    to which a policy rewrites the name. `hosts` are the names that the embedder's `hosts` answered.

    It remembers a bounded number of addresses, and of names of each, so that a guest cannot fill the memory of the
    host. A forgotten name counts as one never looked up.
    """

    def __init__(self) -> None:
        self.names: dict[IpAddress, tuple[str, ...]] = {}
        self.targets: dict[IpAddress, tuple[str, ...]] = {}
        self.hosts: set[str] = set()

    def add(self, name: str, addresses: Iterable[IpAddress], from_hosts: bool = False) -> None:
        """Adds addresses that the guest got for a name in ASCII."""
        if from_hosts:
            self.hosts.add(name.removesuffix("."))
        _note(self.names, name, addresses)

    def add_target(self, name: str, ip: IpAddress) -> None:
        """Adds the address to which a policy rewrites a name in ASCII."""
        _note(self.targets, name, [ip])


def _note(names: dict[IpAddress, tuple[str, ...]], name: str, addresses: Iterable[IpAddress]) -> None:
    name = name.removesuffix(".")
    for ip in addresses:
        others = [other for other in names.pop(ip, ()) if other != name]
        names[ip] = (*others[1 - _MOST_NAMES :], name)
    while len(names) > _MOST_ADDRESSES:
        del names[next(iter(names))]
