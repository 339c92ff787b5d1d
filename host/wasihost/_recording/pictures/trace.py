"""A recording while it happens, a line for each event: `Trace`.

    recording.subscribe(Trace(sys.stderr))

Theory of operation. A line is written and flushed within the call that reports the event, so it is where it belongs
among other lines of that stream. Of events that come in numbers, bytes of one direction of a socket or calls of one
function, a few a second get a line each, and the others one together: before the next line of the same socket or guest,
or when the second has passed and something else happens. Text from guests and peers is escaped: no byte of theirs
reaches the terminal as it is.
"""

from __future__ import annotations

import os
from typing import IO, Final

from wasihost._base.clock import NS_PER_S
from wasihost._base.frozen import Frozen
from wasihost._base.quoting import printable
from wasihost._base.terminals import coloured, may_have_colours
from wasihost._recording import events
from wasihost._recording.pictures import text
from wasihost._recording.pictures.lanes import TROUBLE

MOST_LINES: Final = 10
"""So many lines of a kind in a second, before they are gathered."""
_EXCERPT: Final = 48
_CALLS: Final = {"finish_connect": "connect", "recv_into": "receive", "recv_from": "receive", "send_to": "send"}
# SGR codes, ECMA-48 8.3.117
_STYLES: Final = {"sent": "36", "received": "35", "state": "1", "quiet": "2", "odd": "33", "bad": "1;31"}


class _Line(Frozen):
    """The text for an event. `burst`: a word for those that it may be gathered with, of `size` bytes."""

    style: str
    arrow: str
    words: str
    burst: str = ""
    size: int = 0


class _Burst:
    """Lines of a kind within a second: their number, and the text that is still to be written."""

    def __init__(self, line: _Line, began_ns: int) -> None:
        self.line = line
        self.began_ns = began_ns
        self.last_ns = began_ns
        self.lines = 0
        self.more = 0
        self.size = 0


class Trace:
    """A listener for `Recording.subscribe` that writes to `stream`.

    `colours`: whether it may; by default if the stream is a terminal, unless NO_COLOR or FORCE_COLOR says otherwise.
    """

    def __init__(self, stream: IO[str], *, colours: bool | None = None) -> None:
        self._stream = stream
        self._colours = may_have_colours(stream, os.environ) if colours is None else colours
        self._bursts: dict[tuple[str, str], _Burst] = {}  # by whose, and the word; the oldest first
        self._is_in_line = False
        self._is_unread = False

    def __call__(self, event: events.Event) -> None:
        """Writes the text for it."""
        self._tell_until(event.time_ns - NS_PER_S)
        if isinstance(event, events.Wrote):
            if event.stream == "stderr":
                self._is_in_line = not event.data.endswith(b"\n")
            return
        line = _line(event)
        who = _who(event)
        if line is not None and not (line.burst and self._is_gathered(who, line, event.time_ns)):
            if not line.burst:
                self._tell_all(who)
            self._write(event.time_ns, who, line.style, line.arrow, line.words)
        if isinstance(event, events.GuestEnded):
            self.close()

    def _tell_until(self, time_ns: int) -> None:
        """Writes the lines held back of the bursts that began by then."""
        for key, burst in tuple(self._bursts.items()):
            if burst.began_ns > time_ns:
                break
            self._tell(key)

    def close(self) -> None:
        """Writes the lines held back."""
        for key in tuple(self._bursts):
            self._tell(key)

    # ---- bursts of events

    def _is_gathered(self, who: str, line: _Line, time_ns: int) -> bool:
        burst = self._bursts.get((who, line.burst))
        if burst is None:
            burst = self._bursts[who, line.burst] = _Burst(line, time_ns)
        burst.lines += 1
        if burst.lines <= MOST_LINES:
            return False
        burst.more += 1
        burst.size += line.size
        burst.last_ns = time_ns
        return True

    def _tell_all(self, who: str) -> None:
        for key in [key for key in self._bursts if key[0] == who]:
            self._tell(key)

    def _tell(self, key: tuple[str, str]) -> None:
        burst = self._bursts.pop(key)
        if burst.more:
            line = burst.line
            what = line.burst if not burst.size else text.size(burst.size)
            self._write(burst.last_ns, key[0], line.style, line.arrow, f"{burst.more:,} more, {what}")

    # ---- lines

    def _write(self, time_ns: int, who: str, style: str, arrow: str, words: str) -> None:
        if self._is_unread:
            return
        line = f"{arrow:1} {words}"
        if self._colours and style:
            line = coloured(line, _STYLES[style])
        begin = "\n" if self._is_in_line else ""
        self._is_in_line = False
        try:
            self._stream.write(f"{begin}{time_ns / NS_PER_S:11.6f} {who:>8} {line}\n")
            self._stream.flush()
        except BrokenPipeError:
            self._is_unread = True  # the guest goes on


