"""Arguments of exports on their way into the guest."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from wasihost._base.errors import ProviderError, WasihostError
from wasihost._base.quoting import line
from wasihost._component import ffi
from wasihost._component.composition.protocol import DRIVER_ARGUMENTS, HOME
from wasihost._component.conversion import scalars
from wasihost._component.conversion.handles import CallContext, Refused
from wasihost._component.conversion.numbers import SharedNumbers, needed
from wasihost._component.conversion.plans import Plans
from wasihost._component.running.exports.call import GuestCall
from wasihost._component.running.machine import Machine
from wasihost._component.running.streams import incoming, outgoing
from wasihost._component.world import layout, types
from wasihost._component.world.wiring import Called, Kind, Wiring


class Givers(dict[int, Callable[[tuple[Any, ...], int, CallContext], None]]):
    """By export, what writes its arguments as a C value, compiled when it is first called; all instances share these.

    `packers` write those that are nothing but numbers in their memory form, and `needed` says how much room the lists
    in the others take, behind so many bytes as `sizes` says.
    """

    def __init__(self, plans: Mapping[str, Plans], called: Sequence[Called]) -> None:
        self._plans = plans
        self._called = called
        self.packers = {each.index: scalars.arguments(each.whole) for each in called if each.takes_scalars}
        lists = ((each.index, needed(each.whole)) for each in called)
        self.needed = {index: size_of for index, size_of in lists if size_of is not None}
        self.sizes = {each.index: _size(each) for each in called if each.index in self.needed}

    def __missing__(self, index: int) -> Callable[[tuple[Any, ...], int, CallContext], None]:
        called = self._called[index]
        assert called.arguments is not None
        own = called.whole.elements
        padding = (types.U8,) * (len(called.arguments.elements) - len(own))
        zeros = (0,) * len(padding)
        write = self._plans[called.interface].arguments_from_python(types.Tuple(own + padding), called.names)

        def write_padded(args: tuple[Any, ...], address: int, context: CallContext) -> None:
            write(args + zeros, address, context)

        found = self[index] = write_padded if padding else write
        return found


class Arguments:
    """Writes the arguments of one instance's calls: numbers into the memory of the driver component, any others as a C
    value, `value`, which it asks for next.
    """

    def __init__(self, instance: Machine, wiring: Wiring, givers: Givers, numbers: SharedNumbers) -> None:
        self._instance = instance
        self._wiring = wiring
        self._givers = givers
        self._numbers = numbers
        self.value = ffi.ValueBuffer()
        self._value_at = ctypes.addressof(self.value)
        self._memory: memoryview

    def use_memory(self, view: memoryview) -> None:
        """That of the driver component."""
        self._memory = view

    def room_of(self, call: GuestCall) -> int:
        """Bytes that the driver component must make for arguments with lists of numbers, see `Givers.needed`.

        Errors: LimitError.
        """
        index = call.called.index
        try:
            lists = self._givers.needed[index](call.args)
        except Exception:  # not of the type, as `write` will say
            lists = 0
        limits = self._instance.limits
        if lists > limits.list_bytes:
            raise limits.reached("list_bytes", f"{call.called.path}: lists of {lists} bytes")
        return self._givers.sizes[index] + lists

    def use_room(self, call: GuestCall, address: int) -> None:
        """The room was made there."""
        size = self._givers.sizes[call.called.index]
        self._numbers.give_room(address + size, call.room - size)

    def write(self, call: GuestCall) -> None:
        """Writes the arguments of a call. Errors: any, for `error_of`."""
        index = call.called.index
        packer = self._givers.packers.get(index)
        if packer is not None:
            try:
                packer.pack_into(self._memory, DRIVER_ARGUMENTS, *call.args)
            except Exception:
                self._givers[index](call.args, self._value_at, self._instance)  # says what is wrong
                raise
        elif call.args:
            self._givers[index](call.args, self._value_at, self._instance)
            for reader in call.home or ():
                reader.give_away()

    # ---- streams and futures

    def stream_handle(self, call: GuestCall, kind: Kind, obj: Any) -> int:
        """What stands for the object in the arguments: a key for `open`, or an end that goes back to the guest."""
        if incoming.goes_home(self._instance, kind, obj):
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
        pump = outgoing.feed(self._instance, self._wiring.kind(kind), kind, end, obj)
        pump.origin = f"that was passed to {call.called.path}"


def _size(called: Called) -> int:
    """Bytes in the driver component's memory from the arguments to the lists of numbers behind them."""
    assert called.arguments is not None
    return layout.align_to(layout.size(called.arguments), 8)


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
