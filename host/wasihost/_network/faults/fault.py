"""One thing that goes wrong on a network or with files, written as data.

    Fault("connect", "ECONNREFUSED", nth=3)
    Fault("receive", "ECONNRESET", after_bytes=1000)
    Fault("send", "stall", seconds=5)
    Fault("receive", "short", bytes=1)
    Fault("accept", "drop", nth=2)
    Fault("resolve", "EAI_AGAIN", address="db.example.com")
    Fault("file-write", "ENOSPC", after_bytes=1000)
    Fault("file-read", "EIO", nth=3, path="/data/**")

| call | an errno | `stall` for `seconds` | others |
|---|---|---|---|
| `socket`, `bind`, `listen`, `udp-bind` | it fails | | |
| `connect` | it fails, after the stall | it takes so long | |
| `accept` | a connection that came in is reset, and reported | it comes later | `drop`: the listener is gone |
| `receive`, `send` | the connection is reset, both directions fail | no byte moves | `short`: up to `bytes` at a time |
| `udp-receive`, `udp-send` | it fails, the datagram is lost | it takes so long | `drop`, `duplicate`, `swap` |
| `resolve` | it fails: EAI_NONAME, EAI_AGAIN, EAI_FAIL | it takes so long | |
| `file-read`, `file-write` | it fails, after the stall | it takes so long | `short`: up to `bytes` at a time |
| `file-open`, `file-list`, `file-stat`, `file-change`, `file-sync` | it fails, after the stall | it takes so long | |

A datagram that is swapped comes after the next one; if there is none it is lost.

Which call is struck: the `nth` of those that match, counted from 1; of `receive` and `send` the one `after_bytes` of
that direction; without these, each one. `socket` is the number of a socket, in the order in which they were made or
accepted; `address` is an IP address, IP:PORT or, of `resolve`, a name; `path` is a pattern of the paths of a tree, as
rules have it. These narrow down which calls match and count. On a connection bytes are counted, because in how many
calls they come is chance. Of `file-read` and `file-write`, both are counted over all files that match.
"""

from __future__ import annotations

import errno
import functools
import socket as os_socket
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, fields
from ipaddress import ip_address
from typing import Any, Final, Literal, TypeAlias, get_args

from wasihost._base.bounds import bounds, fraction, whole
from wasihost._base.errors import ConfigError
from wasihost._base.globs import Glob, parts
from wasihost._network.base import Address

NetworkCall: TypeAlias = Literal[
    "socket", "bind", "connect", "listen", "accept", "receive", "send", "udp-bind", "udp-receive", "udp-send", "resolve"
]
FileCall: TypeAlias = Literal[
    "file-open", "file-read", "file-write", "file-list", "file-stat", "file-change", "file-sync"
]
Call: TypeAlias = NetworkCall | FileCall
NETWORK_CALLS: Final[tuple[Call, ...]] = get_args(NetworkCall)
FILE_CALLS: Final[tuple[Call, ...]] = get_args(FileCall)
CALLS: Final = (*NETWORK_CALLS, *FILE_CALLS)

STREAMS: Final = ("receive", "send")
TRANSFERS: Final = ("file-read", "file-write")
WORDS: Final[Mapping[str, tuple[str, ...]]] = {  # the faults besides failing
    "connect": ("stall",),
    "accept": ("stall", "drop"),
    "receive": ("stall", "short"),
    "send": ("stall", "short"),
    "udp-receive": ("stall", "drop", "duplicate", "swap"),
    "udp-send": ("stall", "drop", "duplicate", "swap"),
    "resolve": ("stall",),
    **dict.fromkeys(FILE_CALLS, ("stall",)),
    **dict.fromkeys(TRANSFERS, ("stall", "short")),
}
RESOLVER_ERRORS = ("EAI_NONAME", "EAI_AGAIN", "EAI_FAIL")


