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


class Results:
    """Resolves the futures of `calls`: those whose result is a number or nothing from a ring in the memory of the
    driver component, any others from the function that it calls.
    """

    def __init__(self, instance: Machine, calls: dict[int, GuestCall], unpackers: Mapping[int, struct.Struct]) -> None:
        self._instance = instance
        self._calls = calls
        self._unpackers = unpackers
        self._memory: memoryview
        self._words: memoryview

    def use_memory(self, view: memoryview, words: memoryview) -> None:
        """That of the driver component, as bytes and as words."""
        self._memory = view
        self._words = words

    def take_scalars(self) -> None:
        """Takes the results that are numbers, or nothing."""
        words = self._words
        count = words[RETURNED_COUNT // 4]
        if not count:
            return
        words[RETURNED_COUNT // 4] = 0
        self._instance.returned()
        for at in range(DRIVER_RETURNED, DRIVER_RETURNED + count * RETURNED_SIZE, RETURNED_SIZE):
            call = self._calls.pop(words[at // 4])
            call.end()
            if not call.future.done():
                found = self._unpackers[call.called.index].unpack_from(self._memory, at + 8)
                call.future.set_result(found[0] if found else None)

    def done(self, token: int, values: list[Any]) -> None:
        """Takes any other result: a list of one."""
        self._instance.returned()
        call = self._calls.pop(token)
        call.end()
        if call.future.done():
            _discard(call.called, values)
            return
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


def discard_result(called: Called, value: Any) -> None:
    """Drops and closes what a call gave to a caller that has gone; of a `result`, the ok value."""
    t = called.func.result
    if t is not None:
        _discard(called, [Ok(value) if isinstance(t, types.Result) else value])


def _discard(called: Called, values: list[Any]) -> None:
    """The caller has gone: drops the resources in a result, closes its streams."""
    assert called.func.result is not None
    for leaf, obj in leaves(types.List(called.func.result), values):
        if isinstance(obj, GuestResource):
            obj.close()
        else:
            discard(leaf, obj)
