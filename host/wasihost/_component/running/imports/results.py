"""Results of imports on their way into the guest, with room for their lists and ends for their streams.

There always is some room in the adapter component's memory, at a fixed place: what is written there goes to the guest
before anything else happens. For what is longer, the adapter component is asked to make room.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wasihost._base.errors import LimitError, UnsupportedTypeError
from wasihost._base.limits import Limits
from wasihost._component.composition.protocol import MAX_PAIRS, OUTCOME, RESULT, ROOM, ROOM_FIRST, ROOM_SIZE
from wasihost._component.conversion.numbers import Needed, NoRoom, SharedLists, needed
from wasihost._component.conversion.plans import Plans, ToMemory
from wasihost._component.running.imports.call import HostCall
from wasihost._component.running.machine import Machine
from wasihost._component.running.streams import incoming, outgoing
from wasihost._component.running.streams.handles import leaves
from wasihost._component.running.streams.rings import Rings
from wasihost._component.values import WitError
from wasihost._component.world.wiring import Adapted, Kind, Wiring


class Writers(dict[int, Sequence[ToMemory]]):
    """By function, what writes a value that its provider returned, and one that a `WitError` holds.

    They are compiled when they are first needed: a guest imports many functions that it does not call. `needed` says
    how much room the lists of a result take. All instances share these.
    """

    def __init__(self, plans: Mapping[str, Plans], adapted: Sequence[Adapted]) -> None:
        self._plans = plans
        self._adapted = adapted
        self.needed = {each.index: needed(each.func.result, whole=each.in_memory) for each in adapted}

    def __missing__(self, index: int) -> Sequence[ToMemory]:
        adapted = self._adapted[index]
        assert adapted.func.result is not None
        found = self._plans[adapted.interface].return_to_memory(adapted.func.result, OUTCOME, RESULT - OUTCOME)
        self[index] = found
        return found


class Room:
    """Where the next result's lists go. `lists` writes them."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.lists = SharedLists(limits, in_arena=True)
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
        self.lists.give_room(ROOM, self._size)

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
        self.lists.give_room(rings.room, self._asked)


class Results:
    """Gives the results of one instance's calls to the guest."""

    def __init__(self, instance: Machine, wiring: Wiring, room: Room, writers: Writers) -> None:
        self._instance = instance
        self._wiring = wiring
        self._room = room
        self._writers = writers
        self._needed = writers.needed
        self._finishing: HostCall | None = None

    # ---- into memory

    def write(self, adapted: Adapted, value: Any, is_error: bool) -> bool:
        """Writes a result into the room that there is; False: it does not fit, or `finish` has to give it."""
        if is_error and adapted.gives_error:
            return False
        self._room.use()
        try:
            self._writers[adapted.index][is_error](value, self._room.lists)
        except NoRoom:
            return False
        return True

    def room_first(self, call: HostCall) -> None:
        """There will be a `finish` with room made for the result."""
        self._ask_room(call)
        self._instance.rings.tell_outcome(ROOM_FIRST)

    def finish_in_memory(self, call: HostCall) -> None:
        """Writes a result into the room that was made for it."""
        self._find_room(call)
        value, is_error = call.outcome
        self._writers[call.adapted.index][is_error](value, self._room.lists)

    def fits(self, call: HostCall) -> bool:
        """Whether nothing must be made for a result, which then takes the room that there is."""
        return not call.adapted.makes_pairs and self._room.fits(self._needed[call.adapted.index], call.result)

    # ---- as values, with what `resume` made for them

    def list_needs(self, call: HostCall) -> None:
        """Tells the adapter component what it must make before `finish`, as far as the function can need it."""
        if call.adapted.makes_room:
            self._ask_room(call)
        if call.adapted.makes_pairs:
            self._instance.rings.ask_pairs(self._kinds_of_pairs(call))

    def _ask_room(self, call: HostCall) -> None:
        adapted = call.adapted
        self._room.ask(self._instance.rings, adapted.path, self._needed[adapted.index], call.result)

    def _kinds_of_pairs(self, call: HostCall) -> list[int]:
        """The number of each kind."""
        try:
            found = _streams_in(call)
        except (AttributeError, TypeError, IndexError):
            found = []  # not a value of the type, as `finish` will say
        kinds = [self._wiring.kind(kind) for kind, obj in found if not incoming.goes_home(self._instance, kind, obj)]
        if len(kinds) > MAX_PAIRS:
            raise LimitError(
                f"{call.adapted.path}: {len(kinds)} streams and futures in one result; {MAX_PAIRS} is the limit"
            )
        indices: dict[int, list[int]] = {}
        for index, number in enumerate(kinds):
            indices.setdefault(number, []).append(index)
        call.pairs = {number: map(self._instance.rings.pair, of_kind) for number, of_kind in indices.items()}
        return kinds

    def finish(self, call: HostCall) -> Any:
        """What the provider returned; raises its `WitError`."""
        self._finishing = call
        self._find_room(call)
        value, is_error = call.outcome
        if is_error:
            raise WitError(value)
        return value

    def _find_room(self, call: HostCall) -> None:
        if call.fits:
            self._room.use()
        elif self._needed[call.adapted.index]:
            self._room.take(self._instance.rings)

    def finish_none(self) -> None:
        """What is given next are elements of a stream or future, for which there are no pairs of ends."""
        self._finishing = None

    def handle_from_stream(self, kind: Kind, obj: Any) -> int:
        if incoming.goes_home(self._instance, kind, obj):
            return obj.give_away()  # type: ignore[no-any-return]
        outgoing.check(kind, obj)
        if self._finishing is None:
            raise UnsupportedTypeError("a stream or future inside the elements of another that a provider returns")
        number = self._wiring.kind(kind)
        readable, writable = next(self._finishing.pairs[number])
        pump = outgoing.feed(self._instance, number, kind, writable, obj)
        pump.origin = f"that the provider of {self._finishing.adapted.path} returned"
        return readable


def _streams_in(call: HostCall) -> list[tuple[Kind, Any]]:
    """The streams and futures of a result, with their kinds."""
    adapted = call.adapted
    if adapted.pairs_at is not None:
        return [(kind, call.result[at]) for at, kind in adapted.pairs_at]
    assert adapted.func.result is not None
    return [(t, obj) for t, obj in leaves(adapted.func.result, call.result) if isinstance(t, Kind)]
