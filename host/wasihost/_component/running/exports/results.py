"""Results of exports on their way out of the guest."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from wasihost._component.composition.protocol import DRIVER_RETURNED, RETURNED_COUNT, RETURNED_SIZE
from wasihost._component.running.exports.call import GuestCall
from wasihost._component.running.exports.resources import GuestResource
from wasihost._component.running.machine import Machine
from wasihost._component.running.streams.handles import discard, leaves
from wasihost._component.values import Err, Ok, WitError
from wasihost._component.world import types
from wasihost._component.world.wiring import Called

_COUNT = struct.Struct("<I")
_RETURNED = struct.Struct("<I4x8s")


class Results:
    """Resolves the futures of `calls`: those whose result is a number or nothing from a ring in the memory of the
    driver component, any others from the function that it calls.
    """

    def __init__(self, instance: Machine, calls: dict[int, GuestCall], unpackers: Mapping[int, struct.Struct]) -> None:
        self._instance = instance
        self._calls = calls
        self._unpackers = unpackers
        self._memory = memoryview(bytearray(DRIVER_RETURNED))  # until there is the driver component's

    def use_memory(self, view: memoryview) -> None:
        """That of the driver component."""
        self._memory = view

    def take_scalars(self) -> None:
        """Takes the results that are numbers, or nothing."""
        (count,) = _COUNT.unpack_from(self._memory, RETURNED_COUNT)
        if not count:
            return
        _COUNT.pack_into(self._memory, RETURNED_COUNT, 0)
        self._instance.returned()
        ring = self._memory[DRIVER_RETURNED : DRIVER_RETURNED + count * RETURNED_SIZE]
        for token, value in _RETURNED.iter_unpack(ring):
            call = self._calls.pop(token)
            call.end()
            if not call.future.done():
                found = self._unpackers[call.called.index].unpack(value)
                call.future.set_result(found[0] if found else None)

    def done(self, token: int, values: list[Any]) -> None:
        """Takes any other result: a list of one."""
        call = self._calls.pop(token)
        call.end()
        if call.future.done():
            _discard(call.called, values)
            return
        self._instance.returned()
        (value,) = values
        if not isinstance(call.called.func.result, types.Result):
            call.future.set_result(value)
        elif isinstance(value, Err):
            call.future.set_exception(WitError(value.value))
        else:
            assert isinstance(value, Ok)
            call.future.set_result(value.value)

    def cancelled(self, token: int) -> None:
        """There will be no result: the guest has confirmed that the call is cancelled."""
        if call := self._calls.pop(token, None):
            call.end()


def _discard(called: Called, values: list[Any]) -> None:
    """The caller has gone: drops the resources in a result, closes its streams."""
    assert called.func.result is not None
    for leaf, obj in leaves(types.List(called.func.result), values):
        if isinstance(obj, GuestResource):
            obj.close()
        else:
            discard(leaf, obj)
