"""Words for sizes, times and addresses, and text that cannot do harm, whatever guests and peers send."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from wasihost._base.clock import NS_PER_S
from wasihost._base.quoting import printable
from wasihost._network.base import Address
from wasihost._recording import events

_SIZES: Final = ("KiB", "MiB", "GiB", "TiB")
_TIMES: Final = ((NS_PER_S, "s"), (1_000_000, "ms"), (1_000, "µs"))


def readable(data: bytes, keep: str = "") -> str:
    """Bytes as text, with escapes for all that is no UTF-8 and for unprintable characters."""
    return printable(data.decode(errors="backslashreplace"), keep)


def size(count: int) -> str:
    """`17 B`, `1.50 KiB`."""
    if count < 1024:
        return f"{count} B"
    value: float = count
    for unit in _SIZES:
        value /= 1024
        if value < 1024 or unit == _SIZES[-1]:
            break
    return f"{_three(value)} {unit}"


def duration(ns: int) -> str:
    """`350 ns`, `1.20 ms`, `75.0 s`."""
    for unit_ns, unit in _TIMES:
        if ns >= unit_ns:
            return f"{_three(ns / unit_ns)} {unit}"
    return f"{ns} ns"


def _three(value: float) -> str:
    """With three digits, or more if it is greater."""
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}"


def count(number: int, thing: str) -> str:
    """`1 call`, `2,000 calls`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def call(path: str) -> str:
    """A WIT path without version and kind: `wasi:sockets/types tcp-socket.bind`."""
    interface, _, function = path.partition("#")
    return printable(f"{interface.partition('@')[0]} {function.rpartition(']')[2]}".strip())


def exchange(event: events.HttpExchange) -> str:
    """`GET http://db/x: 200, 17 B in 1.20 ms`."""
    status = "no response" if event.status is None else str(event.status)
    error = f", {event.error}" if event.error else ""
    found = f"{size(len(event.response_content))} in {duration(event.duration_ns)}"
    return printable(f"{event.method} {event.url}: {status}{error}, {found}")


def known_as(address: Address | None, names: Iterable[str]) -> str:
    """`10.0.0.1:80 (db)`, or only the half that there is."""
    known = printable(", ".join(names))
    if address is None:
        return known
    return f"{address} ({known})" if known else str(address)


def reason(event: events.Decided) -> str:
    """Why the policy said so, if it gave a reason."""
    return printable(event.rule or ("" if event.allowed else "no rule allows it"))


def answer(event: events.Resolved) -> str:
    """The result of a lookup."""
    return printable(event.error) if event.error else ", ".join(map(str, event.addresses)) or "no addresses"


def outcome(event: events.GuestEnded) -> str:
    """How a guest ended."""
    if event.error:
        return printable(event.error)
    return "closed" if event.exit_code is None else f"exit code {event.exit_code}"
