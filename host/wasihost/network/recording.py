"""What went between guests and the outside world: `Recording`, and `RecordingNetwork`, which makes one.

    recording = Recording()
    Host(network=network, recording=recording, …).run("guest.wasm")
    recording.save("run.jsonl")

Theory of operation. `RecordingNetwork` stands around another network and notes the outcome of every call, once: what
raised `BlockingIOError` will be tried again. A recording is a list that only grows; `subscribe` follows it. Sockets and
guests are numbered by the recording, so several networks and hosts may share one; all of its times are from one clock,
that of whoever wrote into it first. `Recording(to=path)` keeps nothing in memory: each event is a line of the file.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Protocol, Self, TypeVar

from wasihost.clock import Clock, OsClock
from wasihost.network import events
from wasihost.network.base import (
    WILDCARD,
    Address,
    DatagramSocket,
    Endpoint,
    Family,
    IpAddress,
    Network,
    Option,
    Socket,
)
from wasihost.network.events import Event
from wasihost.network.transcript import Header, error_name, event_line, header_line, read
from wasihost.network.wrapping import DatagramSocketAround, EndpointAround, NetworkAround, SocketAround

E = TypeVar("E", bound=Endpoint)


class Recording:
    """The events of one or more guests, in their order.

    `to`: a file that gets them as they come, instead of `events`, for runs that take long; close the recording then, or
    use it as a context manager. `clock`: what its times are from; by default the clock of the first host that writes
    into it. Errors: OSError, of that file.
    """

    def __init__(self, *, to: str | os.PathLike[str] | None = None, clock: Clock | None = None) -> None:
        self.events: list[Event] = []
        self.header = Header()
        self._clock: Clock | None = None
        self._began_ns = 0
        self._sockets = self._guests = 0
        self._listeners: list[Callable[[Event], object]] = []
        self._file: IO[bytes] | None = None if to is None else open(to, "wb")  # noqa: SIM115, `close` does
        if clock is not None:
            self.use_clock(clock)

    # ---- reading

    def subscribe(self, listener: Callable[[Event], object]) -> Callable[[], None]:
        """Calls `listener` with every event from now on, as it happens; gives what ends that.

        What it raises ends the guest that is being recorded.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a transcript, which `load` reads. Errors: OSError."""
        with open(path, "wb") as file:
            file.write(header_line(self.header))
            file.writelines(map(event_line, self.events))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Recording:
        """The recording that a transcript holds. Errors: RecordingError, naming the line; OSError."""
        with Path(path).open("rb") as file:
            header, found = read(file, os.fspath(path))
        recording = cls()
        recording.header, recording.events = header, found
        return recording

    @property
    def seed(self) -> int | None:
        """What made the first guest's random numbers repeat themselves, if it had a seed."""
        return next((event.seed for event in self.events if isinstance(event, events.GuestStarted)), None)

    # ---- writing

    def add(self, event: Event) -> None:
        """Appends an event."""
        if self._file is None:
            self.events.append(event)
        else:
            self._file.write(event_line(event))
        for listener in tuple(self._listeners):
            listener(event)

    def use_clock(self, clock: Clock) -> None:
        """Takes its times from this clock, unless it has one; it begins now."""
        if self._clock is None:
            self._clock, self._began_ns = clock, clock.monotonic_ns()
            self.header = Header(clock.system_ns())
            if self._file is not None:
                self._file.write(header_line(self.header))

    def now_ns(self) -> int:
        """The time since it began."""
        if self._clock is None:
            self.use_clock(OsClock())
        assert self._clock is not None
        return self._clock.monotonic_ns() - self._began_ns

    def new_socket(self) -> int:
        """The number of the next socket."""
        self._sockets += 1
        return self._sockets

    def new_guest(self) -> int:
        """The number of the next guest."""
        self._guests += 1
        return self._guests

    def flush(self) -> None:
        """The file that it writes to has all of its events."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Closes the file that it writes to, if there is one; a recording in memory stays as it is."""
        if self._file is not None:
            self.use_clock(OsClock())  # one without events has a header too
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Decision(Protocol):
    """What `Recorder.decided` needs to know of a policy's answer."""

    @property
    def use(self) -> str: ...
    @property
    def address(self) -> Address | None: ...
    @property
    def names(self) -> Sequence[str]: ...
    @property
    def allowed(self) -> bool: ...
    @property
    def rule(self) -> str | None: ...


