"""Arguments of exports on their way into the guest."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Mapping
from typing import Any

from wasihost._base.errors import ProviderError, WasihostError
from wasihost._base.quoting import line
from wasihost._component import ffi
from wasihost._component.composition.protocol import DRIVER_ARGUMENTS, HOME
from wasihost._component.conversion import scalars
from wasihost._component.conversion.handles import Refused
from wasihost._component.conversion.numbers import SharedNumbers, needed
from wasihost._component.conversion.plans import FromPython, FunctionPlans
from wasihost._component.running.exports.call import GuestCall
from wasihost._component.running.machine import Machine
from wasihost._component.running.streams import incoming, outgoing
from wasihost._component.world import layout, types
from wasihost._component.world.wiring import Called, Kind, Wiring


class Arguments:
    """Writes the arguments of one instance's calls: numbers into the memory of the driver component, any others as a C
    value, `value`, which it asks for next.
    """

    def __init__(
        self, instance: Machine, wiring: Wiring, plans: Mapping[str, FunctionPlans], numbers: SharedNumbers
    ) -> None:
        self._instance = instance
        self._wiring = wiring
        self._plans = plans
        self._numbers = numbers
        self.value = ctypes.create_string_buffer(ffi.VAL_SIZE)
        self._value_at = ctypes.addressof(self.value)
        self._givers: dict[int, tuple[FromPython, tuple[int, ...]]] = {}
        self._needed = {called.index: needed(called.whole) for called in wiring.called if called.sends_numbers}
        self._memory: memoryview

    def use_memory(self, view: memoryview) -> None:
        """That of the driver component."""
        self._memory = view

    def room_of(self, call: GuestCall) -> int:
        """Bytes that the driver component must make for arguments with lists of numbers; 0 if none are needed.

        Errors: LimitError.
        """
        size_of = self._needed.get(call.called.index)
        lists = 0
        if size_of is None:
            return 0
        with contextlib.suppress(Exception):  # not of the type, as `write` will say
            lists = size_of(call.args)
        limits = self._instance.limits
        if lists > limits.list_bytes:
            raise limits.reached("list_bytes", f"{call.called.path}: lists of {lists} bytes")
        return _size(call.called) + lists

    def use_room(self, call: GuestCall, address: int) -> None:
        """The room was made there."""
        size = _size(call.called)
        self._numbers.give_room(address + size, call.room - size)

    def write(self, call: GuestCall) -> None:
        """Writes the arguments of a call. Errors: any, for `error_of`."""
        arguments = call.called.arguments
        if arguments is None:
            return
        give, padding = self._givers.get(call.called.index) or self._giver(call.called, arguments)
        give(call.args + padding, self._value_at, self._instance)
        for reader in call.home or ():
            reader.give_away()

    def _giver(self, called: Called, arguments: types.Tuple) -> tuple[FromPython, tuple[int, ...]]:
        """The plan for the arguments, and what pads them."""
        if called.takes_scalars:
            self._givers[called.index] = self._scalars_giver(called), ()
            return self._givers[called.index]
        own = called.whole.elements
        padding = (types.U8,) * (len(arguments.elements) - len(own))
        give = self._plans[called.interface].arguments_from_python(types.Tuple(own + padding), called.names)
        found = self._givers[called.index] = give, (0,) * len(padding)
        return found

    def _scalars_giver(self, called: Called) -> FromPython:
        pack_into = scalars.arguments(called.whole).pack_into
        explain = self._plans[called.interface].arguments_from_python(called.whole, called.names)

        def give(args: tuple[Any, ...], address: int, context: Any) -> None:
            try:
                pack_into(self._memory, DRIVER_ARGUMENTS, *args)
            except Exception:
                explain(args, address, context)
                raise

        return give

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
