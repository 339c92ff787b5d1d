"""The sockets of a `ReplayNetwork`: they compare the guest's calls with their scripts, and give the next answers."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Final

from wasihost._network.base import Address, DatagramSocket, Endpoint, Option, Socket, os_error
from wasihost._recording import events
from wasihost._recording.events import Event
from wasihost._recording.replay.divergence import differing_bytes, line
from wasihost._recording.replay.playback import NEVER, NOW, Playback, Script, Step, Wait, is_act
from wasihost._recording.transcript import error_from_name

_READY: Final = {
    **dict.fromkeys(("accept", "recv_into", "recv_from"), "ready_read"),
    **dict.fromkeys(("finish_connect", "send", "send_to"), "ready_write"),
}
"""The events that each call may have waited for."""


class _ReplayEndpoint(Endpoint):
    """Common base of the sockets of both protocols."""

    __slots__ = ("_is_closed", "_local", "_playback", "_reading", "_remote", "_script", "_writing", "number")

    def __init__(
        self, playback: Playback, number: int, script: Script, local: Address, remote: Address | None = None
    ) -> None:
        self._playback = playback
        self.number = number
        self._script = script
        self._local = local
        self._remote = remote
        self._reading: Wait | None = None
        self._writing: Wait | None = None
        self._is_closed = False

    def __str__(self) -> str:
        if self._remote is not None:
            return f"socket {self.number} to {self._remote}"
        return f"socket {self.number} on {self._local}" if self._local.port else f"socket {self.number}"

    def bind(self, address: Address) -> None:
        event = self._act("bind", address)
        assert isinstance(event, events.Bound)
        self._local = event.local

    def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        self.cancel_readable()
        self.cancel_writable()
        self._playback.unrecorded.pop(self.number, None)
        missing = self._script.missing_act()
        if missing is not None:
            self._playback.diverge(f"{self} is closed, but recorded is next: {missing}")
        elif self._script.next("close") is not None:
            self._happened("close")

    # Questions may be more than were recorded: a `RecordingNetwork` around this one asks too.

    def local_address(self) -> Address:
        self._ask("local_address")
        return self._local

    def remote_address(self) -> Address:
        self._ask("remote_address")
        if self._remote is None:
            raise os_error(errno.ENOTCONN)
        return self._remote

    def _ask(self, call: str) -> None:
        """Raises the error that was recorded for a question; its answer is known from elsewhere."""
        self._check()
        if self._script.next(call) is not None:
            self._happened(call)

    def get_option(self, option: Option) -> int:
        event = self._act("get_option", option)
        assert isinstance(event, events.OptionRead)
        return event.value

    def set_option(self, option: Option, value: int) -> None:
        self._act("set_option", option, value)

    # ---- waiting: until the next step, or until whoever waited was called back for nothing

    def wait_readable(self, callback: Callable[[], None]) -> None:
        self.cancel_readable()
        self._reading = self._wait("ready_read", self._readable_at(), callback)

    def wait_writable(self, callback: Callable[[], None]) -> None:
        self.cancel_writable()
        self._writing = self._wait("ready_write", self._writable_at(), callback)

    def _wait(self, ready: str, at: int, callback: Callable[[], None]) -> Wait:
        at = min(at, self._at(ready, NEVER))

        def called_back() -> None:
            self._script.forget(ready, at)
            callback()

        return self._playback.wait(at, called_back)

    def cancel_readable(self) -> None:
        self._playback.cancel(self._reading)

    def cancel_writable(self) -> None:
        self._playback.cancel(self._writing)

    def _readable_at(self) -> int:
        """The step that receiving or accepting waits for."""
        raise NotImplementedError

    def _writable_at(self) -> int:
        """The step that sending or connecting waits for."""
        raise NotImplementedError

    def _at(self, call: str, otherwise: int) -> int:
        step = self._script.next(call)
        return otherwise if step is None else NOW if is_act(step) and call in ("send", "send_to") else step.index

    # ---- steps

    def _check(self) -> None:
        self._playback.check()
        self._check_open()

    def _check_open(self) -> None:
        if self._is_closed:
            raise os_error(errno.EBADF)

    def _happened(self, call: str) -> Event:
        """Performs the next step of a call: returns its event, or raises its error."""
        step = self._script.left[call].popleft()
        if call in _READY:
            self._script.forget(_READY[call], step.index)
        self._playback.happened(step)
        if isinstance(step.event, events.Failed):
            raise error_from_name(step.event.error)
        return step.event

    def _act(self, call: str, *given: object) -> Event:
        """The event of a call by the guest; it must have made the same."""
        self._check()
        step = self._script.next(call)
        if step is None:
            raise self._playback.diverge(f"{self}: {_words(call, given)}, which was not recorded")
        recorded = _arguments(step.event)
        if recorded not in (given, None):
            raise self._playback.diverge(
                f"{self}: {_words(call, given)}, recorded {_words(call, recorded)} ({line(step.index)})"
            )
        return self._happened(call)

    def _input(self, call: str) -> Step:
        """The guest's next input. BlockingIOError: its turn has not come."""
        self._check()
        step = self._script.next(call)
        if step is None or not self._playback.is_due(step):
            raise os_error(errno.EAGAIN)
        return step

    def _given(self, call: str) -> Event:
        self._input(call)
        return self._happened(call)


