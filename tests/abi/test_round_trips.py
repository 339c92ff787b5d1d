"""Canonical-ABI round trips: values of any type, from the embedder through a guest to a provider and back."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Callable, Sequence
from contextvars import Context
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from tests.abi.echo import HOST, Echo, functions, guest
from tests.abi.running import assemble, running
from tests.abi.shapes import same, with_handles, without_handles
from tests.abi.worlds.guest import guest as world_guest
from tests.abi.worlds.world import Function, Interface, Way, World
from tests.strategies import val_types, values
from wasihost._component.conversion.mismatch import INTEGERS
from wasihost._component.instance import Instance
from wasihost._component.resources import ResourceTable
from wasihost._component.values import Classes, Err, Ok, Some, WitError, may_wait
from wasihost._component.world import types
from wasihost._component.world.types import ValType

THING = types.Resource("thing")
FILLED = tuple(range(2**64 - 17, 2**64))


class Thing:
    """A resource of the provider."""


class Provider:
    """Gives back what it gets; `waits` says which kind of method an async function has."""

    def __init__(self, ts: Sequence[ValType], waits: bool) -> None:
        self.seen: tuple[Any, ...] = ()
        for echo in functions(ts):
            if waits and (echo.func.is_async or echo.name.startswith("wait-")):
                method = self._waiting(echo)
            else:
                method = self._perhaps_waiting(echo) if echo.name.startswith("wait-") else self._method(echo)
            setattr(self, echo.name.replace("-", "_"), method)
        # Whatever number the only resource got among the named types.
        for i in range(100):
            setattr(self, f"T{i}", Thing)

    def _method(self, echo: Echo) -> Callable[..., Any]:
        def give(*args: Any) -> Any:
            self.seen = args
            result: Any = args if echo.all else args[0]
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

    def _perhaps_waiting(self, echo: Echo) -> Callable[..., Any]:
        """A method that waits in every other call."""
        give, wait, turns = self._method(echo), self._waiting(echo), itertools.cycle((False, True))

        @may_wait
        def perhaps(*args: Any) -> Any:
            return wait(*args) if next(turns) else give(*args)

        return perhaps


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


SETTINGS = settings(
    max_examples=40,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.slow
@given(st.data())
@SETTINGS
def test_values_come_back_as_they_went(data: st.DataObject) -> None:
    ts = data.draw(st.lists(val_types(), min_size=1, max_size=3), label="types")
    classes = Classes(types.Interface({}))
    samples = data.draw(st.lists(st.tuples(*(values(t, classes) for t in ts)), min_size=1, max_size=3), label="samples")
    waits = data.draw(st.booleans(), label="async providers")
    note(guest(ts))
    asyncio.run(check(ts, samples, waits))


def _integers() -> list[types.Primitive]:
    return [types.Primitive(name) for name in INTEGERS]


def _record(*ts: ValType) -> types.Record:
    return types.Record(tuple((f"field-{i}", t) for i, t in enumerate(ts)))


def _variant(*ts: ValType | None) -> types.Variant:
    return types.Variant(tuple((f"case-{i}", t) for i, t in enumerate(ts)))


def _case(number: int, *value: Any) -> Any:
    return SimpleNamespace(case=f"case-{number}", **({"value": value[0]} if value else {}))


MANY = types.Enum(tuple(f"name-{i}" for i in range(300)))
ALL_FLAGS = types.Flags(tuple(f"flag-{i}" for i in range(32)))
# Classes of our own, not the instance's.
ManyNames: Any = Classes(types.Interface({})).of(MANY)
FlagsOf32: Any = Classes(types.Interface({})).of(ALL_FLAGS)
# Payloads whose flat types are joined: i32 with f32 is i32, everything else with something else is i64.
JOINED = _variant(
    types.U32,
    types.F32,
    types.S64,
    types.F64,
    types.STRING,
    None,
    types.Tuple((types.F32, types.F64)),
    types.Tuple((types.U64, types.F32, types.U8)),
    _variant(types.F32, types.F64, types.Tuple((types.F64, types.F32))),
)


@pytest.mark.parametrize(
    ("t", "samples"),
    [
        *((t, [*INTEGERS[t.name], 0]) for t in _integers()),
        (types.BOOL, [True, False]),
        (types.F32, [0.0, -0.0, math.inf, -math.inf, math.nan, 2.0**-149, 3.4028234663852886e38]),
        (types.F64, [0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, 1.7976931348623157e308]),
        (types.CHAR, ["\0", "a", "\ud7ff", "\ue000", "\U0010ffff"]),
        (types.STRING, ["", "\0", "a" * 100_000, "\U0001f600é", "\ud7ff\ue000"]),
        (types.List(types.U8), [b"", b"\0\xff", bytes(200_000)]),
        (types.List(types.STRING), [[], [""], ["a" * i for i in range(300)]]),
        (types.List(types.F32), [[math.nan, math.inf, -0.0]]),
        (types.List(types.List(types.List(types.U16))), [[], [[]], [[[], [1, 65535]], []]]),
        (types.List(types.BOOL), [[True, False] * 1000]),
        (types.List(types.Tuple((types.U8, types.U64))), [[(255, 2**64 - 1)] * 1000]),
        (
            types.Map(types.STRING, types.List(types.U8)),
            [{}, {"a": b"", "é": b"x"}, {str(n): b"a" for n in range(99)}],
        ),
        (types.Map(types.CHAR, types.Map(types.BOOL, types.F64)), [{"a": {}, "b": {True: 1.5, False: -0.0}}]),
        (types.Option(types.Map(types.U64, types.Option(types.STRING))), [None, {}, {2**64 - 1: "x", 0: None}]),
        (types.Result(types.Map(types.S8, types.U32), types.Map(types.U8, types.U8)), [Ok({-1: 2}), Err({1: 255})]),
        (MANY, [ManyNames(f"name-{n}") for n in (0, 255, 256, 299)]),
        (ALL_FLAGS, [FlagsOf32(0), FlagsOf32(2**32 - 1), FlagsOf32.FLAG_31, FlagsOf32.FLAG_0]),
        (types.Option(types.Option(types.STRING)), [None, Some(None), Some("x")]),
        (types.Option(types.Option(types.Option(types.BOOL))), [None, Some(None), Some(Some(None)), Some(Some(False))]),
        (types.Result(None, None), [Ok(), Err()]),
        (types.Result(types.U8, None), [Ok(1), Err()]),
        (types.Result(None, types.STRING), [Ok(), Err("wrong")]),
        (types.Result(types.F32, types.U64), [Ok(math.inf), Err(2**64 - 1)]),
        (types.Result(types.Result(types.U8, types.S8), types.Result(None, types.F64)), [Ok(Err(-1)), Err(Err(0.5))]),
        (types.Option(types.Result(types.Option(types.STRING), None)), [None, Ok(None), Ok("x"), Err()]),
        (types.Tuple((types.U8,) * 16), [tuple(range(16))]),
        (types.Tuple((types.U8,) * 17), [tuple(range(17))]),
        (_record(*_integers(), types.STRING, types.F32, types.CHAR, types.List(types.U8)), []),
        (_variant(*[types.U8] * 300), [_case(0, 1), _case(255, 2), _case(256, 3), _case(299, 4)]),
        (
            JOINED,
            [
                *(_case(0, 2**32 - 1), _case(1, -0.0), _case(1, math.inf), _case(2, -(2**63)), _case(3, math.inf)),
                *(_case(4, "text"), _case(5), _case(6, (math.inf, -0.0)), _case(7, (2**64 - 1, 1.5, 255))),
                *(_case(8, _case(0, 1.5)), _case(8, _case(1, -0.0)), _case(8, _case(2, (1.5, 2.5)))),
            ],
        ),
        # A short case beside one whose further flat values are of another type, or of the same.
        (_variant(types.List(types.U8), _variant(types.Tuple((types.U8, types.F32)))), [_case(0, b"ab")]),
        (_variant(types.List(types.U8), types.Tuple((types.U8,) * 3)), [_case(0, b"ab"), _case(1, (1, 2, 3))]),
        (types.Tuple((JOINED, JOINED, JOINED, JOINED)), [(_case(1, 1.5), _case(3, 2.5), _case(4, "x"), _case(5))]),
    ],
    ids=lambda t: "" if isinstance(t, list) else type(t).__name__ + getattr(t, "name", ""),
)
async def test_values_of_this_type_come_back_as_they_went(t: ValType, samples: list[Any]) -> None:
    for waits in (False, True):
        await check([t], [(sample,) for sample in samples], waits)


@pytest.mark.nightly
@given(st.data())
@SETTINGS
def test_owned_resources_come_back_as_they_went(data: st.DataObject) -> None:
    """Every integer of a type becomes an owned resource."""
    own = types.Own(THING)
    plain = data.draw(val_types(max_leaves=6), label="type")
    t = types.Tuple((own, types.substitute(plain, lambda inner: own if inner in _integers() else None)))
    samples = data.draw(st.lists(values(without_handles(t), Classes(types.Interface({}))), min_size=1, max_size=2))
    note(guest([t]))
    for waits in (False, True):
        objects = [with_handles(t, sample, lambda _t, _n: Thing()) for sample in samples]
        asyncio.run(check([t], [(each,) for each in objects], waits))


class Noting(ResourceTable):
    """Notes in which order its objects go."""

    def __init__(self) -> None:
        super().__init__()
        self.gone: list[str] = []

    def _take_out(self, rep: int) -> Context | None:
        context = super()._take_out(rep)
        self.gone.append("lent" if context is None else "result")
        return context


async def test_what_a_call_was_lent_is_back_before_its_result() -> None:
    """An epoch can interrupt the driver component in between."""
    func = types.Func((("x", types.Borrow(THING)),), types.Own(THING))
    world = World([Interface(HOST, {"thing": THING}, [Function("f", "f", func, Way.STANDS)])])
    provider, table = SimpleNamespace(Thing=Thing, f=lambda _: Thing()), Noting()
    async with assemble(world_guest(world)).open({HOST: provider}, table=table) as instance:
        await instance.call(f"{HOST}#f", Thing())
    assert table.gone == ["lent", "result"]
