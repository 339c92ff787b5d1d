"""A policy's decision, as an event, with the option that would allow a refused use."""

from __future__ import annotations

from wasihost._base.frozen import Frozen
from wasihost._base.globs import literal
from wasihost._base.quoting import line
from wasihost._network.base import Address, IpAddress
from wasihost._policy.policy import FileUse, HttpUse, NameUse, SocketAddressUse, Use
from wasihost._policy.reach import may_lead_to


class Decision(Frozen):
    """An event: the decision of a policy. `str()` gives it in a line.

    `address` is None for a lookup and for a file, whose `path` it has. `names` are those for which the guest was told
    the address, for a lookup the one name; where no rule allows the address, without those that are rewritten, as a
    rule could not allow it by them.
    `rule` is the text of the rule, or the name of another part, that decided; None if no rule allows it. `request` is
    the method and URL of the request that is meant, or for which the name or address is wanted.
    """

    use: Use
    address: Address | None
    allowed: bool
    names: tuple[str, ...] = ()
    rule: str | None = None
    target: Address | None = None
    guest: str = ""
    local: Address | None = None
    path: str | None = None
    request: str | None = None

    @property
    def flag(self) -> str:
        """The option of `wasihost run` that allows this, unless another rule denies it."""
        import shlex  # only for refusals

        direction, rule = self._rule
        return f"--allow-{direction} {shlex.quote(rule)}"

    @property
    def _rule(self) -> tuple[str, str]:
        if self.path is not None:
            return "files", file_rule(self.path, self.use)
        if self.request is not None and self._is_named:
            return "http", request_rule(self.request)
        if self.address is None:
            return "resolve", self.names[-1]
        protocol = self.use.value[:3]
        match self.use:
            case SocketAddressUse.TCP_CONNECT | SocketAddressUse.UDP_SEND:
                named = [name for name in self.names if may_lead_to(name, name, self.address.ip)]
                return "outbound", f"{protocol}://{f'{named[-1]}:{self.address.port}' if named else self.address}"
            case SocketAddressUse.TCP_ACCEPT | SocketAddressUse.UDP_RECEIVE if self.local is not None:
                return "inbound", f"{protocol}://{any_port(self.local)} from={host_text(self.address.ip)}"
        return "inbound", f"{protocol}://{any_port(self.address)}"

    @property
    def _is_named(self) -> bool:
        """Whether a rule with the host of the request would allow the address."""
        ip = None if self.address is None else self.address.ip
        return ip is None or not self.names or any(may_lead_to(name, name, ip) for name in self.names)

    def __str__(self) -> str:
        about = self._about
        names = f" ({', '.join(self.names)})" if self.address is not None and self.names else ""
        target = f" at {self.target}" if self.target is not None and self.address is not None else ""
        head = f"{'allowed' if self.allowed else 'refused'} {self.use.value} {_PREPOSITIONS[self.use]} {about}{names}"
        if self.request is not None and self.use is not HttpUse.REQUEST:
            head += f" for {line(self.request)}"
        if self.allowed:
            return f"{head}{target}: {self.rule or 'a policy'} allows it"
        return f"{head}: {f'{self.rule} refuses it' if self.rule else f'no rule allows it ({self.flag})'}"

    @property
    def _about(self) -> str:
        if self.path is not None:
            return line(self.path)
        if self.use is HttpUse.REQUEST and self.request is not None:
            return line(self.request)
        return str(self.address or self.names[-1])


_PREPOSITIONS: dict[Use, str] = {
    SocketAddressUse.TCP_BIND: "to",
    SocketAddressUse.TCP_LISTEN: "on",
    SocketAddressUse.TCP_ACCEPT: "from",
    SocketAddressUse.TCP_CONNECT: "to",
    SocketAddressUse.UDP_BIND: "to",
    SocketAddressUse.UDP_SEND: "to",
    SocketAddressUse.UDP_RECEIVE: "from",
    NameUse.RESOLVE: "of",
    FileUse.READ: "of",
    FileUse.WRITE: "of",
    FileUse.MOVE: "of",
    HttpUse.REQUEST: "of",
}


def file_rule(path: str, use: Use) -> str:
    """The rule that allows this use of a guest's path."""
    pattern = literal(path)
    return f"{pattern.removesuffix('/')}/**" if use is FileUse.MOVE else f"{use.value} {pattern}"


def request_rule(request: str) -> str:
    """The rule that allows a request, given as method and URL, with any query."""
    return request.partition("?")[0]


def host_text(ip: IpAddress) -> str:
    """An IP address as rules have it."""
    return f"[{ip}]" if ip.version == 6 else str(ip)


def any_port(address: Address) -> str:
    """A local address as rules have it: `*` for any free port."""
    return str(address) if address.port else f"{host_text(address.ip)}:*"
