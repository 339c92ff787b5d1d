"""What goes wrong on a network, written as data; `wasihost._network.faults.network` makes it happen.

    FaultPlan(
        Fault("connect", "ECONNREFUSED", nth=3),
        Fault("receive", "ECONNRESET", after_bytes=1000),
        Fault("send", "stall", seconds=5),
        Fault("receive", "short", bytes=1),
        Fault("accept", "drop", nth=2),
        Fault("resolve", "EAI_AGAIN", address="db.example.com"),
    )

| call | an errno | `stall` for `seconds` | others |
|---|---|---|---|
| `socket`, `bind`, `listen`, `udp-bind` | it fails | | |
| `connect` | it fails, after the stall | it takes so long | |
| `accept` | a connection that came in is reset, and reported | it comes later | `drop`: the listener is gone |
| `receive`, `send` | the connection is reset, both directions fail | no byte moves | `short`: up to `bytes` at a time |
| `udp-receive`, `udp-send` | it fails, the datagram is lost | it takes so long | `drop`, `duplicate`, `swap` |
| `resolve` | it fails: EAI_NONAME, EAI_AGAIN, EAI_FAIL | it takes so long | |

A datagram that is swapped comes after the next one; if there is none it is lost.

Which call is struck: the `nth` of those that match, counted from 1; of `receive` and `send` the one `after_bytes` of
that direction; without these, each one. `socket` is the number of a socket, in the order in which they were made or
accepted; `address` is an IP address, IP:PORT or, of `resolve`, a name. Both narrow down which calls match and count.
On a connection bytes are counted, because in how many calls they come is chance.
"""

from __future__ import annotations

import errno
import json
import socket as os_socket
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, fields
from ipaddress import ip_address
from typing import Any, Final, Literal, TypeAlias, get_args

from wasihost._base.bounds import bounds, fraction, whole
from wasihost._base.errors import ConfigError
from wasihost._base.frozen import Frozen
from wasihost._network.base import Address

Call: TypeAlias = Literal[
    "socket", "bind", "connect", "listen", "accept", "receive", "send", "udp-bind", "udp-receive", "udp-send", "resolve"
]
CALLS: Final[tuple[Call, ...]] = get_args(Call)

STREAMS: Final = ("receive", "send")
_WORDS: Mapping[str, tuple[str, ...]] = {  # what can be done besides failing
    "connect": ("stall",),
    "accept": ("stall", "drop"),
    "receive": ("stall", "short"),
    "send": ("stall", "short"),
    "udp-receive": ("stall", "drop", "duplicate", "swap"),
    "udp-send": ("stall", "drop", "duplicate", "swap"),
    "resolve": ("stall",),
}
RESOLVER_ERRORS = ("EAI_NONAME", "EAI_AGAIN", "EAI_FAIL")