@dataclass(frozen=True, repr=False)
class Fault:
    """One thing that goes wrong: `do` is the name of an errno or a word of the table above. Errors: ConfigError."""

    on: Call
    do: str
    _: KW_ONLY
    nth: int | None = whole("which of the calls that match", least=1)
    after_bytes: int | None = whole("how many bytes go before, in that direction of a connection, or of these files")
    socket: int | None = whole("the number of the socket, in the order in which they were made or accepted", least=1)
    address: str | None = None
    path: str | None = None
    seconds: float | None = fraction("how long it stalls")
    bytes: int | None = whole("how many bytes move at a time", least=1)

    def __post_init__(self) -> None:
        if problem := self._problem():
            raise ConfigError(f"{self!r}: {problem}")
        if self.address is not None:
            address = self.address.lower() if self.on == "resolve" else _canonical(self.address)
            object.__setattr__(self, "address", address)

    def __repr__(self) -> str:
        options = "".join(f", {name}={value!r}" for name, value in self.options().items())
        return f"Fault({self.on!r}, {self.do!r}{options})"

    def error(self) -> OSError | None:
        """The error of the call; None: it does not fail."""
        if self.on == "resolve":
            code = getattr(os_socket, self.do, None)
            return None if code is None else os_socket.gaierror(code, f"{self.do}, as planned")
        code = getattr(errno, self.do, None)
        return None if code is None else OSError(code, f"{self.do}, as planned")

    def matches(self, call: Call, socket: int | None, names: Sequence[str]) -> bool:
        """Whether it is about such calls; `names` are those of the address, or the paths."""
        if self.on != call or self.socket not in (None, socket):
            return False
        if self.path is not None:
            return any(_glob(self.path).matches(parts(name)) for name in names)
        return self.address is None or self.address in names

    def at(self, socket: int | None, *, nth: int | None = None, after_bytes: int | None = None) -> Fault:
        """The same, where it struck."""
        if self.nth is None and self.after_bytes is None and self.address is None and self.path is None:
            nth = after_bytes = None  # it strikes always
        what = {"seconds": self.seconds, "bytes": self.bytes}
        return Fault(self.on, self.do, nth=nth, after_bytes=after_bytes, socket=socket, **what)  # type: ignore[arg-type]

    def options(self) -> dict[str, Any]:
        """The fields after the first two that are not None."""
        return {name: value for name in FIELDS[2:] if (value := getattr(self, name)) is not None}

    def _problem(self) -> str | None:
        """The mistake in it, if there is one."""
        if self.on not in CALLS:
            return f"on: expected one of {', '.join(CALLS)}"
        words = WORDS.get(self.on, ())
        if self.do not in words and not _is_error(self.on, self.do):
            errors = " or ".join(RESOLVER_ERRORS) if self.on == "resolve" else "an errno such as ECONNRESET"
            return f"do: expected {', '.join([*words, errors])}"
        if self.nth is not None and self.after_bytes is not None:
            return "nth: not together with after_bytes"
        streams = self.on in STREAMS
        of_files = self.on in FILE_CALLS
        for name, needed, wanted in (
            ("nth", False, not streams),
            ("after_bytes", False, streams or self.on in TRANSFERS),
            ("socket", False, self.on != "resolve" and not of_files),
            ("bytes", self.do == "short", self.do == "short"),
            ("seconds", self.do == "stall", self.do == "stall"),
        ):
            value = getattr(self, name)
            if value is None and not needed:
                continue
            if not wanted:
                instead = {"nth": ": use after_bytes", "after_bytes": ": use nth"}.get(name, "")
                return f"{name}: has no meaning here{instead}"
            if not _BOUNDS[name].takes(value):
                return f"{name}: expected {_BOUNDS[name].expected}"
        if self.path is not None and not (of_files and isinstance(self.path, str) and self.path.startswith("/")):
            return "path: expected a pattern such as /out/**" if of_files else "path: has no meaning here"
        return None if self.address is None else self._problem_with_address(self.address)

    def _problem_with_address(self, address: str) -> str | None:
        if self.on == "socket" or self.on in FILE_CALLS:
            return "address: has no meaning here"
        if not isinstance(address, str) or not address:
            return "address: expected a text"
        if self.on != "resolve":
            try:
                _canonical(address)
            except ValueError:
                return "address: expected an IP address or IP:PORT, IPv6 with a port in brackets"
        return None


def _is_error(on: Call, name: object) -> bool:
    if not isinstance(name, str):
        return False
    if on == "resolve":
        return name in RESOLVER_ERRORS
    # At the seam EAGAIN and the like mean to wait, and nothing would end such a wait.
    code = getattr(errno, name, None)
    return isinstance(code, int) and not isinstance(OSError(code, ""), BlockingIOError)


@functools.cache
def _glob(pattern: str) -> Glob:
    return Glob(pattern)


def _canonical(address: str) -> str:
    try:
        return str(ip_address(address))
    except ValueError:
        host, _, port = address.rpartition(":")
        ip = ip_address(host.removeprefix("[").removesuffix("]"))
        if (ip.version == 6) != host.startswith("[") or not 0 <= int(port) <= 0xFFFF:
            raise
        return str(Address(ip, int(port)))


FIELDS: Final = tuple(field.name for field in fields(Fault))
_BOUNDS = bounds(Fault)
SECONDS: Final = _BOUNDS["seconds"]