def _who(event: events.Event) -> str:
    match event:
        case events.Accepted(accepted=number) | events.SocketEvent(socket=number):
            return f"#{number}"
        case events.FileEvent(file=number):
            return f"file {number}"
    return f"guest {event.guest}"


def _excerpt(data: bytes) -> str:
    shown = text.readable(data[:_EXCERPT])
    more = " …" if len(data) > _EXCERPT or len(shown) > _EXCERPT else ""
    return f"{text.size(len(data)):>9}  {shown[:_EXCERPT]}{more}".rstrip()


def _line(event: events.Event) -> _Line | None:
    """The text; None if there is none."""
    match event:
        case events.Sent(data=data):
            return _Line("sent", "→", _excerpt(data), "sent", len(data))
        case events.Received(data=data):
            return _Line("received", "←", _excerpt(data), "received", len(data))
        case events.DatagramSent(data=data, remote=remote):
            return _Line("sent", "→", f"{_excerpt(data)}  to {remote}", "sent", len(data))
        case events.DatagramReceived(data=data, remote=remote):
            return _Line("received", "←", f"{_excerpt(data)}  from {remote}", "received", len(data))
        case events.HostCall(path=path, duration_ns=ns, error=error):
            style, became = ("odd", f", {printable(error)}") if error else ("quiet", "")
            return _Line(style, "", f"{text.call(path)}: {text.duration(ns)}{became}", f"{text.call(path)}{became}")
        case events.Failed(call=call, error=error, remote=remote):
            about = f" {remote}" if remote else ""
            style = "bad" if call in TROUBLE else "quiet"
            return _Line(style, "×", f"{printable(_CALLS.get(call, call))}{about}: {printable(error)}")
        case events.Decided(use=use, address=address, names=names, allowed=allowed):
            answer = "allows" if allowed else "refuses"
            words = f"the policy {answer} {printable(use)} {text.known_as(address, names)}: {text.reason(event)}"
            words = words.removesuffix(": ")
            return _Line("quiet" if allowed else "bad", "" if allowed else "×", words)
        case events.HttpExchange(way=way):
            return _Line("bad" if event.error else "", "←" if way == "in" else "→", text.exchange(event))
        case events.FileRead(data=data):
            return _Line("received", "←", _excerpt(data), "read", len(data))
        case events.FileWritten(data=data):
            return _Line("sent", "→", _excerpt(data), "written", len(data))
        case events.FileCalled():
            return _Line("quiet", "", _file_call(event), f"{printable(event.call)}")
        case events.Resolved(name=name):
            return _Line("bad" if event.error else "", "", f"{printable(name)}: {text.answer(event)}")
    arrow, words = _change(event)
    return _Line("state", arrow, words) if words else None


def _file_call(event: events.FileCalled) -> str:
    """`open(a.txt, …): file 3`: the call, its arguments and its result."""
    answer = event.error or " ".join(event.answers[:2] if event.call == "open" else event.answers)
    words = printable(f"{event.call}({', '.join(event.arguments)}): {answer}").removesuffix(": ")
    return words if len(words) <= 2 * _EXCERPT else words[: 2 * _EXCERPT] + "…"


def _change(event: events.Event) -> tuple[str, str]:
    """How the state of a socket or guest changed; no words if it did not."""
    match event:
        case events.GuestStarted(name=name, args=args):
            return "", f"{printable(name)} starts: {printable(' '.join(args))}".removesuffix(": ")
        case events.GuestEnded():
            return "", f"ends: {text.outcome(event)}"
        case events.Created(protocol=protocol, family=family):
            return "", f"{protocol} socket for IPv{family}, of guest {event.guest}"
        case events.Bound(local=local):
            return "", f"bound to {local}"
        case events.Connecting(local=local, remote=remote):
            return "→", f"connecting to {remote}, from {local}"
        case events.Connected(local=local, remote=remote):
            return "", f"connected to {remote}, from {local}"
        case events.Disconnected():
            return "", "disconnected"
        case events.Listening(backlog=backlog, local=local):
            return "", f"listening on {local}, backlog {backlog}"
        case events.Accepted(socket=number, local=local, remote=remote):
            return "←", f"accepted by #{number} from {remote}, at {local}"
        case events.ReceivedEnd():
            return "←", "end"
        case events.ShutDown(direction=direction):
            return ("→", "end") if direction == "write" else ("", "receives no more")
        case events.Aborted():
            return "→", "reset"
        case events.Closed() | events.FileClosed():
            return "", "closed"
        case events.DirectoryGiven(name=name, guest=guest, read_only=read_only):
            return "", f"{printable(name)} is given to guest {guest}{', read-only' if read_only else ''}"
        case events.OptionSet(option=option, value=value):
            return "", f"{option.name.lower()} set to {value}"
    return "", ""