class ReplaySocket(_ReplayEndpoint, Socket):
    """A TCP socket of a recording."""

    __slots__ = ("_has_ended", "_is_connecting", "_sent")

    def __init__(
        self, playback: Playback, number: int, script: Script, local: Address, remote: Address | None = None
    ) -> None:
        super().__init__(playback, number, script, local, remote)
        self._is_connecting = False
        self._has_ended = False
        self._sent = 0  # bytes

    def connect(self, address: Address) -> None:
        event = self._act("connect", address)
        assert isinstance(event, events.Connecting)
        self._local = event.local
        self._remote = event.remote
        self._is_connecting = True

    def finish_connect(self) -> None:
        if self._is_connecting:
            event = self._given("finish_connect")
            assert isinstance(event, events.Connected)
            self._local = event.local
            self._is_connecting = False
        self._check()

    def listen(self, backlog: int) -> None:
        event = self._act("listen", backlog)
        assert isinstance(event, events.Listening)
        self._local = event.local

    def accept(self) -> tuple[Socket, Address]:
        event = self._given("accept")
        assert isinstance(event, events.Accepted)
        script = self._playback.scripts.get(event.accepted) or Script()
        return ReplaySocket(self._playback, event.accepted, script, event.local, event.remote), event.remote

    def abort(self) -> None:
        self.close()

    def recv_into(self, view: memoryview) -> int:
        if self._has_ended and self._script.next("recv_into") is None:
            self._check()
            return 0
        step = self._input("recv_into")
        if not isinstance(step.event, events.Received):
            self._happened("recv_into")
            self._has_ended = True
            return 0
        data = memoryview(step.event.data)[step.done : step.done + len(view)]
        view[: len(data)] = data
        self._went_on("recv_into", step, len(data), len(step.event.data))
        return len(data)

    def _went_on(self, call: str, step: Step, size: int, whole: int) -> None:
        """So many more bytes of a step have happened."""
        step.done += size
        if step.done == whole:
            self._happened(call)
        else:
            self._playback.moved()

    def send(self, view: memoryview) -> int:
        self._check()
        size = 0
        while size < len(view) and not self._is_full():
            step = self._script.next("send")
            if step is None or isinstance(step.event, events.Failed):
                break
            size += self._send_step(step, view[size:])
        if size == 0 and len(view):
            self._send_no_more(view[0])
        return size

    def _is_full(self) -> bool:
        """Whether sending had to wait here; a guest of WASI 0.2 sees how much it can write before."""
        room = self._script.next("ready_write")
        sent = self._script.next("send")
        return room is not None and sent is not None and room.index < sent.index

    def _send_step(self, step: Step, view: memoryview) -> int:
        """Compares the beginning of `view` with the rest of a step; the number of bytes that are the same."""
        assert isinstance(step.event, events.Sent)
        recorded = step.event.data
        data = bytes(view[: len(recorded) - step.done])
        if data != recorded[step.done : step.done + len(data)]:
            difference = differing_bytes(recorded[: step.done] + data, recorded, self._sent - step.done)
            raise self._playback.diverge(f"{self}: the guest sends {difference}\n  {line(step.index)} of the recording")
        self._sent += len(data)
        self._went_on("send", step, len(data), len(recorded))
        return len(data)

    def _send_no_more(self, byte: int) -> None:
        """The guest may have been stopped here by a peer that took no more; the wait for room decides."""
        if self._is_full():
            raise os_error(errno.EAGAIN)
        if self._script.next("send") is None:
            self._playback.unrecorded[self.number] = (
                f"{self}: the guest sends 0x{byte:02x} at offset {self._sent:,}, recorded the end"
            )
        self._given("send")  # the error of sending

    # A guest that shuts down is about to close, and must get there: the next call reports a divergence.

    def shutdown_read(self) -> None:
        self._check_open()
        if self._script.next("shutdown_read") is not None:
            self._happened("shutdown_read")

    def shutdown_write(self) -> None:
        self._check_open()
        self._playback.unrecorded.pop(self.number, None)
        step = self._script.next("send")
        if step is not None and is_act(step):
            self._playback.diverge(
                f"{self}: the guest sends no more after {self._sent:,} bytes, recorded is next: {step}"
            )
        elif self._script.next("shutdown_write") is None:
            self._playback.diverge(f"{self}: the guest sends no more, which was not recorded")
        else:
            self._happened("shutdown_write")

    def _readable_at(self) -> int:
        return self._at("accept", self._at("recv_into", NOW if self._has_ended else NEVER))

    def _writable_at(self) -> int:
        if self._is_connecting:
            return self._at("finish_connect", NEVER)
        if self._is_full():
            return NEVER  # the wait ends with its recorded step
        return self._at("send", NEVER if self.number in self._playback.unrecorded else NOW)


