"""Host functions as C callbacks."""

from __future__ import annotations

from typing import Any

import pytest
import wasmtime

from wasihost._component import ffi
from wasihost._component.conversion.plans import Plans
from wasihost._component.ffi.errors import raise_at
from wasihost._component.resources import ResourceTable
from wasihost._component.running.imports.callbacks import callback
from wasihost._component.running.store_context import StoreContext
from wasihost._component.values import Classes
from wasihost._component.world import types

STORE = 1


@pytest.mark.parametrize("is_switched", [False, True])
@pytest.mark.parametrize("params", [(), (("value", types.U32),)], ids=["no parameters", "one"])
def test_a_function_without_result_that_returns_a_value_is_refused(is_switched: bool, params: Any) -> None:
    func = types.Func(params, None)
    context = StoreContext(ResourceTable(), {"f": lambda _context: lambda *_args: 5}, STORE)
    context.switched = context.caller_context if is_switched else None
    value = bytes(ffi.VAL_SIZE * len(params))
    run = callback({STORE: context}, "f", "test:a/b#f", func, Plans(Classes(types.Interface({}))))
    error = run(0, STORE, 0, id(value) + ffi.BYTES_OFFSET, len(params), 0, 0)
    assert str(context.exception) == "test:a/b#f: expected no result, got 'int'"
    with pytest.raises(wasmtime.WasmtimeError, match="expected no result"):
        raise_at(error)
