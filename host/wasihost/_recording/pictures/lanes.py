"""The life of each socket of a recording: its states in time, its bytes, and its end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from wasihost._base.frozen import Frozen
from wasihost._network.base import Address
from wasihost._recording import events

TROUBLE: Final = frozenset("bind listen connect finish_connect accept send recv_into send_to recv_from".split())
"""Calls whose failures are news; ENOTCONN of a shutdown is none."""


class Span(Frozen):
    """A state, and how long it lasted."""

    state: str
    begin_ns: int
    end_ns: int


class Lane:
    """One socket. `spans` are in order; `is_trouble`: it failed, or was reset."""

    def __init__(self, number: int, guest: int, protocol: str, role: str, begin_ns: int) -> None:
        self.number = number
        self.guest = guest
        self.protocol = protocol
        self.role = role
        self.begin_ns = begin_ns
        self.end_ns = begin_ns
        self.local: Address | None = None
        self.peers: dict[Address, None] = {}  # in the order of their coming
        self.spans: list[Span] = []
        self.sent = 0
        self.received = 0
        self.failures: list[str] = []  # those that it outlived
        self.end = ""
        self.is_trouble = False
        self._state = ""

    def enter(self, state: str, time_ns: int) -> None:
        """Another state begins, until the socket is closed."""
        if not self.end:
            if self._state:
                self.spans.append(Span(self._state, self.end_ns, time_ns))
            self._state = state
            self.end_ns = time_ns

    def over(self, end: str, time_ns: int, is_trouble: bool = False) -> None:
        """Nothing more comes; the first reason counts."""
        self.enter("", time_ns)
        self.end = self.end or end
        self.is_trouble |= is_trouble

    def add(self, event: events.SocketEvent) -> None:
        """Something happened to it."""
        now_ns = event.time_ns
        match event:
            case events.Bound(local=local) | events.Disconnected(local=local):
                self.local = local
                if self.protocol == "udp":
                    self.enter("open", now_ns)
            case events.Listening(local=local):
                self.role = "listening"
                self.local = local
                self.enter("listening", now_ns)
            case events.Connecting(local=local, remote=remote):
                self.role = "client"
                self.local = local
                self.peers = {remote: None}
                self.enter("connecting", now_ns)
            case events.Connected(local=local, remote=remote):
                self.local = local
                self.peers[remote] = None
                self.enter("open", now_ns)
            case events.Sent(data=data):
                self.sent += len(data)
            case events.Received(data=data):
                self.received += len(data)
            case events.DatagramSent(data=data, remote=remote):
                self.sent += len(data)
                self.peers[remote] = None
            case events.DatagramReceived(data=data, remote=remote):
                self.received += len(data)
                self.peers[remote] = None
            case events.ReceivedEnd() | events.ShutDown(direction="write") if self._state == "open":
                self.enter("half-closed", now_ns)
            case events.Aborted():
                self.over("reset by the guest", now_ns, is_trouble=True)
            case events.Closed():
                self.over("given up" if self._state == "connecting" else "closed", now_ns)
            case events.Failed(call=call, error=error) if call in TROUBLE:
                self._failed(call, error, event.remote, now_ns)

    def _failed(self, call: str, error: str, remote: Address | None, now_ns: int) -> None:
        if call in ("connect", "finish_connect") and remote is not None:
            self.peers[remote] = None
        if call in ("finish_connect", "send", "recv_into"):
            self.over("reset by the peer" if error.startswith("ECONNRESET") else error, now_ns, is_trouble=True)
        else:
            self.failures.append(f"{call}: {error}")
            self.is_trouble = True


def created(event: events.Created) -> Lane:
    """The lane of a socket that the guest made."""
    role = "udp" if event.protocol == "udp" else "unused"
    return Lane(event.socket, event.guest, event.protocol, role, event.time_ns)


def accepted(event: events.Accepted) -> Lane:
    """The lane of a connection that came in."""
    lane = Lane(event.accepted, event.guest, "tcp", "server", event.time_ns)
    lane.local = event.local
    lane.peers[event.remote] = None
    lane.enter("open", event.time_ns)
    return lane


def lanes(found: Iterable[events.Event]) -> list[Lane]:
    """Every socket, by its number."""
    made: dict[int, Lane] = {}
    last_ns = 0
    for event in found:
        last_ns = max(last_ns, event.time_ns)
        match event:
            case events.Created(socket=number):
                made[number] = created(event)
            case events.Accepted(accepted=number):
                made[number] = accepted(event)
            case events.SocketEvent(socket=number) if number in made:
                made[number].add(event)
    for lane in made.values():
        lane.over("open at the end", last_ns)
    return [made[number] for number in sorted(made)]