class ReplayDatagramSocket(_ReplayEndpoint, DatagramSocket):
    """A UDP socket of a recording."""

    __slots__ = ()

    def connect(self, address: Address) -> None:
        event = self._act("connect", address)
        assert isinstance(event, events.Connected)
        self._local = event.local
        self._remote = event.remote

    def disconnect(self) -> None:
        event = self._act("disconnect")
        assert isinstance(event, events.Disconnected)
        self._local = event.local
        self._remote = None

    def recv_from(self) -> tuple[bytes, Address]:
        event = self._given("recv_from")
        assert isinstance(event, events.DatagramReceived)
        return event.data, event.remote

    def send_to(self, data: bytes, address: Address | None) -> None:
        self._check()
        remote = address or self._remote
        words = f"{self}: the guest sends a datagram"
        step = self._script.next("send_to")
        if step is None:
            raise self._playback.diverge(f"{words} to {remote}, which was not recorded: {len(data):,} bytes")
        if isinstance(step.event, events.Failed):
            self._given("send_to")
        assert isinstance(step.event, events.DatagramSent)
        recorded = step.event
        if remote != recorded.remote:
            raise self._playback.diverge(f"{words} to {remote}, recorded to {recorded.remote} ({line(step.index)})")
        if data != recorded.data:
            difference = differing_bytes(bytes(data), recorded.data)
            raise self._playback.diverge(f"{words} with {difference}\n  {line(step.index)} of the recording")
        self._happened("send_to")

    def _readable_at(self) -> int:
        return self._at("recv_from", NEVER)

    def _writable_at(self) -> int:
        return self._at("send_to", NOW)


def _arguments(event: Event) -> tuple[object, ...] | None:
    """The arguments of a call; None: they are not known."""
    match event:
        case events.Bound(asked=address) | events.Connecting(remote=address) | events.Connected(remote=address):
            return (address,)
        case events.Listening(backlog=backlog):
            return (backlog,)
        case events.OptionSet(option=option, value=value):
            return (option, value)
        case events.OptionRead(option=option):
            return (option,)
        case events.Failed(remote=remote):
            return None if remote is None else (remote,)
    return ()


def _words(call: str, arguments: tuple[object, ...] | None) -> str:
    names = (each.name if isinstance(each, Option) else str(each) for each in arguments or ())
    return " ".join([call, *names])
