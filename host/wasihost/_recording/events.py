"""The events between a guest and the outside world, as values, for a `Recording`.

Sockets are numbered from 1 in the order of their making, over a whole recording, files and directories in the order in
which they were opened, and guests in the order of their start; guest 0 means none. Times are nanoseconds
of a `Clock` since the recording began. Nothing in an event depends on the process that made it: the same run gives the
same events.

A call that failed is a `Failed`, so that a `Connected` did connect. Attempts that would block are no events. Each class
is one kind; its name in kebab-case is the kind's name in a transcript, see `transcript`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar, Literal, TypeAlias

from wasihost._base.frozen import Frozen
from wasihost._network.base import Address, Family, IpAddress, Option

Transport: TypeAlias = Literal["tcp", "udp"]
Direction: TypeAlias = Literal["read", "write"]
Side: TypeAlias = Literal["local", "remote"]
StandardStream: TypeAlias = Literal["stdout", "stderr"]
Way: TypeAlias = Literal["in", "out"]
Headers: TypeAlias = tuple[tuple[str, bytes], ...]


class Omitted(bytes):
    """Bytes that the observer of an event is not given: empty, but their `len` is how many there were."""

    _size: int

    def __new__(cls, size: int) -> Omitted:
        made = super().__new__(cls)
        made._size = size
        return made

    def __len__(self) -> int:
        return self._size

    def __bool__(self) -> bool:
        return self._size > 0

    def __repr__(self) -> str:
        return f"Omitted({self._size})"


class Event(Frozen):
    """Something that happened at `time_ns` to a guest."""

    kind: ClassVar[str]
    time_ns: int
    guest: int

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", cls.__name__).lower()


# ---- sockets


class SocketEvent(Event):
    """Something that happened to a socket."""

    socket: int


class Created(SocketEvent):
    """The guest made a socket."""

    protocol: Transport
    family: Family


class Bound(SocketEvent):
    """It was bound to `local`, where the guest had asked for `asked`, perhaps with port 0."""

    asked: Address
    local: Address


class Connecting(SocketEvent):
    """A TCP socket begins to connect, a SYN; `Connected` or `Failed` is the outcome."""

    local: Address
    remote: Address


class Connected(SocketEvent):
    """The connection is made; of a UDP socket: `remote` is its only peer from now on."""

    local: Address
    remote: Address


class Disconnected(SocketEvent):
    """A UDP socket has no peer any more."""

    local: Address


class Listening(SocketEvent):
    """Connections can come in, or `backlog` of a listening socket was changed."""

    backlog: int
    local: Address


class Accepted(SocketEvent):
    """A connection came in, which is socket number `accepted` from now on."""

    accepted: int
    local: Address
    remote: Address


class Sent(SocketEvent):
    """The network took these bytes."""

    data: bytes


class Received(SocketEvent):
    """These bytes came from the peer."""

    data: bytes


class ReceivedEnd(SocketEvent):
    """The peer sends no more: a FIN came."""


class ShutDown(SocketEvent):
    """No more is sent (`write`: a FIN), or received (`read`)."""

    direction: Direction


class Aborted(SocketEvent):
    """The socket was closed with a reset, a RST."""


class Closed(SocketEvent):
    """The socket was closed."""


class DatagramSent(SocketEvent):
    """A datagram left for `remote`."""

    data: bytes
    remote: Address


class DatagramReceived(SocketEvent):
    """A datagram came from `remote`."""

    data: bytes
    remote: Address


class OptionSet(SocketEvent):
    """An option was set; the value in effect may differ."""

    option: Option
    value: int


class OptionRead(SocketEvent):
    """The guest asked for an option."""

    option: Option
    value: int


class Ready(SocketEvent):
    """A waiter was called back: reading (`read`: receiving, accepting) or writing is worth another try."""

    direction: Direction


class AddressRead(SocketEvent):
    """The guest asked for an address of the socket."""

    side: Side
    address: Address


class Failed(SocketEvent):
    """A call of the network failed: `call` by its name in `wasihost._network.base`, `error` by its name in POSIX.

    An error that has another text than the system's has it behind a colon. `create` is a call of `tcp_socket` or
    `udp_socket`; the socket that has this number never was. `remote` is the address to be
    bound, connected or sent to.
    """

    call: str
    error: str
    remote: Address | None


# ---- without a socket


class Resolved(Event):
    """A name was looked up: `addresses`, or the `error`, such as EAI_NONAME; ECANCELED: the guest gave it up.

    Names that `Host(hosts=…)` knows are not asked for outside, and are no events.
    """

    name: str
    addresses: tuple[IpAddress, ...]
    error: str | None


class Decided(Event):
    """The policy answered; `rule` says why, if it gives a reason.

    `use` is the value of a `SocketAddressUse` or a `FileUse`, `resolve` or `http-request`. `names` are those that the
    address is known by, or the one to be looked up, or the path of a file, or the method and URL of a request.
    """

    use: str
    address: Address | None
    names: tuple[str, ...]
    allowed: bool
    rule: str | None


# ---- files


class FileEvent(Event):
    """An event of a file or directory that is open, by its number."""

    file: int


class DirectoryGiven(FileEvent):
    """The guest asked for its directories, and got this one; `identity` says which file it is, as `answers` below."""

    name: str
    read_only: bool
    identity: str


class FileRead(FileEvent):
    """The guest was given bytes of a file; none at its end."""

    offset: int
    data: bytes


class FileWritten(FileEvent):
    """Bytes of the guest went to a file; `offset` None: to its end."""

    offset: int | None
    data: bytes


class FileCalled(FileEvent):
    """Any other operation, or one that failed: `call` is the method of the core, `arguments` and `answers` its words.

    The answers of `open` are `file` or `directory`, the number of the descriptor, and its identity.
    """

    call: str
    arguments: tuple[str, ...]
    answers: tuple[str, ...]
    error: str | None


class FileClosed(FileEvent):
    """A file or directory was closed."""


# ---- guests


class HttpExchange(Event):
    """A request of HTTP has ended: one that the guest sent (`out`), or that it was sent as a served component (`in`).

    It began `duration_ns` earlier. `headers`, `content` and `request_trailers` are the request's, `trailers` the
    response's. `status` is None if there was no response; `error` is the error-code, or the class of the exception,
    with which either ended. No guest answered if `guest` is 0.
    """

    way: Way
    method: str
    url: str
    headers: Headers
    content: bytes
    status: int | None
    response_headers: Headers
    response_content: bytes
    trailers: Headers
    error: str | None
    duration_ns: int
    request_trailers: Headers


class GuestStarted(Event):
    """A guest begins: with its name, arguments, and seed if it has one."""

    name: str
    args: tuple[str, ...]
    seed: int | None


class HostCall(Event):
    """A call of a host function by the guest has ended; it began `duration_ns` earlier.

    `error` is the case of the error-code, or the class of the exception.
    """

    path: str
    duration_ns: int
    error: str | None


class Wrote(Event):
    """The guest wrote to a standard stream."""

    stream: StandardStream
    data: bytes


class GuestEnded(Event):
    """The guest has ended: with `exit_code`, which is 0 also when its instance was closed, or by an `error`."""

    exit_code: int | None
    error: str | None


_KINDS: tuple[type[Event], ...] = (
    Created,
    Bound,
    Connecting,
    Connected,
    Disconnected,
    Listening,
    Accepted,
    Sent,
    Received,
    ReceivedEnd,
    ShutDown,
    Aborted,
    Closed,
    DatagramSent,
    DatagramReceived,
    OptionSet,
    OptionRead,
    AddressRead,
    Ready,
    Failed,
    Resolved,
    Decided,
    DirectoryGiven,
    FileRead,
    FileWritten,
    FileCalled,
    FileClosed,
    HttpExchange,
    GuestStarted,
    HostCall,
    Wrote,
    GuestEnded,
)
EVENTS: Mapping[str, type[Event]] = {event.kind: event for event in _KINDS}
"""Every kind by its name."""
