"""A recording as a page: `write_report`. Jinja makes it, which the extra `report` brings, of `report.html.jinja`.

Theory of operation. Here the events become numbers and words, in the template those become HTML, where all of them are
escaped and none is in a script. Long lists are gathered: into moments of equal length along
the time axis, and into lines with a count. The page says how much it leaves out.
"""

from __future__ import annotations

import datetime
import os
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from wasihost._base import files
from wasihost._base.clock import NS_PER_S
from wasihost._base.errors import MissingExtraError
from wasihost._base.frozen import Frozen
from wasihost._base.quoting import printable
from wasihost._recording import Recording, events
from wasihost._recording.pictures import text
from wasihost._recording.pictures.lanes import Lane, lanes
from wasihost._recording.pictures.used_files import used_files

MOST_SOCKETS: Final = 1000
MOST_LINES: Final = 500
MOST_OUTPUT_BYTES: Final = 32 * 1024
_MOMENTS: Final = 500
_WIDTH: Final = 1000  # of the time axis, in units of the drawing

E = TypeVar("E", bound=events.Event)


def write_report(recording: Recording, path: str | os.PathLike[str]) -> None:
    """Writes a page that shows a run: one file, for any browser, which loads nothing.

    Errors: MissingExtraError, OSError.
    """
    try:
        import jinja2
    except ImportError:
        raise MissingExtraError("report", "pages are made by Jinja") from None
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("report.html.jinja").render(_Report(recording).fields())
    with open(path, "w", encoding="utf-8", opener=files.private) as file:
        file.write(page)


class Mark(Frozen):
    """A moment in which something happened: where it is on the time axis, its style if it went wrong, and in words."""

    x: float
    style: str
    words: str


class Line(Frozen):
    """An event that happened `count` times, first at `time`."""

    time: str
    count: int
    event: Any


