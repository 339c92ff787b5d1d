"""The seam that is asked before a guest uses an address, a name, a file or a request.

Without a policy a guest may use no address and no name, and all files that it is given.

A policy is any callable `(address, use, context) -> bool`; it may be a coroutine function. If guests are to look up
names it also has a method `may_resolve(name, context) -> bool`, and one that narrows the use of the files
that they are given has `may_use_file(path, use, context) -> bool`. One that narrows which requests of HTTP they may
send has `may_request(request, context) -> bool`. All may be coroutine functions. `Rules` covers the usual cases;
`all_of` and `any_of` put policies together.

| use | address asked about | when |
|---|---|---|
| TCP_CONNECT, UDP_SEND | the peer | before anything is bound or sent; UDP_SEND for each datagram |
| TCP_BIND, UDP_BIND | the local one, port 0 for any free port | also implicit binds: `0.0.0.0:0` or `[::]:0` |
| TCP_LISTEN | the actual local one | the socket is bound, and no peer can connect yet |
| TCP_ACCEPT | the peer; `context.local` is the listener's | a refused peer gets a reset, the guest never hears of it |
| UDP_RECEIVE | the sender; `context.local` is the socket's | a datagram of a refused sender is dropped unseen |

`connect` of a UDP socket needs UDP_SEND or UDP_RECEIVE. A policy that takes time holds up only the call that waits for
it; but `bind` and `listen`, and `connect` of UDP, are sync functions in WIT: while they wait all of their guest does.

Files are asked about by the guest's path, from the name of the directory that it was given, as it is once symbolic
links and `..` are resolved; see `FileUse`. For a request of `wasi:http` a policy is asked about the request, then about
the name and the address where it goes, with the request as `context.request`.

A policy answers with a `Verdict`, or True or False for short. A verdict may name the rule it comes from, and send
the guest's traffic to another address than the guest wants.
"""

from __future__ import annotations

import enum
import inspect
from collections.abc import Awaitable, Callable, Container, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from wasihost._base.frozen import Frozen
from wasihost._network.base import Address, IpAddress

if TYPE_CHECKING:  # for guests that use HTTP
    from wasihost._http.messages import Request


class SocketAddressUse(enum.Enum):
    """The use of an address."""

    __hash__ = object.__hash__  # a use is itself and no other: the hash of its name takes five times as long

    TCP_BIND = "tcp-bind"
    TCP_LISTEN = "tcp-listen"
    TCP_ACCEPT = "tcp-accept"
    TCP_CONNECT = "tcp-connect"
    UDP_BIND = "udp-bind"
    UDP_SEND = "udp-send"
    UDP_RECEIVE = "udp-receive"


class NameUse(enum.Enum):
    """The use of a name."""

    RESOLVE = "resolve"


class FileUse(enum.Enum):
    """The use of a path."""

    __hash__ = object.__hash__

    READ = "read"
    """To open it to read, list it, or see its size, times or link."""
    WRITE = "write"
    """To open it to write, create, remove or link it, or set its times."""
    MOVE = "move"
    """To rename it, a directory, with all that is below it; asked about the old and the new path, after READ and WRITE
    of the old and WRITE of the new one, which is all for a file."""


class HttpUse(enum.Enum):
    """The use of a URL."""

    REQUEST = "http-request"


Use: TypeAlias = SocketAddressUse | NameUse | FileUse | HttpUse


class PolicyContext:
    """The context of a question to a policy: the guest, the names that it looked up, and the socket or request."""

    __slots__ = ("_hosts", "_names", "_targets", "guest", "local", "request")

    def __init__(
        self,
        guest: str = "",
        local: Address | None = None,
        names: Mapping[IpAddress, tuple[str, ...]] = MappingProxyType({}),
        targets: Mapping[IpAddress, tuple[str, ...]] = MappingProxyType({}),
        hosts: Container[str] = (),
        request: Request | None = None,
    ) -> None:
        self.guest = guest
        """The component's file, or its text or bytes in short."""
        self.local = local
        """For TCP_ACCEPT and UDP_RECEIVE where the socket is bound, else None."""
        self.request = request
        """The request of `wasi:http` for which the name or address is wanted, if it is for one."""
        self._names = names
        self._targets = targets
        self._hosts = hosts

    def names_of(self, ip: IpAddress) -> tuple[str, ...]:
        """The names, in ASCII, for which this guest got this address; the latest is the last.

        The lookups of other guests, and the present meaning of a name, make no difference. A resolver may have answered
        with any address, also one of this machine or of your network: see `is_in_host_names`.
        """
        return self._names.get(ip, ())

    def rewritten_names_of(self, ip: IpAddress) -> tuple[str, ...]:
        """The names for which this guest got this address because a policy rewrites them to it.

        A policy that allows the address on account of such a name must rewrite it, too.
        """
        return self._targets.get(ip, ())

    def is_in_host_names(self, name: str) -> bool:
        """Whether the embedder's `hosts` gave the addresses of this name, and no resolver."""
        return name in self._hosts

    def at(self, local: Address) -> PolicyContext:
        """The same for a socket that is bound there."""
        return PolicyContext(self.guest, local, self._names, self._targets, self._hosts)

    def of(self, request: Request) -> PolicyContext:
        """The same for a request."""
        return PolicyContext(self.guest, None, self._names, self._targets, self._hosts, request)