@dataclass(frozen=True, repr=False)
class Fault:
    """One thing that goes wrong: `do` is an errno by its name, or what the table above has. Errors: ConfigError."""

    on: Call
    do: str
    _: KW_ONLY
    nth: int | None = whole("which of the calls that match", least=1)
    after_bytes: int | None = whole("how many bytes go before, in that direction of a connection")
    socket: int | None = whole("the number of the socket, in the order in which they were made or accepted", least=1)
    address: str | None = None
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
        """What the call fails with; None: it does not fail."""
        if self.on == "resolve":
            code = getattr(os_socket, self.do, None)
            return None if code is None else os_socket.gaierror(code, f"{self.do}, as planned")
        code = getattr(errno, self.do, None)
        return None if code is None else OSError(code, f"{self.do}, as planned")

    def matches(self, call: Call, socket: int | None, addresses: Sequence[str]) -> bool:
        """Whether it is about such calls."""
        return self.on == call and self.socket in (None, socket) and (self.address is None or self.address in addresses)

    def at(self, socket: int | None, *, nth: int | None = None, after_bytes: int | None = None) -> Fault:
        """The same, where it struck."""
        if self.nth is None and self.after_bytes is None and self.address is None:
            nth = after_bytes = None  # it strikes always
        what = {"seconds": self.seconds, "bytes": self.bytes}
        return Fault(self.on, self.do, nth=nth, after_bytes=after_bytes, socket=socket, **what)  # type: ignore[arg-type]

    def options(self) -> dict[str, Any]:
        """The fields after the first two that are not None."""
        return {name: value for name in _FIELDS[2:] if (value := getattr(self, name)) is not None}

    def _problem(self) -> str | None:
        """What is wrong with it."""
        if self.on not in CALLS:
            return f"on: expected one of {', '.join(CALLS)}"
        words = _WORDS.get(self.on, ())
        if self.do not in words and not _is_error(self.on, self.do):
            errors = " or ".join(RESOLVER_ERRORS) if self.on == "resolve" else "an errno such as ECONNRESET"
            return f"do: expected {', '.join([*words, errors])}"
        streams = self.on in STREAMS
        for name, needed, wanted in (
            ("nth", False, not streams),
            ("after_bytes", False, streams),
            ("socket", False, self.on != "resolve"),
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
        return None if self.address is None else self._problem_with_address(self.address)

    def _problem_with_address(self, address: str) -> str | None:
        if self.on == "socket":
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


def _canonical(address: str) -> str:
    try:
        return str(ip_address(address))
    except ValueError:
        host, _, port = address.rpartition(":")
        ip = ip_address(host.removeprefix("[").removesuffix("]"))
        if (ip.version == 6) != host.startswith("[") or not 0 <= int(port) <= 0xFFFF:
            raise
        return str(Address(ip, int(port)))


_FIELDS = tuple(field.name for field in fields(Fault))
_BOUNDS = bounds(Fault)
SECONDS: Final = _BOUNDS["seconds"]


class Strikes(ABC):
    """The faults of one run, as they come."""

    @abstractmethod
    def on_call(self, call: Call, socket: int | None, nth: int, addresses: Sequence[str]) -> Sequence[Fault]:
        """Those that strike a call, the `nth` of its kind on that socket, or of all where there is none."""

    @abstractmethod
    def on_stream(
        self, call: Call, socket: int, offset: int, addresses: Sequence[str]
    ) -> tuple[Sequence[Fault], int | None]:
        """Those that strike after so many bytes, and after how many the next may do so."""


class FaultPlan(Frozen):
    """Faults, in any order; those that strike the same call do so together."""

    faults: tuple[Fault, ...]

    def __init__(self, *faults: Fault) -> None:
        for position, fault in enumerate(faults, 1):
            if not isinstance(fault, Fault):
                raise ConfigError(f"fault {position} of the plan: expected a Fault, got {fault!r}")
        super().__init__(faults)

    @classmethod
    def parse(cls, text: str) -> FaultPlan:
        """From JSON: an array with an object for each fault, whose fields are those of `Fault`. Errors: ConfigError."""
        try:
            entries = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"the plan is not JSON: {error}") from None
        if not isinstance(entries, list):
            raise ConfigError(f"the plan: expected an array of faults, got {entries!r}")
        return cls(*(_parsed(position, entry) for position, entry in enumerate(entries, 1)))

    def to_json(self) -> str:
        """As `parse` reads it, with a fault on each line."""
        lines = [json.dumps({"on": fault.on, "do": fault.do, **fault.options()}) for fault in self.faults]
        return "[" + ",".join(f"\n  {line}" for line in lines) + "\n]" if lines else "[]"

    def begin(self) -> Strikes:
        """A run of it, from the beginning."""
        return _PlannedStrikes(self.faults)

    def __iter__(self) -> Iterator[Fault]:
        return iter(self.faults)

    def __len__(self) -> int:
        return len(self.faults)

    def __repr__(self) -> str:
        return "FaultPlan(" + "".join(f"\n    {fault!r}," for fault in self.faults) + ("\n)" if self.faults else ")")


def _parsed(position: int, entry: object) -> Fault:
    where = f"fault {position} of the plan"
    if not isinstance(entry, dict) or not {"on", "do"} <= entry.keys():
        raise ConfigError(f"{where}: expected an object with the fields on and do, got {entry!r}")
    if unknown := entry.keys() - set(_FIELDS):
        raise ConfigError(f"{where}: unknown fields {', '.join(sorted(unknown))}; expected {', '.join(_FIELDS)}")
    try:
        return Fault(**entry)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None


class _PlannedStrikes(Strikes):
    def __init__(self, faults: Sequence[Fault]) -> None:
        self._seen = [(fault, [0]) for fault in faults]

    def on_call(self, call: Call, socket: int | None, nth: int, addresses: Sequence[str]) -> Sequence[Fault]:
        struck = []
        for fault, count in self._seen:
            if fault.matches(call, socket, addresses):
                count[0] += 1
                if fault.nth in (None, count[0]):
                    struck.append(fault)
        return struck

    def on_stream(
        self, call: Call, socket: int, offset: int, addresses: Sequence[str]
    ) -> tuple[Sequence[Fault], int | None]:
        matching = [fault for fault, _ in self._seen if fault.matches(call, socket, addresses)]
        later = [
            fault.after_bytes for fault in matching if fault.after_bytes is not None and fault.after_bytes > offset
        ]
        return [fault for fault in matching if fault.after_bytes in (None, offset)], min(later, default=None)
