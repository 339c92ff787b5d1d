"""Policies made of rules.

    Rules(
        outbound=["tcp://api.example.com:443", "tcp://10.0.0.0/8:5432", "deny tcp://10.0.0.1:*"],
        inbound=["tcp://127.0.0.1:8000-8099 from=loopback"],
        resolve=["*.example.org", "deny internal.example.org"],
        files=["read /data/**", "write /data/out/**", "deny **/.git/**"],
        http=["GET https://api.example.com/v1/*", "deny https://api.example.com/v1/admin/*"],
    )

`ruletext` has the grammar, `filerules` that of files, `httprules` that of requests. In each of the five lists, a rule
that denies wins over all that allow. Without rules for files guests may use all that they are given.

| use | `Rules` allow it when |
|---|---|
| TCP_CONNECT, UDP_SEND | an outbound rule matches the peer |
| TCP_BIND, UDP_BIND | an inbound rule matches the address, or see below |
| TCP_LISTEN | an inbound rule matches the address |
| TCP_ACCEPT | an inbound rule matches where the socket listens, and the peer is among its `from=` |
| UDP_RECEIVE | the same of the socket and the sender; or an outbound rule matches the sender: a reply |
| looking up a name | a resolve rule matches it, or the name of an outbound rule does |
| TCP_CONNECT and the lookup for a request of `wasi:http` | as above, or a rule allows the request, see `httprules` |

Rules count for their own protocol only. A UDP server that is to answer needs an outbound rule for those it answers, and
a UDP socket may be connected to any peer that it may send to or receive from.

An implicit bind, of TCP's connect and listen and UDP's connect and send, asks about `0.0.0.0:0` or `[::]:0`. That
address is allowed, also to an explicit bind, when there is an outbound rule for its family: nothing can come in that
way, since listening there is asked about again, and so is every sender. In a rule `0.0.0.0` and `[::]` mean just that
address; to let a guest listen on all interfaces and on any one of them, say `*`. A rule that denies an address denies
binding all of them at once, too.

An outbound rule with a name matches an address only if this guest looked the name up and got it, whatever the name
means elsewhere. So there are no such rules that deny, as an address can be had without its name: deny the name
under `resolve`, or the address. Among the answers of a resolver, a rule with a name reaches no address of this machine,
and a wildcard only public addresses; `reach` says which.

A rule that rewrites comes before those that do not, and is for addresses of its target's family. Rules that deny are
asked about its target too. A name that is rewritten needs no resolver: unless `hosts` has it, guests get the IP
address of its target, and only rules that rewrite match that by the name. Where two such rules send the same address to
different targets it is refused: give each name an address of its own in `hosts`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import IPv6Address
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from wasihost._base.errors import RuleError
from wasihost._network.base import WILDCARD, Address, IpAddress
from wasihost._policy.filerules import FileRules, parse_file_rule
from wasihost._policy.policy import REFUSED, FilePolicy, PolicyContext, RequestPolicy, SocketAddressUse, Verdict
from wasihost._policy.reach import carried_ip, may_lead_to
from wasihost._policy.ruletext import Hosts, Rule, name_matches, parse_name_rule, parse_rule

if TYPE_CHECKING:
    from wasihost._policy.httprules import HttpRules

T = TypeVar("T")
_Judge: TypeAlias = Callable[[Address, PolicyContext], Verdict | None]


class Rules:
    """A policy made of rules; raises `RuleError` for one that cannot be understood.

    `files` may also be a callable `(path, use, context) -> bool`, and `http` one `(request, context) -> bool`; either
    may be async.
    """

    def __init__(
        self,
        outbound: Iterable[str] = (),
        inbound: Iterable[str] = (),
        resolve: Iterable[str] = (),
        files: Iterable[str] | FilePolicy = (),
        http: Iterable[str] | RequestPolicy = (),
    ) -> None:
        outbound = _kept(outbound)
        inbound = _kept(inbound)
        resolve = _kept(resolve)
        files = _kept(files)
        http = _kept(http)
        self._given = {"outbound": outbound, "inbound": inbound, "resolve": resolve, "files": files, "http": http}
        out_rules = _parse_all("outbound", outbound, lambda rule: parse_rule(rule, "outbound"))
        in_rules = _parse_all("inbound", inbound, lambda rule: parse_rule(rule, "inbound"))
        names = _parse_all("resolve", resolve, parse_name_rule)
        self._files = files if callable(files) else _file_rules(files)
        self._http = None if callable(http) else _http_rules(http)
        self._requests = http if callable(http) else self._http
        self._denied_names = [(rule.name, Verdict(False, rule.text)) for rule in names if rule.denies]
        # Those that rewrite come first: they know an address for the name.
        self._names = [
            *((rule.hosts.name, Verdict(True, rule.text, rule.target)) for rule in out_rules if rule.target),
            *((rule.name, Verdict(True, rule.text)) for rule in names if not rule.denies),
            *((rule.hosts.name, Verdict(True, rule.text)) for rule in out_rules),
        ]
        self._judges: dict[SocketAddressUse, tuple[_Judge, ...]] = {}
        for protocol in ("tcp", "udp"):
            outgoing = _Outbound(out_rules, protocol, self._of_request)
            incoming = _Inbound(in_rules, protocol)
            for use in SocketAddressUse:
                if use.value.startswith(protocol):
                    self._judges[use] = _judges(use, outgoing, incoming)

    def __repr__(self) -> str:
        return f"Rules({', '.join(f'{name}={rules!r}' for name, rules in self._given.items() if rules)})"

    def __call__(self, address: Address, use: SocketAddressUse, context: PolicyContext) -> Verdict:
        """Whether these rules allow the use; see the table at the top of this module."""
        address = _plain(address)
        refusal = REFUSED
        for judge in self._judges[use]:
            verdict = judge(address, context)
            if verdict is not None:
                if verdict.allowed:
                    return verdict
                if refusal is REFUSED:
                    refusal = verdict
        return refusal

    @property
    def may_use_file(self) -> FilePolicy | None:
        """The rules for files: a callable `(path, use, context)`; None if there are none."""
        return self._files

    def may_resolve(self, name: str, context: PolicyContext) -> Verdict:
        """Whether these rules allow to look up a name, given in ASCII."""
        name = name.removesuffix(".")
        for pattern, verdict in (*self._denied_names, *self._names):
            if pattern is not None and name_matches(pattern, name):
                return verdict
        for rule in self._of_request(context):
            if rule.hosts.name is not None and name_matches(rule.hosts.name, name):
                return Verdict(True, rule.text)
        return REFUSED

    @property
    def may_request(self) -> RequestPolicy | None:
        """The rules for requests: a callable `(request, context)`; None if there are none."""
        return self._requests

    def _of_request(self, context: PolicyContext) -> Iterable[Rule]:
        """The outbound rules that a context has on account of its request."""
        return () if context.request is None or self._http is None else self._http.outbound(context.request)


def _plain(address: Address) -> Address:
    """An IPv4 address in IPv6 form is judged as the IPv4 address, although no socket takes one."""
    ip = address.ip
    if isinstance(ip, IPv6Address) and (mapped := ip.ipv4_mapped) is not None:
        return Address(mapped, address.port)
    return address


def _judges(use: SocketAddressUse, outgoing: _Outbound, incoming: _Inbound) -> tuple[_Judge, ...]:
    """The judges of a use; one that allows it is enough."""
    match use:
        case SocketAddressUse.TCP_CONNECT | SocketAddressUse.UDP_SEND:
            return (outgoing.peer,)
        case SocketAddressUse.TCP_BIND | SocketAddressUse.UDP_BIND:
            return (incoming.local, outgoing.implicit_bind)
        case SocketAddressUse.TCP_LISTEN:
            return (incoming.local,)
        case SocketAddressUse.TCP_ACCEPT:
            return (incoming.peer,)
        case SocketAddressUse.UDP_RECEIVE:
            return (outgoing.peer, incoming.peer)


class _Direction:
    """The rules of one list for one protocol, each with the verdict that it gives."""

    def __init__(self, rules: Iterable[Rule], protocol: str) -> None:
        mine = [
            (rule, Verdict(not rule.denies, rule.text, rule.target)) for rule in rules if protocol in rule.protocols
        ]
        self._deny = [pair for pair in mine if pair[0].denies]
        self._rewrite = [pair for pair in mine if pair[0].target is not None]
        self._allow = [pair for pair in mine if not pair[0].denies and pair[0].target is None]


class _Outbound(_Direction):
    def __init__(
        self, rules: Iterable[Rule], protocol: str, of_request: Callable[[PolicyContext], Iterable[Rule]]
    ) -> None:
        super().__init__(rules, protocol)
        self._of_request = of_request

    def peer(self, address: Address, context: PolicyContext) -> Verdict | None:
        denial = self._denial(address)
        if denial is not None:
            return denial
        if self._rewrite and (rewritten := self._rewritten(address, context)) is not None:
            return rewritten
        for rule, verdict in self._allow:
            if _matches(rule, address, context):
                return verdict
        for rule in self._of_request(context):
            if _matches(rule, address, context):
                return Verdict(True, rule.text)
        return None

    def _denial(self, address: Address) -> Verdict | None:
        for rule, verdict in self._deny:
            if address.port in rule.ports and _has_either(rule.hosts, address.ip):
                return verdict
        return None

    def _rewritten(self, address: Address, context: PolicyContext) -> Verdict | None:
        found: Verdict | None = None
        for rule, verdict in self._rewrite:
            target = rule.target
            if target is None or target.ip.version != address.ip.version or not _matches(rule, address, context):
                continue
            if found is None:
                denial = self._denial(target)
                found = verdict if denial is None else denial
            elif verdict.target != found.target and found.allowed:
                return Verdict(False, f"the conflict of {found.rule} with {verdict.rule}")
        return found

    def implicit_bind(self, address: Address, context: PolicyContext) -> Verdict | None:
        family = address.ip.version
        if (address.ip, address.port) != _WILDCARD[family]:
            return None
        for rule, verdict in (*self._rewrite, *self._allow):
            if rule.hosts.is_for(family):
                return Verdict(True, verdict.rule)
        return None


class _Inbound(_Direction):
    def local(self, address: Address, context: PolicyContext) -> Verdict | None:
        for rule, verdict in self._deny:
            if rule.peers is None and _covers(rule, address):
                return verdict
        for rule, verdict in self._allow:
            if address.port in rule.ports and rule.hosts.has(address.ip):
                return verdict
        return None

    def peer(self, address: Address, context: PolicyContext) -> Verdict | None:
        local = context.local
        ip = address.ip
        if local is None:
            return None  # it is not clear which rule is meant
        for rule, verdict in self._deny:
            if _covers(rule, local) and (rule.peers is None or _has_either(rule.peers, ip)):
                return verdict
        for rule, verdict in self._allow:
            if (rule.peers is None or rule.peers.has(ip)) and local.port in rule.ports and rule.hosts.has(local.ip):
                return verdict
        return None


def _matches(rule: Rule, address: Address, context: PolicyContext) -> bool:
    if address.port not in rule.ports:
        return False
    name = rule.hosts.name
    ip = address.ip
    if name is None:
        return rule.hosts.has(ip)
    if rule.target is not None:  # the traffic does not go to the address of the name
        return any(name_matches(name, known) for known in (*context.names_of(ip), *context.rewritten_names_of(ip)))
    return any(
        name_matches(name, known) and (context.is_in_host_names(known) or may_lead_to(name, known, ip))
        for known in context.names_of(ip)
    )


def _has_either(hosts: Hosts, ip: IpAddress) -> bool:
    """Whether the address, or the IPv4 one to which an IPv6 one leads, is among the hosts."""
    return hosts.has(ip) or (ip.version == 6 and hosts.has(carried_ip(ip)))


def _covers(rule: Rule, local: Address) -> bool:
    """Whether a rule matches a local address, or one of those that a wildcard address includes."""
    hosts = rule.hosts
    ip = local.ip
    return local.port in rule.ports and (hosts.is_for(ip.version) if ip.is_unspecified else hosts.has(ip))


_WILDCARD = {family: (address.ip, address.port) for family, address in WILDCARD.items()}


def _kept(rules: Any) -> Any:
    """Rules that can be read more than once."""
    return rules if callable(rules) or isinstance(rules, str) else list(rules)


def _file_rules(rules: Iterable[str]) -> FileRules | None:
    parsed = _parse_all("files", rules, parse_file_rule)
    return FileRules(parsed) if parsed else None


def _http_rules(rules: Iterable[str]) -> HttpRules | None:
    if not rules:
        return None
    from wasihost._policy.httprules import HttpRules, parse_http_rule  # for those who have any

    return HttpRules(_parse_all("http", rules, parse_http_rule))


def _parse_all(parameter: str, rules: Iterable[str], parse: Callable[[str], T]) -> list[T]:
    if isinstance(rules, str):
        raise RuleError(f"{parameter}={rules!r}: expected a list of rules, such as [{rules!r}]")
    return [parse(rule) for rule in rules]
