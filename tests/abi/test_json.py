"""JSON for values of any type, by way of a guest."""

from __future__ import annotations

import asyncio
import json
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from tests.abi.echo import HOST, guest
from tests.abi.running import assemble, running
from tests.abi.test_round_trips import Provider
from tests.strategies import val_types, values
from wasihost._base.errors import UnsupportedTypeError
from wasihost._commands import wave
from wasihost._commands.jsonvalues import JsonError, check, from_json, to_json
from wasihost._component.values import Classes, Err, Ok
from wasihost._component.world import types
from wasihost._component.world.types import ValType

POINT = types.Record((("x-axis", types.U8), ("label", types.Option(types.STRING))))
SHAPE = types.Variant((("dot", POINT), ("none", None)))
NESTED = types.Option(types.Option(types.U8))
RESULT = types.Result(types.U8, None)
SETTINGS = settings(
    max_examples=40, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


async def through_guest(t: ValType, given_json: Any) -> Any:
    """What comes back as JSON; `all` gives a tuple of the one value, so that a result is no error."""
    async with running(assemble(guest([t])), {HOST: Provider([t], waits=False)}) as instance:
        (value,) = await instance.call("all", from_json(t, given_json, "x"))
        return await to_json(t, value)


@pytest.mark.slow
@given(st.data())
@SETTINGS
def test_json_of_any_value_goes_through_a_guest_as_it_came(data: st.DataObject) -> None:
    t = data.draw(val_types(max_leaves=5), label="type")
    value = data.draw(values(t, Classes(types.Interface({}))), label="value")

    async def there_and_back() -> None:
        text = json.dumps(await to_json(t, value), allow_nan=False)
        note(text)
        assert json.dumps(await through_guest(t, json.loads(text))) == text

    asyncio.run(there_and_back())


@pytest.mark.slow
@given(st.data())
@SETTINGS
def test_any_value_in_the_form_of_wasmtime_goes_through_a_guest_as_it_came(data: st.DataObject) -> None:
    t = data.draw(val_types(max_leaves=5), label="type")
    value = data.draw(values(t, Classes(types.Interface({}))), label="value")

    async def there_and_back() -> None:
        text = wave.text(t, await to_json(t, value))
        note(text)
        (read,) = wave.read_arguments(f"({text})", [("x", t)])
        assert wave.text(t, await through_guest(t, read)) == text

    asyncio.run(there_and_back())


@pytest.mark.parametrize(
    ("t", "given_json", "back"),
    [
        (types.List(types.U8), "é", {"base64": "w6k="}),
        (types.List(types.U8), [1, 255], {"base64": "Af8="}),
        (types.List(types.U8), {"base64": ""}, {"base64": ""}),
        (POINT, {"x-axis": 1}, {"x-axis": 1, "label": None}),
        (SHAPE, {"case": "dot", "value": {"x-axis": 1, "label": "a"}}, None),
        (SHAPE, {"case": "none"}, None),
        (NESTED, {"some": None}, None),
        (NESTED, {"some": 3}, None),
        (RESULT, {"err": None}, None),
        (types.F64, "NaN", None),
        (types.F64, "-Infinity", None),
        (types.F64, 1, 1.0),
        (types.Flags(("a-b", "c")), ["c"], None),
        (types.Tuple((types.CHAR, types.BOOL)), ["x", True], None),
        (types.Map(types.STRING, types.U8), {"a": 1, "": 2}, None),
        (types.Map(types.U8, types.Option(types.STRING)), [[1, "a"], [2, None]], None),
    ],
)
async def test_each_form(t: ValType, given_json: Any, back: Any) -> None:
    assert await through_guest(t, given_json) == (given_json if back is None else back)


@pytest.mark.parametrize(
    ("t", "wrong", "message"),
    [
        (types.U8, 256, "x: expected u8 (0..255), got 256"),
        (types.U8, 1.0, "x: expected u8 (0..255), got 1.0"),
        (types.U8, True, "x: expected u8 (0..255), got True"),
        (types.F32, "1", "x: expected f32, a number, got '1'"),
        (types.BOOL, 1, "x: expected true or false, got 1"),
        (types.STRING, None, "x: expected string, a string, got None"),
        (types.CHAR, "ab", "x: expected char, a string of one character, got 'ab'"),
        (types.List(types.STRING), ["a", 1], "x[1]: expected string, a string, got 1"),
        (types.List(types.U8), {"base64": "?"}, "x.base64: expected a string of Base64, got '?'"),
        (types.List(types.U8), 3, 'x: expected {"base64": …}, got 3'),
        (types.Tuple((types.U8,)), [1, 2], "x: expected an array of 1, got [1, 2]"),
        (POINT, {}, "x: the field x-axis is missing"),
        (POINT, {"x-axis": 1, "y": 2}, "x: no field 'y'; the fields are x-axis, label"),
        (POINT, {"x-axis": 1, "label": 2}, "x.label: expected string, a string, got 2"),
        (types.Enum(("a", "b")), "c", "x: expected 'a' or 'b', got 'c'"),
        (types.Enum(("a", "b")), ["a"], "x: expected 'a' or 'b', got ['a']"),
        (types.Flags(("a",)), ["a", "b"], "x[1]: expected 'a', got 'b'"),
        (SHAPE, "dot", 'x: expected {"case": …} or {"case": …, "value": …}, got'),
        (SHAPE, {"case": "line"}, "x.case: expected 'dot' or 'none', got 'line'"),
        (SHAPE, {"case": "none", "value": 1}, "x.value: expected null, got 1"),
        (NESTED, 3, 'x: expected {"some": …}, got 3'),
        (types.Map(types.STRING, types.U8), {"a": 256}, "x.a: expected u8 (0..255), got 256"),
        (types.Map(types.CHAR, types.U8), {"ab": 1}, "a key of x: expected char, a string of one character, got 'ab'"),
        (types.Map(types.STRING, types.U8), [["a", 1]], "x: expected an object, got [['a', 1]]"),
        (types.Map(types.U8, types.U8), {"1": 1}, "x: expected an array, got {'1': 1}"),
        (RESULT, {"ok": 1, "err": None}, 'x: expected {"ok": …} or {"err": …}, got'),
        (types.Stream(types.U16), 3, "x: expected an array, got 3"),
    ],
)
def test_wrong_json_tells_where_and_what_was_expected(t: ValType, wrong: Any, message: str) -> None:
    with pytest.raises(JsonError) as caught:
        from_json(t, wrong, "x")
    assert message in str(caught.value)


def test_resources_have_no_json() -> None:
    func = types.Func((("x", types.List(types.Own(types.Resource("thing")))),), None)
    with pytest.raises(UnsupportedTypeError, match="a:b/c#f: the resource thing"):
        check("a:b/c#f", func)


async def test_results_and_floats_to_json() -> None:
    assert [await to_json(RESULT, value) for value in (Ok(1), Err())] == [{"ok": 1}, {"err": None}]
    assert [await to_json(types.F32, value) for value in (math.inf, 0.5)] == ["Infinity", 0.5]