class Recorder:
    """Writes into a recording what happens to one guest."""

    __slots__ = ("guest", "recording")

    def __init__(self, recording: Recording, guest: int = 0) -> None:
        self.recording, self.guest = recording, guest

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
                *self.now(), decision.use, decision.address, tuple(decision.names), decision.allowed, decision.rule
            )
        )

    def wrote(self, stream: Literal["stdout", "stderr"], data: bytes) -> None:
        """The guest wrote to a standard stream."""
        self.add(events.Wrote(*self.now(), stream, data))

    def called(self, path: str, began_ns: int, error: str | None) -> None:
        """A call that began at `began_ns` of this recording is over."""
        time_ns, guest = self.now()
        self.add(events.HostCall(time_ns, guest, path, time_ns - began_ns, error))

    def ended(self, exit_code: int | None, error: str | None) -> None:
        """The guest is over."""
        self.add(events.GuestEnded(*self.now(), exit_code, error))
        self.recording.flush()

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


class RecordingNetwork(NetworkAround):
    """Notes all that goes through `inner` in a recording, in a new one if none is given: `network.recording`."""

    def __init__(
        self, inner: Network, recording: Recording | None = None, clock: Clock | None = None, guest: int = 0
    ) -> None:
        super().__init__(inner)
        self.recording = Recording() if recording is None else recording
        if clock is not None:
            self.recording.use_clock(clock)
        self._recorder = Recorder(self.recording, guest)

    def tcp_socket(self, family: Family) -> Socket:
        recorder, number = self._recorder, self.recording.new_socket()
        with recorder.noting_failure(number, "create"):
            inner = self.inner.tcp_socket(family)
        recorder.add(events.Created(*recorder.now(), number, "tcp", family))
        return RecordingSocket(inner, recorder, number, WILDCARD[family])

    def udp_socket(self, family: Family) -> DatagramSocket:
        recorder, number = self._recorder, self.recording.new_socket()
        with recorder.noting_failure(number, "create"):
            inner = self.inner.udp_socket(family)
        recorder.add(events.Created(*recorder.now(), number, "udp", family))
        return RecordingDatagramSocket(inner, recorder, number, WILDCARD[family])

    async def resolve(self, name: str) -> Sequence[IpAddress]:
        recorder = self._recorder
        try:
            found = await self.inner.resolve(name)
        except asyncio.CancelledError:
            recorder.add(events.Resolved(*recorder.now(), name, (), "ECANCELED"))
            raise
        except OSError as error:
            recorder.add(events.Resolved(*recorder.now(), name, (), error_name(error)))
            raise
        recorder.add(events.Resolved(*recorder.now(), name, tuple(found), None))
        return found


class _RecordingEndpoint(EndpointAround[E]):
    """What both kinds of socket do alike."""

    __slots__ = ("_is_closed", "_local", "_recorder", "number")

    def __init__(self, inner: E, recorder: Recorder, number: int, local: Address) -> None:
        super().__init__(inner)
        self._recorder, self.number, self._local = recorder, number, local
        self._is_closed = False

    def bind(self, address: Address) -> None:
        with self._noting_failure("bind", address):
            self.inner.bind(address)
        self._add(events.Bound(*self._now(), address, self._here()))

    def close(self) -> None:
        self.inner.close()
        self._closed(events.Closed)

    def local_address(self) -> Address:
        with self._noting_failure("local_address"):
            found = self.inner.local_address()
        self._add(events.AddressRead(*self._now(), "local", found))
        return found

    def remote_address(self) -> Address:
        with self._noting_failure("remote_address"):
            found = self.inner.remote_address()
        self._add(events.AddressRead(*self._now(), "remote", found))
        return found

    def get_option(self, option: Option) -> int:
        with self._noting_failure("get_option"):
            value = self.inner.get_option(option)
        self._add(events.OptionRead(*self._now(), option, value))
        return value

    def set_option(self, option: Option, value: int) -> None:
        with self._noting_failure("set_option"):
            self.inner.set_option(option, value)
        self._add(events.OptionSet(*self._now(), option, value))

    # ---- for both

    def _now(self) -> tuple[int, int, int]:
        """The first three fields of an event of this socket that happens now."""
        return (*self._recorder.now(), self.number)

    def _add(self, event: Event) -> None:
        self._recorder.add(event)

    def _noting_failure(self, call: str, remote: Address | None = None) -> contextlib.AbstractContextManager[None]:
        return self._recorder.noting_failure(self.number, call, remote)

    def _here(self) -> Address:
        """The local address as far as the network tells it: macOS does not after a reset."""
        with contextlib.suppress(OSError):
            self._local = self.inner.local_address()
        return self._local

    def _closed(self, kind: type[events.Aborted | events.Closed]) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._add(kind(*self._now()))