class _Report:
    """The content of the template, in words."""

    def __init__(self, recording: Recording) -> None:
        self._header = recording.header
        self._events = recording.events
        self._end_ns = max((event.time_ns for event in self._events), default=0) or 1

    def fields(self) -> dict[str, Any]:
        """By the names of the template."""
        sockets = lanes(self._events)
        decided = self._of(events.Decided)
        resolved = self._of(events.Resolved)
        calls = self._of(events.HostCall)
        decisions = self._gathered(decided, lambda one: (one.allowed, one.use, one.address, one.names, one.rule))
        guests = self._guests()
        return {
            "title": _title([guest["name"] for guest in guests]),
            "began": self._calendar(),
            "wasihost": printable(self._header.wasihost),
            "duration": text.duration(self._end_ns),
            "text": text,
            "printable": printable,
            "most_common": _most_common,
            "guests": guests,
            "end_ns": self._end_ns,
            "ticks": self._ticks(),
            "bytes": self._chart(),
            "sent": sum(lane.sent for lane in sockets),
            "received": sum(lane.received for lane in sockets),
            "socket_count": len(sockets),
            "sockets": [self._socket(lane) for lane in _chosen(sockets)],
            "trouble_count": sum(lane.is_trouble for lane in sockets),
            "refused": [line for line in decisions if not line.event.allowed],
            "decisions": decisions,
            "decision_marks": self._marks(decided, _in_words, lambda one: not one.allowed, "bad"),
            "lookups": self._gathered(resolved, lambda one: (one.name, one.addresses, one.error)),
            "lookup_marks": self._marks(
                resolved, lambda one: printable(one.name), lambda one: one.error is not None, "error"
            ),
            "files": used_files(self._events),
            "requests": self._of(events.HttpExchange),
            "calls": _by_path(calls),
            "call_count": len(calls),
            "call_marks": self._marks(
                calls, lambda one: text.call(one.path), lambda one: one.error is not None, "error"
            ),
            "outputs": self._outputs(),
            "most_lines": MOST_LINES,
        }

    def _of(self, kind: type[E]) -> list[E]:
        return [event for event in self._events if isinstance(event, kind)]

    def _calendar(self) -> str:
        seconds = self._header.system_ns // NS_PER_S
        try:
            return f"{datetime.datetime.fromtimestamp(seconds, datetime.UTC):%Y-%m-%d %H:%M:%S} UTC"
        except (OverflowError, ValueError, OSError):
            return f"{seconds} s after 1970"

    def _guests(self) -> list[dict[str, Any]]:
        ends = {event.guest: event for event in self._of(events.GuestEnded)}
        return [self._guest(event, ends.get(event.guest)) for event in self._of(events.GuestStarted)]

    def _guest(self, start: events.GuestStarted, end: events.GuestEnded | None) -> dict[str, Any]:
        return {
            "number": start.guest,
            "name": printable(start.name),
            "args": printable(" ".join(start.args)),
            "seed": start.seed,
            "time": text.duration(start.time_ns),
            "outcome": "still running at the end" if end is None else text.outcome(end),
            "is_trouble": end is not None and bool(end.error or end.exit_code),
        }

    # ---- the time axis

    def _at(self, time_ns: int) -> float:
        return round(time_ns / self._end_ns * _WIDTH, 2)

    def _moment(self, time_ns: int) -> int:
        return min(max(0, time_ns * _MOMENTS // self._end_ns), _MOMENTS - 1)

    def _ticks(self) -> list[tuple[float, str]]:
        """Where a round time is, and which."""
        unit = 10 ** (len(str(self._end_ns)) - 1)
        step = max(1, next(step for step in (unit // 5, unit // 2, unit, 2 * unit) if self._end_ns <= 6 * step))
        times = range(0, self._end_ns, step)
        return [(self._at(time_ns) / _WIDTH * 100, text.duration(time_ns) if time_ns else "0") for time_ns in times]

    def _marks(
        self, found: Iterable[E], words: Callable[[E], str], went_wrong: Callable[[E], bool], wrong: str
    ) -> list[Mark]:
        moments: dict[int, list[E]] = {}
        for event in found:
            moments.setdefault(self._moment(event.time_ns), []).append(event)
        return [
            Mark(
                (moment + 0.5) * _WIDTH / _MOMENTS,
                wrong if any(map(went_wrong, there)) else "",
                _most_common(map(words, there)),
            )
            for moment, there in moments.items()
        ]

    def _chart(self) -> dict[str, Any]:
        """Bytes in each moment, as two outlines around the middle, and the highest value."""
        sent = [0] * _MOMENTS
        received = [0] * _MOMENTS
        for event in self._events:
            if isinstance(event, events.Sent | events.DatagramSent):
                sent[self._moment(event.time_ns)] += len(event.data)
            elif isinstance(event, events.Received | events.DatagramReceived):
                received[self._moment(event.time_ns)] += len(event.data)
        peak = max(*sent, *received)
        return {
            "sent": _outline(sent, peak, -1),
            "received": _outline(received, peak, 1),
            "peak": text.size(peak),
            "moment": text.duration(self._end_ns // _MOMENTS),
        }

    # ---- lines of tables

    def _gathered(self, found: Iterable[E], key: Callable[[E], Hashable]) -> list[Line]:
        first: dict[Hashable, E] = {}
        counts: Counter[Hashable] = Counter()
        for event in found:
            first.setdefault(key(event), event)
            counts[key(event)] += 1
        return [Line(text.duration(event.time_ns), counts[what], event) for what, event in first.items()]

    def _socket(self, lane: Lane) -> dict[str, Any]:
        peers = list(map(str, lane.peers))
        return {
            "lane": lane,
            "spans": [
                {
                    "state": one.state,
                    "x": self._at(one.begin_ns),
                    "width": self._at(one.end_ns - one.begin_ns),
                    "words": f"{one.state}, {text.duration(one.begin_ns)} to {text.duration(one.end_ns)}",
                }
                for one in lane.spans
            ],
            "end_x": self._at(lane.end_ns),
            "peer": f"{len(peers):,} peers" if len(peers) > 1 else "".join(peers),
            "end": printable("; ".join([*lane.failures[:3], lane.end])),
            "duration": text.duration(lane.end_ns - lane.begin_ns),
        }

    def _outputs(self) -> list[dict[str, Any]]:
        """The end of the output of each guest."""
        written: dict[tuple[int, str], list[bytes]] = {}
        for event in self._of(events.Wrote):
            written.setdefault((event.guest, event.stream), []).append(event.data)
        found = []
        for (guest, stream), pieces in sorted(written.items()):
            data = b"".join(pieces)
            left_out = max(0, len(data) - MOST_OUTPUT_BYTES)
            shown = text.readable(data[left_out:], keep="\n\t")
            found.append({"guest": guest, "stream": stream, "text": shown, "left_out": left_out})
        return found


def _in_words(decided: events.Decided) -> str:
    return printable(decided.use if decided.allowed else f"refused {decided.use}")


def _title(guests: Sequence[str]) -> str:
    names = list(dict.fromkeys(guests)) or ["A recording without guests"]
    return ", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")


def _chosen(sockets: Sequence[Lane]) -> list[Lane]:
    """As many as a page can show; rather those in trouble."""
    chosen = sorted(sockets, key=lambda lane: not lane.is_trouble)[:MOST_SOCKETS]
    return sorted(chosen, key=lambda lane: lane.number)


def _most_common(words: Iterable[str]) -> str:
    """`bind, connect × 3 and 2 others`."""
    counted = Counter(words).most_common()
    shown = [word if count == 1 else f"{word} × {count:,}" for word, count in counted[:5]]
    return ", ".join(shown) + (f" and {len(counted) - 5} others" if len(counted) > 5 else "")


def _outline(values: Sequence[int], peak: int, direction: int) -> str:
    """A path of SVG along the time axis: for each value that is not 0 a bar, from the middle at 0 to ±50."""
    width = _WIDTH / len(values)
    bars = (
        f"M{n * width:g} 0V{direction * 50 * value / peak:.3g}h{width:g}V0Z" for n, value in enumerate(values) if value
    )
    return "".join(bars)


def _by_path(calls: Iterable[events.HostCall]) -> list[dict[str, Any]]:
    """The calls of each function, those that took longest first."""
    by_path: dict[str, list[events.HostCall]] = {}
    for event in calls:
        by_path.setdefault(event.path, []).append(event)
    lines = [
        {
            "path": text.call(path),
            "count": len(there),
            "errors": _most_common(printable(one.error) for one in there if one.error),
            "total_ns": sum(one.duration_ns for one in there),
            "longest": text.duration(max(one.duration_ns for one in there)),
        }
        for path, there in by_path.items()
    ]
    return sorted(lines, key=lambda line: -line["total_ns"])