class Verdict(Frozen):
    """The answer of a policy. `rule` is the text of the rule that decided, if any did.

    `target` is where the traffic goes instead of the address asked about, which is all that the guest sees; for a name,
    the IP address that the guest gets. It must be of the same family.
    """

    allowed: bool
    rule: str | None = None
    target: Address | None = None

    def __bool__(self) -> bool:
        # So that a callable can say `if rules(address, use, context)`. Whoever may have None says `is None`.
        return self.allowed


Answer: TypeAlias = bool | Verdict
Policy: TypeAlias = Callable[[Address, SocketAddressUse, PolicyContext], Answer | Awaitable[Answer]]
FilePolicy: TypeAlias = Callable[[str, FileUse, PolicyContext], Answer | Awaitable[Answer]]
RequestPolicy: TypeAlias = "Callable[[Request, PolicyContext], Answer | Awaitable[Answer]]"

ALLOWED = Verdict(True, "allow_all")
REFUSED = Verdict(False)


class _AllowAll:
    def __repr__(self) -> str:
        return "allow_all"

    def __call__(self, address: Address, use: SocketAddressUse, context: PolicyContext) -> Verdict:
        return ALLOWED

    def may_resolve(self, name: str, context: PolicyContext) -> Verdict:
        return ALLOWED

    def may_use_file(self, path: str, use: FileUse, context: PolicyContext) -> Verdict:
        return ALLOWED

    def may_request(self, request: Request, context: PolicyContext) -> Verdict:
        return ALLOWED


allow_all: Final = _AllowAll()
"""The policy that allows everything."""


class _DenyAll:
    def __repr__(self) -> str:
        return "deny_all"

    def __call__(self, address: Address, use: SocketAddressUse, context: PolicyContext) -> Verdict:
        return REFUSED

    def may_resolve(self, name: str, context: PolicyContext) -> Verdict:
        return REFUSED

    def may_request(self, request: Request, context: PolicyContext) -> Verdict:
        return REFUSED


deny_all: Final = _DenyAll()
"""The policy that allows no address, no name and no request; the default."""


def ask_about_name(policy: Policy, name: str, context: PolicyContext) -> Answer | Awaitable[Answer]:
    """A policy's answer about a name in ASCII; one without `may_resolve` refuses all."""
    may_resolve: Callable[[str, PolicyContext], Answer | Awaitable[Answer]] | None = getattr(
        policy, "may_resolve", None
    )
    if may_resolve is None:
        return Verdict(False, f"the policy {_name(policy)}, which has no may_resolve,")
    return may_resolve(name, context)


def file_policy(policy: Policy) -> FilePolicy | None:
    """The part of a policy for files; None if it has none, so that guests may use all that they are given."""
    found: FilePolicy | None = getattr(policy, "may_use_file", None)
    return found


def request_policy(policy: Policy) -> RequestPolicy | None:
    """The part of a policy for requests; None if it has none, so that its answers about names and addresses decide."""
    found: RequestPolicy | None = getattr(policy, "may_request", None)
    return found


def verdict_of(answer: Any, policy: object) -> Verdict:
    """The verdict that a policy's answer means. Errors: TypeError."""
    if isinstance(answer, Verdict):
        return answer
    if isinstance(answer, bool):
        return Verdict(answer, f"the policy {_name(policy)}")
    raise TypeError(f"the policy {_name(policy)} answered {answer!r}: expected a bool or a Verdict")


def checked(policy: Policy) -> Policy:
    """The policy itself, if it can be asked. TypeError: it takes other arguments."""
    _check(policy, policy, "(address, use, context)", 3)
    may_resolve = getattr(policy, "may_resolve", None)
    if may_resolve is not None:
        _check(policy, may_resolve, ".may_resolve(name, context)", 2)
    may_use_file = file_policy(policy)
    if may_use_file is not None:
        _check(policy, may_use_file, ".may_use_file(path, use, context)", 3)
    may_request = request_policy(policy)
    if may_request is not None:
        _check(policy, may_request, ".may_request(request, context)", 2)
    return policy


def _check(policy: Policy, call: Any, form: str, count: int) -> None:
    if not callable(call):
        raise TypeError(f"policy {policy!r}: expected a callable {form}")
    try:
        inspect.signature(call).bind(*(None for _ in range(count)))
    except TypeError:
        found = inspect.signature(call)
        raise TypeError(f"the policy {_name(policy)}: expected {form}, but the signature is {found}") from None
    except ValueError:
        pass  # a builtin without a signature


def _name(policy: Any) -> str:
    return str(getattr(policy, "__name__", type(policy).__name__))
