"""The smallest rules that a run needs, learned from the decisions of one in which everything was allowed.

Theory of operation. Each thing that was asked about suggests a rule; of several suggestions only those stay without
which something would be refused. Suggestions are for addresses as they come again in the next run: by name where the
guest looked one up and a rule with that name would allow the address, and with `*` for ports that differ from run to
run, which are those that the system chose for the guest, and those of UDP peers that spoke first. As all rules allow,
any of them is enough.

For files there is a rule for each path and use, and one for all in a directory if that would be many; for requests one
for each URL, which brings the rules of the network along.

An address does not say which of its names the guest meant, so a use of it counts once for each name that the guest had
looked up by then: in the next run the names may have addresses of their own.
"""

from __future__ import annotations

import itertools
import shlex
from collections import defaultdict
from collections.abc import Iterable, Iterator, Set

from wasihost._base.frozen import Frozen
from wasihost._network.base import Address
from wasihost._policy.decisions import Decision, host_text
from wasihost._policy.learned_files import LearnedFiles
from wasihost._policy.learned_requests import LearnedRequests
from wasihost._policy.policy import NameUse, PolicyContext, SocketAddressUse, Use
from wasihost._policy.rules import Rules
from wasihost._policy.ruletext import WORDS

_BIND = (SocketAddressUse.TCP_BIND, SocketAddressUse.UDP_BIND)
_SEND = (SocketAddressUse.TCP_CONNECT, SocketAddressUse.UDP_SEND)
_PEER = (SocketAddressUse.TCP_ACCEPT, SocketAddressUse.UDP_RECEIVE)


class _Asked(Frozen):
    """A question to a policy."""

    use: Use
    address: Address | None
    name: str | None
    local: Address | None

    def is_allowed_by(self, rules: Rules, hosts: Set[str]) -> bool:
        if not isinstance(self.use, SocketAddressUse) or self.address is None:
            return rules.may_resolve(self.name or "", PolicyContext()).allowed
        names = () if self.name is None else (self.name,)
        context = PolicyContext(local=self.local, names={self.address.ip: names}, hosts=hosts)
        return rules(self.address, self.use, context).allowed


class _Suggestion(Frozen):
    """A rule; `port` 0 is any."""

    direction: str
    protocol: str
    host: str
    port: int

    @property
    def rules(self) -> Rules:
        return Rules(**{self.direction: [_text(self.protocol, self.host, str(self.port or "*"))]})


