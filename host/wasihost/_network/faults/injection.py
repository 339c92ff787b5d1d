"""Decides which faults strike the calls of a network, and notes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wasihost._base.clock import NS_PER_S, Clock
from wasihost._network.faults.fault import Call, Fault
from wasihost._network.faults.plan import FaultPlan, Strikes
from wasihost._network.held import Gate, blocked


class Struck:
    """The faults that strike one call."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.words = {fault.do for fault in faults}
        self.error = next((error for fault in faults if (error := fault.error()) is not None), None)
        self.stall_ns = sum(round(fault.seconds * NS_PER_S) for fault in faults if fault.seconds is not None)
        self.most = min((fault.bytes for fault in faults if fault.bytes is not None), default=None)

    def stall(self, gate: Gate) -> None:
        """BlockingIOError: the call goes on later; a stall ends once it was begun."""
        if self.stall_ns:
            gate.close_for(self.stall_ns)
            self.stall_ns = 0
            raise blocked()


class Injector:
    """The faults for the sockets of a network."""

    def __init__(self, strikes: Strikes, clock: Clock) -> None:
        self.clock = clock
        self.struck: set[Fault] = set()  # of the plan
        self._strikes = strikes
        self._injected: dict[Fault, None] = {}
        self._sockets = 0

    @property
    def injected(self) -> FaultPlan:
        """The faults up to now, each with its place."""
        return FaultPlan(*self._injected)

    def next_number(self) -> int:
        """The number of another socket."""
        self._sockets += 1
        return self._sockets

    def strike(self, call: Call, socket: int | None, nth: int, addresses: Sequence[str]) -> Struck:
        """The fault for the `nth` such call of that socket."""
        faults = self._strikes.on_call(call, socket, nth, addresses)
        self._note({fault: fault.at(socket, nth=nth) for fault in faults})
        return Struck(faults)

    def strike_stream(
        self, call: Call, socket: int, offset: int, addresses: Sequence[str]
    ) -> tuple[Struck, int | None]:
        """The fault for a direction of a connection there, and the place of the next one."""
        faults, later = self._strikes.on_stream(call, socket, offset, addresses)
        self._note({fault: fault.at(socket, after_bytes=offset) for fault in faults})
        return Struck(faults), later

    def strike_file(self, call: Call, nth: int, paths: Sequence[str]) -> tuple[Struck, int | None]:
        """The fault for the `nth` such call on files, and how many bytes may go before the next one."""
        faults, room = self._strikes.on_file(call, nth, paths)
        # One that counts bytes has its place: it also cuts short the call before.
        self._note({fault: fault.at(None, nth=nth) if fault.after_bytes is None else fault for fault in faults})
        return Struck(faults), room

    def moved(self, call: Call, paths: Sequence[str], count: int) -> None:
        """So many bytes of files were read or written."""
        self._strikes.moved(call, paths, count)

    def _note(self, placed: Mapping[Fault, Fault]) -> None:
        self.struck.update(placed)
        self._injected.update(dict.fromkeys(placed.values()))
