"""`ReplayNetwork`: plays the outside world of a recording back to the guest, with no network behind it.

    Host(network=ReplayNetwork(Recording.load("run.jsonl")), …).run("guest.wasm")

Each guest's actions are compared with the recorded ones: sockets in the order of their making, on each socket the bytes
that it sends, whatever the size of its blocks, its datagrams, addresses and options. It gets the recorded answers
again, as soon as its turn has come: see `playback`. A difference is a `DivergenceError`, which ends the run.

Everything else that the guest depends on must be the same too: its arguments, environment, stdin and policy, and the
`seed`. Clocks are no part of a recording.
"""

from __future__ import annotations

from collections.abc import Sequence

from wasihost._base.clock import Clock, RunningClock
from wasihost._base.waiting import Called
from wasihost._network.base import WILDCARD, DatagramSocket, Family, IpAddress, Network, Socket
from wasihost._recording import Recording, events
from wasihost._recording.replay.playback import NEVER, Playback, Script
from wasihost._recording.replay.sockets import ReplayDatagramSocket, ReplaySocket
from wasihost._recording.transcript import error_from_name


class ReplayNetwork(Network):
    """The network of one guest of a recording, for one run.

    `guest`: which of several, by number. `clock`, `patience_s`: a guest that waits has diverged when nothing has
    happened for as long as it took when recorded, and so many seconds more; of this machine's clock by default.
    Errors: RecordingError, if several guests were recorded and none is chosen.
    """

    def __init__(
        self, recording: Recording, *, guest: int | None = None, clock: Clock | None = None, patience_s: float = 5
    ) -> None:
        self._playback = Playback(recording, guest, clock or RunningClock(), patience_s)

    def tcp_socket(self, family: Family) -> Socket:
        number, script = self._create("tcp", family)
        return ReplaySocket(self._playback, number, script, WILDCARD[family])

    def udp_socket(self, family: Family) -> DatagramSocket:
        number, script = self._create("udp", family)
        return ReplayDatagramSocket(self._playback, number, script, WILDCARD[family])

    def _create(self, protocol: str, family: Family) -> tuple[int, Script]:
        playback = self._playback
        playback.check()
        words = f"the guest makes a {protocol} socket for IPv{family}"
        if not playback.creations:
            raise playback.diverge(f"{words}, but no more sockets were recorded")
        step = playback.creations[0]
        event = step.event
        if isinstance(event, events.Created) and (event.protocol, event.family) != (protocol, family):
            raise playback.diverge(f"{words}, recorded is: {step}")
        assert isinstance(event, events.Created | events.Failed)
        playback.happened(playback.creations.popleft())
        if isinstance(event, events.Failed):
            raise error_from_name(event.error)
        return event.socket, playback.scripts[event.socket]

    async def resolve(self, name: str) -> Sequence[IpAddress]:
        playback = self._playback
        playback.check()
        steps = playback.lookups.get(name)
        if not steps:
            raise playback.diverge(f"the guest looks up {name}, which was not recorded")
        step = steps.popleft()
        event = step.event
        assert isinstance(event, events.Resolved)
        was_given_up = event.error == "ECANCELED"
        while was_given_up or not playback.is_due(step):
            await self._wait(NEVER if was_given_up else step.index)
            playback.check()
        playback.happened(step)
        if event.error is not None:
            raise error_from_name(event.error)
        return event.addresses

    async def _wait(self, index: int) -> None:
        due = Called()
        wait = self._playback.wait(index, due)
        try:
            await due
        finally:
            self._playback.cancel(wait)

    def finish(self) -> None:
        """The guest has ended. Errors: DivergenceError, also if it left out anything that was recorded."""
        self._playback.finish()
