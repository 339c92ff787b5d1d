"""All that passed between guests and the outside world: `Recording`, and its writers.

    recording = Recording()
    Host(network=network, recording=recording, …).run("guest.wasm")
    recording.save("run.jsonl")

Theory of operation. A recording is a list that only grows; `subscribe` follows it. Sockets and guests are numbered by
the recording, so several networks and hosts may share one; all of its times are from one clock, that of whoever wrote
into it first. `Recording(to=path)` keeps nothing in memory: each event is a line that is written at once, so that no
event is lost when the process is killed.
"""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import IO, ClassVar, Literal, Self

from wasihost._base import files, forks
from wasihost._base.clock import Clock, RunningClock
from wasihost._base.errors import RecordingError
from wasihost._network.base import Address
from wasihost._policy import Decision, HttpUse
from wasihost._recording import events
from wasihost._recording.events import Event
from wasihost._recording.transcript import Header, error_name, event_line, header_line, read

FORKED = "is the recording of the process that this one was forked from: record each process in a file of its own"


class Recording:
    """The events of one or more guests, in their order.

    `to`: a file that gets them as they come, instead of `events`, for runs that take long; close the recording then, or
    use it as a context manager. `keep`: whether `events` has them too if there is a file. `clock`: the source of its
    times; by default the clock of the first host that writes into it. Errors: OSError if the file cannot be opened,
    RecordingError from later writes, ForkError from a forked process.
    """

    keeps_bytes: ClassVar[bool] = True
    """Whether events have the bytes that passed, or only their number."""

    def __init__(
        self, *, to: str | os.PathLike[str] | None = None, keep: bool = False, clock: Clock | None = None
    ) -> None:
        self.events: list[Event] = []
        self._keeps = keep or to is None
        self.header = Header()
        self._clock: Clock | None = None
        self._began_ns = 0
        self._sockets = 0
        self._guests = 0
        self._open_files = 0
        self._by_guest: defaultdict[int, list[tuple[int, Event]]] = defaultdict(list)
        self._indexed = 0
        self._listeners: list[Callable[[Event], object]] = []
        self._forks = forks.count()
        self._file: IO[bytes] | None = None
        self._name = to
        if to is not None:
            self._file = open(to, "wb", opener=files.private)  # noqa: SIM115, `close` does
        if clock is not None:
            self.use_clock(clock)

    def __repr__(self) -> str:
        return f"<Recording of {len(self.events)} events>" if self._keeps else f"<Recording to {self._name}>"

    # ---- reading

    def subscribe(self, listener: Callable[[Event], object]) -> Callable[[], None]:
        """Calls `listener` with every event from now on, as it happens; returns a callable that ends that.

        An exception of the listener ends the guest that is being recorded.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def of_guest(self, guest: int | None) -> list[tuple[int, Event]]:
        """The events of one guest, by number, or of all for None; each with its place in `events`."""
        if guest is None:
            return list(enumerate(self.events))
        for place in range(self._indexed, len(self.events)):
            event = self.events[place]
            self._by_guest[event.guest].append((place, event))
        self._indexed = len(self.events)
        return self._by_guest.get(guest, [])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a transcript, which `load` reads, and only this user. Errors: OSError."""
        with open(path, "wb", opener=files.private) as file:
            file.write(header_line(self.header))
            file.writelines(map(event_line, self.events))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Recording:
        """The recording that a transcript holds. Errors: RecordingError, naming the line; OSError."""
        with open(path, "rb", opener=files.regular) as file:
            header, found = read(file, os.fspath(path))
        recording = cls()
        recording.header = header
        recording.events = found
        return recording

    @property
    def seed(self) -> int | None:
        """The seed of the first guest's random numbers, if it had one."""
        return next((event.seed for event in self.events if isinstance(event, events.GuestStarted)), None)

    # ---- writing

    def add(self, event: Event) -> None:
        """Appends an event."""
        if self._keeps:
            self.events.append(event)
        if self._file is not None:
            self._write(event_line(event))
        for listener in tuple(self._listeners):
            listener(event)

    def kept(self, data: bytes | memoryview) -> bytes:
        """These bytes as an event has them."""
        return bytes(data) if self.keeps_bytes else events.Omitted(len(data))

    def use_clock(self, clock: Clock) -> None:
        """Takes its times from this clock, unless it has one; it begins now."""
        if self._clock is None:
            self._clock = clock
            self._began_ns = clock.monotonic_ns()
            self.header = Header(clock.system_ns())
            if self._file is not None:
                self._write(header_line(self.header))

    def now_ns(self) -> int:
        """The time since it began."""
        if self._clock is None:
            self.use_clock(RunningClock())
        assert self._clock is not None
        return self._clock.monotonic_ns() - self._began_ns

    def new_socket(self) -> int:
        """The number of the next socket."""
        self._sockets += 1
        return self._sockets

    def new_file(self) -> int:
        """The number of the next file or directory that is opened."""
        self._open_files += 1
        return self._open_files

    def new_guest(self) -> int:
        """The number of the next guest."""
        self._guests += 1
        return self._guests

    def close(self) -> None:
        """Closes the file that it writes to, if there is one; a recording in memory stays as it is."""
        if self._file is not None:
            self.use_clock(RunningClock())  # one without events has a header too
            with self._writing():
                self._file.close()

    def _write(self, line: bytes) -> None:
        assert self._file is not None
        forks.check(self._forks, f"{self._file.name} {FORKED}")
        with self._writing():
            self._file.write(line)
            self._file.flush()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Makes an OSError one of the recording: the guest would take it for one of the network."""
        try:
            yield
        except OSError as error:
            assert self._file is not None
            raise RecordingError(f"{self._file.name} cannot be written: {error.strerror}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Observed(Recording):
    """Keeps no events and no bytes, and only calls its listener."""

    keeps_bytes = False

    def __init__(self, listener: Callable[[Event], object]) -> None:
        super().__init__()
        self._keeps = False
        self.subscribe(listener)


class Recorder:
    """Writes the events of one guest into a recording."""

    __slots__ = ("guest", "recording")

    def __init__(self, recording: Recording, guest: int = 0) -> None:
        self.recording = recording
        self.guest = guest

    @classmethod
    def started(cls, recording: Recording, name: str, args: Sequence[str] = (), seed: int | None = None) -> Recorder:
        """A recorder for a guest that starts now."""
        recorder = cls(recording, recording.new_guest())
        recorder.add(events.GuestStarted(*recorder.now(), name, tuple(args), seed))
        return recorder

    def now(self) -> tuple[int, int]:
        """The first two fields of an event that happens now."""
        return self.recording.now_ns(), self.guest

    def add(self, event: Event) -> None:
        """Appends an event."""
        self.recording.add(event)

    def decided(self, decision: Decision) -> None:
        """The policy answered."""
        self.add(
            events.Decided(
                *self.now(),
                decision.use.value,
                decision.address,
                _about(decision),
                decision.allowed,
                decision.rule,
            )
        )

    def wrote(self, stream: Literal["stdout", "stderr"], data: bytes) -> None:
        """The guest wrote to a standard stream."""
        self.add(events.Wrote(*self.now(), stream, self.recording.kept(data)))

    def called(self, path: str, began_ns: int, error: str | None) -> None:
        """Adds a call that began at `began_ns` of this recording and has ended."""
        time_ns, guest = self.now()
        self.add(events.HostCall(time_ns, guest, path, time_ns - began_ns, error))

    def ended(self, exit_code: int | None, error: str | None) -> None:
        """Adds the end of the guest."""
        self.add(events.GuestEnded(*self.now(), exit_code, error))

    @contextlib.contextmanager
    def noting_failure(self, socket: int, call: str, remote: Address | None = None) -> Iterator[None]:
        """Notes an OSError that is more than that nothing can be done yet."""
        try:
            yield
        except BlockingIOError:
            raise
        except OSError as error:
            self.failed(socket, call, error, remote)
            raise

    def failed(self, socket: int, call: str, error: OSError, remote: Address | None = None) -> None:
        """A call of the network failed."""
        self.add(events.Failed(*self.now(), socket, call, error_name(error), remote))


def _about(decision: Decision) -> tuple[str, ...]:
    """The `names` of the event of a decision."""
    if decision.use is HttpUse.REQUEST and decision.request is not None:
        return (decision.request,)
    return decision.names if decision.path is None else (decision.path,)
