"""The words for a replayed guest that does something else than was recorded."""

from __future__ import annotations

from wasihost._base.quoting import printable
from wasihost._recording.events import Event, SocketEvent

_ROW = 16
_LONG = 60


def line(index: int) -> str:
    """The position of an event in the transcript of its recording."""
    return f"line {index + 2}"  # lines count from 1, and the first is the header


def described(event: Event, done: int = 0) -> str:
    """An event in a few words, such as `sent, 5 bytes, b'hello'`; `done` of its bytes are left out."""
    names: tuple[str, ...] = event.__match_args__[2:]
    fields = [_field(name, getattr(event, name), done) for name in names if name != "socket"]
    socket = f"socket {event.socket}: " if isinstance(event, SocketEvent) else ""
    return socket + ", ".join([event.kind, *fields])


def _field(name: str, value: object, done: int) -> str:
    if isinstance(value, bytes):
        size = f"the last {len(value) - done:,} of {len(value):,}" if done else f"{len(value):,}"
        return f"{size} bytes, {value[done : done + _ROW]!r}" + "…" * (len(value) - done > _ROW)
    text = printable(str(value))
    return f"{name} {text if len(text) <= _LONG else text[:_LONG] + '…'}"


def first_difference(one: bytes, other: bytes) -> int:
    """The offset of the first byte that is not the same; the shorter length if none is."""
    low = 0
    high = min(len(one), len(other))
    if one[:high] == other[:high]:
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle
    return low


def differing_bytes(now: bytes, recorded: bytes, start: int = 0) -> str:
    """The first difference of two blocks at `start` of a stream: the two bytes, and the rows around them."""
    at = first_difference(now, recorded)
    first = at - (start + at) % _ROW  # where the row begins, as offsets are counted in the stream
    words = f"{_byte(now, at)} at offset {start + at:,}, recorded {_byte(recorded, at)}"
    rows = (f"  {name:8}  {_row(data, first, start)}" for name, data in (("now", now), ("recorded", recorded)))
    return "\n".join([words, *rows])


def _byte(data: bytes, at: int) -> str:
    return f"0x{data[at]:02x}" if at < len(data) else "the end"


def _row(data: bytes, first: int, start: int) -> str:
    begin = max(first, 0)
    row = data[begin : first + _ROW]
    gap = "   " * (begin - first)
    text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
    return f"{start + first:08x}  {gap + row.hex(' '):{3 * _ROW}} {' ' * (begin - first)}{text}".rstrip()
