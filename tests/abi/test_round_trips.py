"""Canonical-ABI round trips: values of any type, from the embedder through a guest to a provider and back."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, note, settings
from hypothesis import strategies as st

from tests.abi.echo import HOST, Echo, functions, guest
from tests.abi.running import assemble, running
from tests.abi.shapes import same, with_handles, without_handles
from tests.strategies import val_types, values
from wasihost.component import types
from wasihost.component.instance import Instance
from wasihost.component.reflect import reflect
from wasihost.component.types import ValType
from wasihost.component.values import Classes, Err, Ok, Some, WitError

THING = types.Resource("thing")
FILLED = tuple(range(2**64 - 17, 2**64))


class Thing:
    """A resource of the provider."""


class Provider:
    """Gives back what it gets; `waits` says which kind of method an async function has."""

    def __init__(self, ts: Sequence[ValType], waits: bool) -> None:
        self.seen: tuple[Any, ...] = ()
        for echo in functions(ts):
            waiting = echo.name.startswith("wait-") or (echo.func.is_async and waits)
            setattr(self, echo.name.replace("-", "_"), self._waiting(echo) if waiting else self._method(echo))
        # Whatever number the only resource got among the named types.
        for i in range(100):
            setattr(self, f"T{i}", Thing)

    def _method(self, echo: Echo) -> Callable[..., Any]:
        def give(*args: Any) -> Any:
            self.seen = args
            result = args if echo.all else args[0]
            if isinstance(result, Err) and isinstance(echo.func.result, types.Result):
                raise WitError(result.value)
            return result.value if isinstance(echo.func.result, types.Result) else result

        return give

    def _waiting(self, echo: Echo) -> Callable[..., Any]:
        give = self._method(echo)

        async def wait(*args: Any) -> Any:
            await asyncio.sleep(0)
            return give(*args)

        return wait


async def call(instance: Instance, echo: Echo, *args: Any) -> Any:
    """What an export gives: `Ok` or `Err` if it is a result, as inside of another value."""
    try:
        found = await instance.call(echo.name, *args)
    except WitError as error:
        return Err(error.value)
    return Ok(found) if isinstance(echo.func.result, types.Result) else found


async def check(ts: Sequence[ValType], samples: Sequence[Sequence[Any]], waits: bool = False) -> None:
    """Sends each sample (one value for each type) through every function of a guest."""
    provider = Provider(ts, waits)
    async with running(assemble(guest(ts)), {HOST: provider}) as instance:
        for sample in samples:
            for echo in functions(ts):
                args = tuple(sample) if echo.name == "all" else (sample[int(echo.name.partition("-")[2])],)
                args = (*args, FILLED) if echo.waits else args
                found = await call(instance, echo, *args)
                params = types.Tuple(tuple(t for _, t in echo.func.params))
                assert same(params, args, provider.seen), f"{echo.name}: the provider got {provider.seen}"
                assert same(echo.func.result, args if echo.all else args[0], found), f"{echo.name} gave {found}"


@given(st.data())
@settings(
    max_examples=150,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_values_come_back_as_they_went(data: st.DataObject) -> None:
    ts = data.draw(st.lists(val_types(), min_size=1, max_size=3), label="types")
    classes = Classes(types.Interface({}))
    samples = data.draw(
        st.lists(st.tuples(*(values(t, classes) for t in ts)), min_size=1, max_size=3), label="samples"
    )
    note(guest(ts))
    asyncio.run(check(ts, samples, data.draw(st.booleans(), label="async providers")))
