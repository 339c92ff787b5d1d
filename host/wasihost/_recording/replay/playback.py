"""The rest of a recording while it is replayed: whose turn it is, the waiters, and whether it can go on at all.

Theory of operation. Events are actions of the guest (acts) or answers to it (inputs). An input is *due* when all
acts that come before it in the recording, as far as the outside world can see them, have happened, whatever else the
guest did meanwhile. So an answer never comes before its question, and a guest that talks to itself hears its own words
only after it said them. Nothing else is in order: guests may be scheduled otherwise, and blocks cut otherwise.

If several are due that have waiters, the one that was recorded first is given first, one in each pass of the
event loop: calls in between have to wait. An input without a waiter holds up nothing.

If a guest does not make the next act, and waits, it would wait for ever. When nothing has happened for as long as it
took in the recording and `patience_s` on top, that is a divergence. The first divergence is the outcome: it is raised
from every call from then on, and all waiters are called back to get it.
"""

from __future__ import annotations

import asyncio
import heapq
import sys
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from wasihost._base.clock import NS_PER_S, Clock, Timer
from wasihost._base.errors import DivergenceError, RecordingError
from wasihost._recording import Recording, events
from wasihost._recording.events import Event, SocketEvent
from wasihost._recording.replay.divergence import described, line

NEVER: Final = sys.maxsize
NOW: Final = -1

_CALLS: dict[type[SocketEvent], str] = {
    events.Created: "create",
    events.Bound: "bind",
    events.Connecting: "connect",
    events.Connected: "finish_connect",
    events.Disconnected: "disconnect",
    events.Listening: "listen",
    events.Accepted: "accept",
    events.Sent: "send",
    events.Received: "recv_into",
    events.ReceivedEnd: "recv_into",
    events.Aborted: "close",  # which of the two depends on the bytes read ahead for the guest in vain
    events.Closed: "close",
    events.DatagramSent: "send_to",
    events.DatagramReceived: "recv_from",
    events.OptionSet: "set_option",
    events.OptionRead: "get_option",
}
_VISIBLE: Final = frozenset("create bind connect disconnect listen send send_to shutdown_write close".split())
_MAY_FAIL_LATER: Final = frozenset({"send", "send_to", "shutdown_write"})  # for reasons that are inputs
_INPUTS: Final = frozenset({"finish_connect", "accept", "recv_from"})


class Step:
    """An event of the recording, and its place there."""

    __slots__ = ("done", "event", "index")

    def __init__(self, index: int, event: Event) -> None:
        self.index = index
        self.event = event
        self.done = 0  # so many of its bytes have happened

    def __str__(self) -> str:
        return f"{described(self.event, self.done)} ({line(self.index)})"


class Wait:
    """A callback for when the step `index` is due."""

    __slots__ = ("callback", "index", "is_over")

    def __init__(self, index: int, callback: Callable[[], None]) -> None:
        self.index = index
        self.callback = callback
        self.is_over = False

    def __lt__(self, other: Wait) -> bool:
        return self.index < other.index


class Script:
    """The rest for one socket: for each call of the network, its events in order."""

    def __init__(self) -> None:
        self.left: dict[str, deque[Step]] = {}

    def next(self, call: str) -> Step | None:
        """The next step of a call."""
        steps = self.left.get(call)
        return steps[0] if steps else None

    def forget(self, call: str, until: int) -> None:
        """Leaves out the steps no later than this one."""
        steps = self.left.get(call)
        while steps and steps[0].index <= until:
            steps.popleft()

    def missing_act(self) -> Step | None:
        """An act that a guest which closes the socket has left out."""
        heads = (self.next(call) for call in _VISIBLE - {"close"})
        return min((step for step in heads if step and is_act(step)), key=_index, default=None)