class RecordingSocket(_RecordingEndpoint[Socket], SocketAround):
    """A TCP socket that notes what goes through it."""

    __slots__ = ("_connecting_to", "_has_ended")

    def __init__(self, inner: Socket, recorder: Recorder, number: int, local: Address) -> None:
        super().__init__(inner, recorder, number, local)
        self._connecting_to: Address | None = None
        self._has_ended = False

    def connect(self, address: Address) -> None:
        with self._noting_failure("connect", address):
            self.inner.connect(address)
        self._connecting_to = address
        self._add(events.Connecting(*self._now(), self._here(), address))

    def finish_connect(self) -> None:
        with self._noting_failure("finish_connect", self._connecting_to):
            self.inner.finish_connect()
        if self._connecting_to is not None:
            self._add(events.Connected(*self._now(), self._here(), self._connecting_to))
            self._connecting_to = None  # once is enough

    def listen(self, backlog: int) -> None:
        with self._noting_failure("listen"):
            self.inner.listen(backlog)
        self._add(events.Listening(*self._now(), backlog, self._here()))

    def accept(self) -> tuple[Socket, Address]:
        with self._noting_failure("accept"):
            return super().accept()

    def around(self, accepted: Socket, peer: Address) -> Socket:
        number = self._recorder.recording.new_socket()
        made = RecordingSocket(accepted, self._recorder, number, self._local)
        self._add(events.Accepted(*self._now(), number, made._here(), peer))
        return made

    def abort(self) -> None:
        self.inner.abort()
        self._closed(events.Aborted)

    def recv_into(self, view: memoryview) -> int:
        try:
            size = self.inner.recv_into(view)
        except BlockingIOError:
            raise
        except OSError as error:
            self._recorder.failed(self.number, "recv_into", error)
            raise
        if size:
            self._add(events.Received(*self._now(), bytes(view[:size])))
        elif not self._has_ended:
            self._has_ended = True
            self._add(events.ReceivedEnd(*self._now()))
        return size

    def send(self, view: memoryview) -> int:
        try:
            size = self.inner.send(view)
        except BlockingIOError:
            raise
        except OSError as error:
            self._recorder.failed(self.number, "send", error)
            raise
        if size:
            self._add(events.Sent(*self._now(), bytes(view[:size])))
        return size

    def shutdown_read(self) -> None:
        with self._noting_failure("shutdown_read"):
            self.inner.shutdown_read()
        self._add(events.ShutDown(*self._now(), "read"))

    def shutdown_write(self) -> None:
        with self._noting_failure("shutdown_write"):
            self.inner.shutdown_write()
        self._add(events.ShutDown(*self._now(), "write"))


class RecordingDatagramSocket(_RecordingEndpoint[DatagramSocket], DatagramSocketAround):
    """A UDP socket that notes what goes through it."""

    __slots__ = ("_remote",)

    def __init__(self, inner: DatagramSocket, recorder: Recorder, number: int, local: Address) -> None:
        super().__init__(inner, recorder, number, local)
        self._remote: Address | None = None

    def connect(self, address: Address) -> None:
        with self._noting_failure("connect", address):
            self.inner.connect(address)
        self._remote = address
        self._add(events.Connected(*self._now(), self._here(), address))

    def disconnect(self) -> None:
        with self._noting_failure("disconnect"):
            self.inner.disconnect()
        self._remote = None
        self._add(events.Disconnected(*self._now(), self._here()))

    def recv_from(self) -> tuple[bytes, Address]:
        with self._noting_failure("recv_from"):
            data, sender = self.inner.recv_from()
        self._add(events.DatagramReceived(*self._now(), data, sender))
        return data, sender

    def send_to(self, data: bytes, address: Address | None) -> None:
        remote = address or self._remote
        with self._noting_failure("send_to", remote):
            self.inner.send_to(data, address)
        assert remote is not None  # else it failed
        self._add(events.DatagramSent(*self._now(), bytes(data), remote))
