"""Room in the adapter component's memory for the lists and strings in results, see `conversion.numbers`.

There always is some, at a fixed place: what is written there goes to the guest before anything else happens. For what
is longer, the adapter component is asked to make room.
"""

from __future__ import annotations

from typing import Any

from wasihost._base.limits import Limits
from wasihost._component.composition.protocol import ROOM, ROOM_SIZE
from wasihost._component.conversion.numbers import Needed, SharedNumbers
from wasihost._component.running.streams.rings import Rings


class Room:
    """Where the next result's lists go. `numbers` writes them."""

    def __init__(self, limits: Limits) -> None:
        self._limits, self.numbers = limits, SharedNumbers(limits)
        self._asked = 0
        self._size = min(ROOM_SIZE, limits.list_bytes)

    def fits(self, size_of: Needed | None, value: Any) -> bool:
        """Whether the lists of a value fit into the room that there is; if so, they shall go there."""
        if size_of is None:
            return True
        try:
            size = size_of(value)
        except Exception:
            size = 0  # not a value of the type, as the plan will say
        if size > self._size:
            return False
        self.use()
        return True

    def use(self) -> None:
        """The lists shall go into the room that there is."""
        self.numbers.give_room(ROOM, self._size)

    def ask(self, rings: Rings, path: str, size_of: Needed | None, value: Any) -> None:
        """Asks the adapter component for room; `take` must follow."""
        try:
            self._asked = size_of(value) if size_of else 0
        except Exception:
            self._asked = 0  # as above
        if self._asked > self._limits.list_bytes:
            raise self._limits.reached("list_bytes", f"{path}: lists of {self._asked} bytes in one result")
        rings.ask_room(self._asked)

    def take(self, rings: Rings) -> None:
        """The lists shall go where the adapter component made room."""
        self.numbers.give_room(rings.room, self._asked)