class Playback:
    """The events of one guest that have yet to happen. Errors: RecordingError, if it is not clear which guest's."""

    def __init__(self, recording: Recording, guest: int | None, clock: Clock, patience_s: float) -> None:
        self.creations: deque[Step] = deque()
        self.lookups: dict[str, deque[Step]] = {}
        self.scripts: dict[int, Script] = {}
        self.error: DivergenceError | None = None
        self.unrecorded: dict[int, str] = {}
        """The divergence of a socket whose guest wants to send more than it did."""
        self._visible: deque[Step] = deque()
        self._happened: set[int] = set()
        self._waits: dict[Wait, None] = {}
        self._heap: list[Wait] = []
        self._loop: asyncio.AbstractEventLoop
        self._is_waking = False
        self._clock = clock
        self._patience_ns = round(patience_s * NS_PER_S)
        self._timer: Timer | None = None
        self._moves = 0
        self._moves_before = 0
        self._end_ns = 0
        self._last_ns = 0
        self._arrange(recording.of_guest(_only_guest(recording.events) if guest is None else guest))

    def _arrange(self, recorded: Sequence[tuple[int, Event]]) -> None:
        datagrams: set[int] = set()
        steps = [Step(index, event) for index, event in recorded]
        if steps:
            self._last_ns = steps[0].event.time_ns
            self._end_ns = steps[-1].event.time_ns
        for step in steps:
            event = step.event
            if isinstance(event, events.Resolved):
                self.lookups.setdefault(event.name, deque()).append(step)
            if not isinstance(event, SocketEvent):
                continue
            if isinstance(event, events.Created) and event.protocol == "udp":
                datagrams.add(event.socket)
            call = _call(event, event.socket in datagrams)
            script = self.scripts.setdefault(event.socket, Script())
            (self.creations if call == "create" else script.left.setdefault(call, deque())).append(step)
            if call in _VISIBLE and is_act(step):
                self._visible.append(step)

    # ---- events

    def happened(self, step: Step) -> None:
        """A step was made."""
        self._moves += 1
        self._last_ns = max(self._last_ns, step.event.time_ns)
        self._happened.add(step.index)
        while self._visible and self._visible[0].index in self._happened:
            self._visible.popleft()
        self._wake()

    def moved(self) -> None:
        """Something went on within a step."""
        self._moves += 1

    @property
    def _next_act(self) -> int:
        return self._visible[0].index if self._visible else NEVER

    def is_due(self, step: Step) -> bool:
        """Whether an input can be given now."""
        first = self._first()
        return step.index < self._next_act and (first is None or first.index >= step.index)

    # ---- waiters

    def wait(self, index: int, callback: Callable[[], None]) -> Wait:
        """Calls back once, from the event loop, when the step is due."""
        self._loop = asyncio.get_running_loop()
        wait = Wait(index, callback)
        self._waits[wait] = None
        heapq.heappush(self._heap, wait)
        if self._timer is None:
            self._arm()
        self._wake()
        return wait

    def cancel(self, wait: Wait | None) -> None:
        """Forgets the waiter."""
        if wait is not None:
            wait.is_over = True
            self._waits.pop(wait, None)

    def _first(self) -> Wait | None:
        while self._heap and self._heap[0].is_over:
            heapq.heappop(self._heap)
        return self._heap[0] if self._heap else None

    @property
    def _is_somebody_due(self) -> bool:
        first = self._first()
        return first is not None and (first.index < self._next_act or self.error is not None)

    def _wake(self) -> None:
        if not self._is_waking and self._is_somebody_due:
            self._is_waking = True
            self._loop.call_soon(self._wake_first)

    def _wake_first(self) -> None:
        self._is_waking = False
        if self._is_somebody_due:
            first = heapq.heappop(self._heap)
            self.cancel(first)
            self._wake()
            first.callback()

    # ---- that it cannot go on

    def check(self) -> None:
        """Raises the divergence, if there was one."""
        if self.error is not None:
            raise self.error

    def diverge(self, words: str) -> DivergenceError:
        """Ends the replay, and returns the error to raise: the first of all divergences."""
        if self.error is None:
            self.error = DivergenceError(*words.split("\n"))
            self._disarm()
            self._wake()
        return self.error

    def _arm(self) -> None:
        following = self._visible[0].event.time_ns if self._visible else self._end_ns
        self._moves_before = self._moves
        self._timer = self._clock.call_later(max(0, following - self._last_ns) + self._patience_ns, self._look)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self._timer = None
        if not self._waits or self.error is not None:
            return
        if self._moves != self._moves_before or self._is_somebody_due:
            self._arm()
        else:
            self.diverge(self._stalled())

    def _stalled(self) -> str:
        if self.unrecorded:
            return next(iter(self.unrecorded.values()))
        if self._visible:
            return f"the guest waits, but recorded is next: {self._visible[0]}"
        return "the guest waits for more than was recorded"

    def finish(self) -> None:
        """The guest has ended: raises the divergence, also if it left out something."""
        self._disarm()
        self.check()
        missing = min(filter(None, (self._missing_act(), self._missing_input())), key=_index, default=None)
        if missing is not None:
            raise self.diverge(f"the guest has ended, but recorded is next: {missing}")

    def _missing_act(self) -> Step | None:
        return self._visible[0] if self._visible else None

    def _missing_input(self) -> Step | None:
        left = [steps[0] for steps in self.lookups.values() if steps]
        for script in self.scripts.values():
            left += filter(None, map(script.next, _INPUTS))
            # The host reads ahead for a guest: bytes do not count that it was given without having read to the end.
            received = script.left.get("recv_into", deque[Step]())
            if len(received) > 1 and isinstance(received[-1].event, events.ReceivedEnd):
                left.append(received[0])
        return min(left, key=_index, default=None)


def is_act(step: Step) -> bool:
    """Whether it is an act of the guest; else it is an input."""
    event = step.event
    return not (isinstance(event, events.Failed) and event.call in _MAY_FAIL_LATER)


def _index(step: Step) -> int:
    return step.index


def _call(event: SocketEvent, is_datagram: bool) -> str:
    if isinstance(event, events.Failed):
        return event.call
    if isinstance(event, events.ShutDown):
        return f"shutdown_{event.direction}"
    if isinstance(event, events.Ready):
        return f"ready_{event.direction}"
    if isinstance(event, events.AddressRead):
        return f"{event.side}_address"
    if isinstance(event, events.Connected) and is_datagram:
        return "connect"
    return _CALLS[type(event)]


def _only_guest(recorded: Sequence[Event]) -> int:
    guests = {event.guest: "" for event in recorded if isinstance(event, SocketEvent | events.Resolved)}
    names = {event.guest: event.name for event in recorded if isinstance(event, events.GuestStarted)}
    if names:
        guests.pop(0, None)  # those of the host, for HTTP
    if len(guests) > 1:
        listed = ", ".join(f"{guest} {names.get(guest, '')}".rstrip() for guest in guests)
        raise RecordingError(f"several guests were recorded, {listed}: say which with guest=")
    return next(iter(guests), 0)
