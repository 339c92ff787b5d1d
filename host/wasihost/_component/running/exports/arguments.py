"""Arguments of exports on their way into the guest."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from wasihost._base.errors import ProviderError, WasihostError
from wasihost._base.quoting import line
from wasihost._component import ffi
from wasihost._component.composition.protocol import DRIVER_ARGUMENTS, DRIVER_ROOM, DRIVER_ROOM_SIZE, HOME
from wasihost._component.conversion import scalars
from wasihost._component.conversion.handles import Refused
from wasihost._component.conversion.numbers import NoRoom, SharedLists, needed
from wasihost._component.conversion.plans import Plans
from wasihost._component.running.exports.call import GuestCall
from wasihost._component.running.machine import Machine
from wasihost._component.running.streams import incoming, outgoing
from wasihost._component.world import layout, types
from wasihost._component.world.wiring import Called, Kind, Wiring


class Givers(dict[int, Callable[["Arguments", tuple[Any, ...]], None]]):
    """By export, what writes its arguments, compiled when it is first called; all instances share these.

    `needed` says how much room they take in the memory of the driver component, behind so many bytes as `sizes` says.
    Those in `measured` must have it when they are written: they give handles away, which they cannot do twice, or are
    large themselves.
    """

    def __init__(self, plans: Mapping[str, Plans], called: Sequence[Called]) -> None:
        self._plans = plans
        self._called = called
        self.sizes = {each.index: layout.align_to(layout.size(each.whole), 8) for each in called if each.takes_room}
        self.needed = {index: needed(called[index].whole, whole=called[index].takes_memory) for index in self.sizes}
        self.measured = {
            index for index, size in self.sizes.items() if called[index].takes_values or size > DRIVER_ROOM_SIZE
        }

    def __missing__(self, index: int) -> Callable[[Arguments, tuple[Any, ...]], None]:
        called = self._called[index]
        plans = self._plans[called.interface]
        if called.takes_scalars:
            found = _scalars_writer(called, plans)
        elif called.takes_memory:
            found = _memory_writer(called, plans)
        else:
            found = _value_writer(called, plans)
        self[index] = found
        return found

    def refuse(self, called: Called, args: tuple[Any, ...], error: Exception) -> NoReturn:
        """Says what is wrong with arguments."""
        self._plans[called.interface].refuse_arguments(called.whole, args, error, called.names)


def _scalars_writer(called: Called, plans: Plans) -> Callable[[Arguments, tuple[Any, ...]], None]:
    """Of arguments that are nothing but numbers."""
    pack_into = scalars.arguments(called.whole).pack_into

    def write(arguments: Arguments, args: tuple[Any, ...]) -> None:
        try:
            pack_into(arguments.memory, DRIVER_ARGUMENTS, *args)
        except Exception as error:
            plans.refuse_arguments(called.whole, args, error, called.names)

    return write


def _memory_writer(called: Called, plans: Plans) -> Callable[[Arguments, tuple[Any, ...]], None]:
    """Of arguments without handles."""
    write_at = plans.arguments_to_memory(called.whole, called.names)

    def write(arguments: Arguments, args: tuple[Any, ...]) -> None:
        write_at(args, arguments.lists, arguments.room)

    return write


def _value_writer(called: Called, plans: Plans) -> Callable[[Arguments, tuple[Any, ...]], None]:
    """Of arguments with handles, as a C value."""
    assert called.arguments is not None
    own = called.whole.elements
    padding = (types.U8,) * (len(called.arguments.elements) - len(own))
    zeros = (0,) * len(padding)
    write_at = plans.arguments_from_python(types.Tuple(own + padding), called.names)

    def write(arguments: Arguments, args: tuple[Any, ...]) -> None:
        write_at(args + zeros, arguments.value_at, arguments.context)

    return write


class Arguments:
    """Writes the arguments of one instance's calls: into `memory`, that of the driver component, or, if they hold
    handles, as a C value, `value`, which it asks for next.
    """

    def __init__(self, instance: Machine, wiring: Wiring, givers: Givers, lists: SharedLists) -> None:
        self.context = instance
        self.lists = lists
        self.value = ffi.ValueBuffer()
        self.value_at = ctypes.addressof(self.value)
        self.memory: memoryview
        self._words: memoryview
        self._wiring = wiring
        self._givers = givers

    def use_memory(self, view: memoryview) -> None:
        """That of the driver component."""
        self.memory = view
        self._words = view.cast("I")

    @property
    def room(self) -> int:
        """The address of room in the memory: as much as there always is, or as was asked for."""
        return self._words[DRIVER_ROOM // 4]

    def prepare(self, call: GuestCall) -> int:
        """Writes the arguments of a call, or gives the bytes of room that must be made first.

        Errors: any, for `error_of`.
        """
        if call.called.index in self._givers.measured and (room := self._room_of(call)) > DRIVER_ROOM_SIZE:
            return room
        try:
            self.write(call)
        except NoRoom:
            return self._room_of(call)
        return 0

    def _room_of(self, call: GuestCall) -> int:
        """Bytes that arguments take with all that they point to."""
        called = call.called
        size_of = self._givers.needed[called.index]
        try:
            lists = size_of(call.args) if size_of else 0
        except Exception as error:
            self._givers.refuse(called, call.args, error)
        limits = self.context.limits
        if lists > limits.list_bytes:
            raise limits.reached("list_bytes", f"{called.path}: lists of {lists} bytes")
        return self._givers.sizes[called.index] + lists

    def write(self, call: GuestCall) -> None:
        """Writes the arguments of a call into the room that there is. Errors: as above, and NoRoom."""
        if not call.args:
            return
        index = call.called.index
        if (size := self._givers.sizes.get(index)) is not None:
            most = (call.room or DRIVER_ROOM_SIZE) - size
            self.lists.give_room(self.room + size, min(most, self.context.limits.list_bytes))
        self._givers[index](self, call.args)
        for reader in call.home or ():
            reader.give_away()

    # ---- streams and futures

    def stream_handle(self, call: GuestCall, kind: Kind, obj: Any) -> int:
        """The stand-in of the object in the arguments: a key for `open`, or an end that goes back to the guest."""
        if incoming.goes_home(self.context, kind, obj):
            if obj.is_over or obj in (call.home or ()):
                raise Refused(obj, "one that was closed or given away")
            call.home = [*(call.home or ()), obj]
            return HOME | int(obj.end)
        outgoing.check(kind, obj)
        if call.offered is None:
            call.offered = {}
        key = len(call.offered)
        call.offered[key] = kind, obj
        return key

    def open(self, call: GuestCall, key: int, end: int) -> None:
        """The adapter component has made a pair of ends for an argument: starts the pump."""
        assert call.offered is not None
        kind, obj = call.offered.pop(key)
        pump = outgoing.feed(self.context, self._wiring.kind(kind), kind, end, obj)
        pump.origin = f"that was passed to {call.called.path}"


def error_of(call: GuestCall, error: Exception) -> Exception:
    """What a call with a bad argument raises: a TypeError that names it, or what the argument itself raised."""
    if isinstance(error, ProviderError):
        return TypeError(line(f"{call.called.path}: {error}"))
    if isinstance(error, WasihostError):
        return error
    if isinstance(error, StopIteration):  # which no future takes
        return RuntimeError(line(f"an argument of {call.called.path} raised StopIteration"))
    error.add_note(line(f"raised by an argument of {call.called.path}"))
    return error
