"""What moves the contents of one stream or future between the guest and a provider: one small object for each end.

Theory of operation. An outgoing pump first writes zero elements: that completes when the guest wants some. Only then
the source is asked. A source with nothing to give yet parks the pump; then no operation is under way, and a guest
that drops the stream is noticed by the event that Wasmtime sends for that. An incoming pump likewise reads zero
elements until the guest offers some. Every pump holds at most one block.

While bytes move, questions are left out, which saves turns: an incoming pump that got bytes reads on at once, and an
outgoing one whose source gave much reads the next block when that one is taken. Then the blocks grow too: the guest
takes from one, or fills one, piece by piece, without a turn of Python between.

The states are in `states.py`.
"""

from __future__ import annotations

from wasihost._base.quoting import line
from wasihost._component.running.machine import Machine
from wasihost._component.running.streams.states import CLOSING, OVER, PumpState
from wasihost._component.world.wiring import Kind


class Pump:
    """An end of a stream or future in the adapter component."""

    __slots__ = ("end", "kind", "machine", "number", "origin", "rings", "state")

    state: PumpState

    def __init__(self, machine: Machine, number: int, kind: Kind, end: int) -> None:
        self.machine = machine
        self.rings = machine.rings
        self.number = number
        self.kind = kind
        self.end = end
        self.origin = ""  # "that … gave", of an object that is Python's
        machine.opened(self)
        self.rings.open(end, self.other_end_dropped)

    @property
    def is_over(self) -> bool:
        """Whether it has ended, but for a read under way."""
        return self.state is OVER or self.state is CLOSING

    def other_end_dropped(self) -> None:
        """The guest dropped its end while no operation was under way."""

    def guest_failed(self, error: BaseException) -> None:
        """The guest will do nothing more: whoever waits for something of it gets the error."""

    def abandon(self) -> None:
        """The instance has ended: closes the pump's source or sink, without a word to the guest."""

    def fail(self, error: BaseException) -> None:
        """Ends the instance with what the provider's side raised."""
        if self.origin:
            error.add_note(line(f"raised by the {type(self.kind).__name__.lower()} {self.origin}"))
        self.machine.fail(error)