class Learner:
    """An `on_decision` for a run under `allow_all`; `rules` are those that the run needed so far."""

    def __init__(self) -> None:
        self._asked: dict[_Asked, None] = {}
        self._hosts: set[str] = set()
        self._sent_to: set[Address] = set()
        self._spoke_first: set[Address] = set()
        self._bound: set[Address] = set()
        self._local: set[tuple[str, Address]] = set()
        self._files = LearnedFiles()
        self._requests = LearnedRequests()

    def __call__(self, decision: Decision) -> None:
        """Learns from a decision."""
        use = decision.use
        address = decision.address
        if decision.path is not None:
            self._files.add(decision.path, use)
            return
        if decision.request is not None:
            self._requests.add(decision.request)
            return
        if use is NameUse.RESOLVE and decision.rule == "host_names":
            self._hosts.update(decision.names)
            return  # looking those up needs no rule
        if address is not None:
            if use in _BIND:
                self._bound.add(address)
            elif use is SocketAddressUse.UDP_SEND:
                self._sent_to.add(address)
            elif use is SocketAddressUse.UDP_RECEIVE and address not in self._sent_to:
                self._spoke_first.add(address)
            if use is SocketAddressUse.TCP_LISTEN or decision.local is not None:
                self._local.add((use.value[:3], decision.local or address))
        for name in decision.names or (None,):
            self._asked[_Asked(use, address, name, decision.local)] = None

    @property
    def rules(self) -> dict[str, list[str]]:
        """The arguments for `Rules`."""
        found: dict[str, list[str]] = {"outbound": [], "inbound": [], "resolve": []}
        for direction, text in _merged(self._needed()):
            found[direction].append(text)
        found["files"] = self._files.rules
        found["http"] = self._requests.rules
        return found

    @property
    def flags(self) -> str:
        """The options for `wasihost run`, as a shell reads them."""
        rules = ((f"--allow-{direction}", rule) for direction, rules in self.rules.items() for rule in rules)
        return shlex.join(itertools.chain.from_iterable(rules))

    def _needed(self) -> list[_Suggestion]:
        """Suggestions of which none can be left out; implicit binds come first, as other rules often allow them."""
        # The ports that the system chose: the guest listens there, and did not ask for that port.
        chosen = {(protocol, local.port) for protocol, local in self._local if local not in self._bound}
        suggestions = sorted({self._suggestion(asked, chosen) for asked in self._asked}, key=_rank)
        allows: dict[_Suggestion, set[_Asked]] = {}
        for suggestion in suggestions:
            rules = suggestion.rules
            allows[suggestion] = {asked for asked in self._asked if asked.is_allowed_by(rules, self._hosts)}
        allowed_by: dict[_Asked, int] = defaultdict(int)
        for asked in itertools.chain.from_iterable(allows.values()):
            allowed_by[asked] += 1
        needed = []
        for suggestion in suggestions:
            if any(allowed_by[asked] == 1 for asked in allows[suggestion]):
                needed.append(suggestion)
            else:
                for asked in allows[suggestion]:
                    allowed_by[asked] -= 1
        return needed

    def _suggestion(self, asked: _Asked, chosen: Set[tuple[str, int]]) -> _Suggestion:
        use = asked.use
        address = asked.address
        if address is None:
            return _Suggestion("resolve", "", asked.name or "", 0)
        protocol = use.value[:3]
        if use in _SEND:
            differs = (protocol, address.port) in chosen or address in self._spoke_first
            port = 0 if differs else address.port
            if asked.name is not None:
                by_name = _Suggestion("outbound", protocol, _host(asked.name), port)
                if asked.is_allowed_by(by_name.rules, self._hosts):
                    return by_name
            return _Suggestion("outbound", protocol, host_text(address.ip), port)
        local = asked.local if use in _PEER and asked.local is not None else address
        return _Suggestion("inbound", protocol, host_text(local.ip), local.port if local in self._bound else 0)


def _rank(suggestion: _Suggestion) -> tuple[bool, bool, str, str, int]:
    """The order in which rules are tried to be left out: binds, then single ports beside any port."""
    return suggestion.direction != "inbound", not suggestion.port, suggestion.host, suggestion.protocol, suggestion.port


def _host(name: str) -> str:
    """A name as rules have it."""
    return f"{name}." if name in WORDS else name


def _text(protocol: str, host: str, ports: str) -> str:
    return f"{protocol}://{host}:{ports}" if protocol else host


def _merged(suggestions: Iterable[_Suggestion]) -> Iterator[tuple[str, str]]:
    """Each direction and rule: ports in a row are a range, and `*` is TCP and UDP."""
    ports: dict[tuple[str, str, str], set[int]] = defaultdict(set)
    for each in suggestions:
        ports[each.direction, each.host, each.protocol].add(each.port)
    protocols: dict[tuple[str, str, int, str], set[str]] = defaultdict(set)
    for (direction, host, protocol), numbers in ports.items():
        for first, text in _ranges(sorted(numbers)):
            protocols[direction, host, first, text].add(protocol)
    for (direction, host, _, text), several in sorted(protocols.items()):
        yield direction, _text("*" if len(several) == 2 else next(iter(several)), host, text)


def _ranges(ports: list[int]) -> Iterator[tuple[int, str]]:
    """The first of each run of ports, and its text."""
    for _, run in itertools.groupby(enumerate(ports), key=lambda pair: pair[1] - pair[0]):
        numbers = [port for _, port in run]
        first = numbers[0]
        last = numbers[-1]
        yield first, "*" if not first else str(first) if first == last else f"{first}-{last}"
