"""`RecordingNetwork`: a network around another one that notes all that goes through.

Theory of operation. The outcome of every call is noted, once; a call that raised `BlockingIOError` will be tried again.
A socket remembers facts that the network might not give again: its last local address, and that it has ended or was
closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Callable, Sequence
from typing import TypeVar

from wasihost._base.clock import Clock
from wasihost._network.base import (
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
from wasihost._network.wrapping import DatagramSocketAround, EndpointAround, NetworkAround, SocketAround
from wasihost._recording import events
from wasihost._recording.events import Event
from wasihost._recording.recording import Recorder, Recording
from wasihost._recording.transcript import error_name

E = TypeVar("E", bound=Endpoint)


def _note(recorder: Recorder, made: Endpoint, event: Event) -> None:
    """Notes that a socket is there, and closes it if that fails: its guest will not get it."""
    try:
        recorder.add(event)
    except BaseException:
        made.close()
        raise


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
        recorder = self._recorder
        number = self.recording.new_socket()
        with recorder.noting_failure(number, "create"):
            inner = self.inner.tcp_socket(family)
        _note(recorder, inner, events.Created(*recorder.now(), number, "tcp", family))
        return RecordingSocket(inner, recorder, number, WILDCARD[family])

    def udp_socket(self, family: Family) -> DatagramSocket:
        recorder = self._recorder
        number = self.recording.new_socket()
        with recorder.noting_failure(number, "create"):
            inner = self.inner.udp_socket(family)
        _note(recorder, inner, events.Created(*recorder.now(), number, "udp", family))
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
    """Common base of both kinds of socket."""

    __slots__ = ("_is_closed", "_local", "_recorder", "number")

    def __init__(self, inner: E, recorder: Recorder, number: int, local: Address) -> None:
        super().__init__(inner)
        self._recorder = recorder
        self.number = number
        self._local = local
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

    def wait_readable(self, callback: Callable[[], None]) -> None:
        self.inner.wait_readable(functools.partial(self._ready, "read", callback))

    def wait_writable(self, callback: Callable[[], None]) -> None:
        self.inner.wait_writable(functools.partial(self._ready, "write", callback))

    def _ready(self, direction: events.Direction, callback: Callable[[], None]) -> None:
        self._add(events.Ready(*self._now(), direction))
        callback()

    # ---- for both

    def _now(self) -> tuple[int, int, int]:
        """The first three fields of an event of this socket that happens now."""
        return (*self._recorder.now(), self.number)

    def _add(self, event: Event) -> None:
        self._recorder.add(event)

    def _noting_failure(self, call: str, remote: Address | None = None) -> contextlib.AbstractContextManager[None]:
        return self._recorder.noting_failure(self.number, call, remote)

    def _here(self) -> Address:
        """The local address as far as the network knows it: macOS does not after a reset."""
        with contextlib.suppress(OSError):
            self._local = self.inner.local_address()
        return self._local

    def _closed(self, kind: type[events.Aborted | events.Closed]) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._add(kind(*self._now()))


class RecordingSocket(_RecordingEndpoint[Socket], SocketAround):
    """A TCP socket that notes all that goes through it."""

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
        _note(self._recorder, accepted, events.Accepted(*self._now(), number, made._here(), peer))
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
            self._add(events.Received(*self._now(), self._recorder.recording.kept(view[:size])))
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
            self._add(events.Sent(*self._now(), self._recorder.recording.kept(view[:size])))
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
    """A UDP socket that notes all that goes through it."""

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
        self._add(events.DatagramReceived(*self._now(), self._recorder.recording.kept(data), sender))
        return data, sender

    def send_to(self, data: bytes, address: Address | None) -> None:
        remote = address or self._remote
        with self._noting_failure("send_to", remote):
            self.inner.send_to(data, address)
        assert remote is not None  # else it failed
        self._add(events.DatagramSent(*self._now(), self._recorder.recording.kept(data), remote))
