"""What a policy decided, as an event, with the option that would allow what is refused."""

from __future__ import annotations

from dataclasses import dataclass

from wasihost._base.quoting import line
from wasihost._network.base import Address, IpAddress
from wasihost._policy.globs import literal
from wasihost._policy.policy import FileUse, NameUse, SocketAddressUse, Use
from wasihost._policy.reach import may_lead_to


@dataclass(frozen=True, kw_only=True)
class Decision:
    """An event: what a policy said, and about what. `str()` tells it in a line.

    `address` is None for a lookup and for a file, whose `path` it has. `names` are those for which the guest was told
    the address, for a lookup the one name; where no rule allows the address, without those that are rewritten, as a
    rule could not allow it by them.
    `rule` is the text of the rule that decided, or who else did; None: no rule allows it.
    """

    use: Use
    address: Address | None
    names: tuple[str, ...] = ()
    allowed: bool
    rule: str | None = None
    target: Address | None = None
    guest: str = ""
    local: Address | None = None
    path: str | None = None

    @property
    def flag(self) -> str:
        """What to give to `wasihost run` so that this is allowed, unless another rule denies it."""
        import shlex  # for what is refused

        direction, rule = self._rule
        return f"--allow-{direction} {shlex.quote(rule)}"

    @property
    def _rule(self) -> tuple[str, str]:
        if self.path is not None:
            return "files", file_rule(self.path, self.use)
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

    def __str__(self) -> str:
        about = line(self.path) if self.path is not None else str(self.address or self.names[-1])
        names = f" ({', '.join(self.names)})" if self.address is not None and self.names else ""
        target = f" at {self.target}" if self.target is not None and self.address is not None else ""
        head = f"{'allowed' if self.allowed else 'refused'} {self.use.value} {_PREPOSITIONS[self.use]} {about}{names}"
        if self.allowed:
            return f"{head}{target}: {self.rule or 'a policy'} allows it"
        return f"{head}: {f'{self.rule} refuses it' if self.rule else f'no rule allows it ({self.flag})'}"


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
}


def file_rule(path: str, use: Use) -> str:
    """The rule that allows this use of a guest's path."""
    pattern = literal(path)
    return f"{pattern.removesuffix('/')}/**" if use is FileUse.MOVE else f"{use.value} {pattern}"


def host_text(ip: IpAddress) -> str:
    """An IP address as rules have it."""
    return f"[{ip}]" if ip.version == 6 else str(ip)


def any_port(address: Address) -> str:
    """A local address as rules have it: `*` for any free port."""
    return str(address) if address.port else f"{host_text(address.ip)}:*"
