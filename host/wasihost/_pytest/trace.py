"""The events of the guests of a test, to be asserted on and to be read."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from typing import TypeVar

from wasihost._recording import Recording
from wasihost._recording.events import Event, HostCall
from wasihost._recording.pictures.trace import Trace as LineTrace

E = TypeVar("E", bound=Event)


class Trace:
    """The events of a test's guests, in their order; its text has a line for each, as `wasihost run --trace`.

    `"connected to" in trace` looks for words in a line, `Connected in trace` for an event of that class.
    """

    def __init__(self, recording: Recording) -> None:
        self.recording = recording

    @property
    def events(self) -> list[Event]:
        """All of them, from `wasihost.recording.events`."""
        return self.recording.events

    @property
    def lines(self) -> list[str]:
        """The text, without calls of host functions that went well."""
        written = io.StringIO()
        trace = LineTrace(written, colours=False)
        for event in self.events:
            if not isinstance(event, HostCall) or event.error is not None:
                trace(event)
        trace.close()
        return written.getvalue().splitlines()

    def of(self, kind: type[E]) -> list[E]:
        """The events of one class, such as `Connected`."""
        return [event for event in self.events if isinstance(event, kind)]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the recording, which `Recording.load` reads and `ReplayNetwork` plays. Errors: OSError."""
        self.recording.save(path)

    def __contains__(self, what: object) -> bool:
        if isinstance(what, type):
            return any(isinstance(event, what) for event in self.events)
        if isinstance(what, Event):
            return what in self.events
        if isinstance(what, str):
            return any(what in line for line in self.lines)
        raise TypeError(f"in a trace: expected words of a line or a class of events, got {what!r}")

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def __repr__(self) -> str:
        return f"<Trace of {len(self)} events>\n{self}"
