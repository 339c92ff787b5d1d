"""Calling exports with values of every kind."""

from __future__ import annotations

import dataclasses
import enum
import math
from types import SimpleNamespace
from typing import Any

import pytest

from tests.guests.exports import API, HOST, Sleeper, opened_api
from tests.guests.harness import fails, load
from wasihost import Err, Ok, Some, WitError
from wasihost._component.running.exports.classes import MOST_KEPT

HOME = SimpleNamespace(x=-1, y=2)
PERSON = SimpleNamespace(name="Ada", age=36, home=HOME, tags=["first", "ünïcode 🎉"])
CIRCLE, NOTHING = SimpleNamespace(case="circle", value=1.5), SimpleNamespace(case="nothing")
POLYGON = SimpleNamespace(case="polygon", value=[HOME, SimpleNamespace(x=3, y=4)])

SCALARS: list[tuple[str, list[Any]]] = [
    ("echo-bool", [True, False]),
    *((f"echo-u{bits}", [0, 1, 2**bits - 1]) for bits in (8, 16, 32, 64)),
    *((f"echo-s{bits}", [-(2 ** (bits - 1)), -1, 0, 2 ** (bits - 1) - 1]) for bits in (8, 16, 32, 64)),
    ("echo-f32", [0.0, 1.5, -math.inf]),
    ("echo-f64", [0.1, 1e308, math.inf]),
    ("echo-char", ["a", "\0", "é", "🎉"]),
    ("echo-string", ["", "plain", "ünïcode 🎉", "nul\0inside", "x" * 100_000]),
    ("echo-bytes", [b"", b"\0\xff", bytes(300_000)]),
    ("echo-strings", [[], ["", "one", "two"], ["x"] * 5_000]),
    ("echo-tuple", [(255, "text", 0.5)]),
    ("echo-option", [None, "", "some"]),
    ("echo-option-option", [None, Some(None), Some(3)]),
    ("async-echo-u32", [0, 2**32 - 1]),
    ("async-echo-string", ["", "ünïcode 🎉", "x" * 100_000]),
]


def shape(value: Any) -> Any:
    """A value without its classes, to compare with one of other classes."""
    if isinstance(value, list | tuple):
        return [shape(part) for part in value]
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, SimpleNamespace):
        return {name: shape(part) for name, part in vars(value).items()}
    if isinstance(value, Ok | Err | Some):
        return type(value)(shape(value.value))
    if dataclasses.is_dataclass(value):
        found = {field.name: shape(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return found | ({"case": value.case} if hasattr(value, "case") else {})
    return value


@pytest.mark.parametrize(("function", "value"), [(name, value) for name, values in SCALARS for value in values])
async def test_comes_back_as_it_was(function: str, value: Any) -> None:
    async with opened_api() as api:
        answer = await api.call(function, value)
    assert answer == value
    assert type(answer) is type(value)


async def test_nan_comes_back_as_nan() -> None:
    async with opened_api() as api:
        assert math.isnan(await api.call("echo-f32", math.nan))
        assert math.isnan(await api.call("echo-f64", math.nan))


async def test_a_record_comes_back_with_its_fields() -> None:
    async with opened_api() as api:
        point = await api.call("echo-point", HOME)
    assert (point.x, point.y) == (-1, 2)


@pytest.mark.parametrize("function", ["echo-person", "async-echo-person"])
@pytest.mark.parametrize("age", [None, 36])
async def test_a_record_with_options_lists_and_records_inside(function: str, age: int | None) -> None:
    async with opened_api() as api:
        person = await api.call(function, SimpleNamespace(name="Ada", age=age, home=HOME, tags=PERSON.tags))
    assert (person.name, person.age, person.home.y, person.tags) == ("Ada", age, 2, PERSON.tags)


async def test_what_came_back_can_go_out_again() -> None:
    async with opened_api() as api:
        person = await api.call("echo-person", PERSON)
        assert await api.call("echo-person", person) == person


async def test_an_enum_goes_by_its_wit_name_and_comes_back_as_a_member() -> None:
    async with opened_api() as api:
        color = await api.call("echo-color", "green")
        assert (color.name, color.value) == ("GREEN", "green")
        assert await api.call("echo-color", color) is color


class Permissions(enum.Flag):
    EXECUTE, READ, WRITE = 1, 2, 4  # another order than WIT's: names count


async def test_flags_of_any_flag_class_come_back_as_a_generated_one() -> None:
    async with opened_api() as api:
        both = await api.call("echo-permissions", Permissions.READ | Permissions.EXECUTE)
        cls = type(both)
        assert [flag.name for flag in cls] == ["READ", "WRITE", "EXECUTE"]
        assert both == cls.READ | cls.EXECUTE
        assert await api.call("echo-permissions", both) == both
        assert await api.call("echo-permissions", Permissions(0)) == cls(0)


@pytest.mark.parametrize("value", [CIRCLE, POLYGON, SimpleNamespace(case="named", value="x"), NOTHING])
async def test_every_case_of_a_variant_comes_back(value: Any) -> None:
    async with opened_api() as api:
        answer = await api.call("echo-shape", value)
    assert answer.case == value.case
    assert shape(getattr(answer, "value", None)) == shape(getattr(value, "value", None))


async def test_a_case_without_payload_has_no_value() -> None:
    async with opened_api() as api:
        assert not hasattr(await api.call("echo-shape", NOTHING), "value")


@pytest.mark.parametrize("function", ["echo-nested", "async-echo-nested"])
async def test_a_value_nested_six_deep(function: str) -> None:
    value: list[Any] = [(CIRCLE, None), (POLYGON, Ok(PERSON)), (NOTHING, Err(["red", "blue"])), (NOTHING, Err([]))]
    async with opened_api() as api:
        answer = await api.call(function, value)
    assert shape(answer) == shape(value)
    assert isinstance(answer[1][1], Ok)
    assert isinstance(answer[2][1], Err)


@pytest.mark.parametrize("function", ["sum-17", "async-sum-17"])
async def test_more_parameters_than_fit_in_registers(function: str) -> None:
    async with opened_api() as api:
        assert await api.call(function, *(10**n for n in range(17))) == int("1" * 17)


# ---- results


async def test_ok_is_returned() -> None:
    async with opened_api() as api:
        assert await api.call("echo-result", Ok(7)) == 7
        assert await api.call("echo-result-empty", Ok()) is None
        assert await api.call("divide", 17, 5) == (3, 2)
        assert await api.call("async-divide", 17, 5) == (3, 2)


@pytest.mark.parametrize(
    ("function", "args", "value"),
    [
        ("echo-result", (Err("no"),), "no"),
        ("echo-result-empty", (Err(),), None),
        ("divide", (3, 0), "3 / 0"),
        ("async-divide", (3, 0), "3 / 0"),
    ],
)
async def test_err_is_raised(function: str, args: tuple[Any, ...], value: object) -> None:
    async with opened_api() as api:
        error = await fails(api.call(function, *args), WitError)
    assert isinstance(error, WitError)
    assert error.value == value


async def test_no_argument_and_no_result() -> None:
    async with opened_api() as api:
        assert await api.call("no-arguments") == "no arguments"
        assert await api.call("no-result", "remembered") is None
        assert await api.call("last-value") == "remembered"
        assert await api.call("async-no-result", "another") is None
        assert await api.call("last-value") == "another"


# ---- names


async def test_the_version_may_be_left_out() -> None:
    async with opened_api() as api:
        assert await api.instance.call("test:exports/api#echo-u8", 3) == 3


@pytest.mark.parametrize("name", [f"{API}#nothing", "test:exports/other#echo-u8", "echo-u8", ""])
async def test_an_unknown_name_is_a_lookup_error_that_tells_the_known_ones(name: str) -> None:
    async with opened_api() as api:
        error = await fails(api.instance.call(name), LookupError)
    assert repr(name) in str(error)
    assert f"{API}#echo-u8" in str(error)


# ---- wrong arguments


@pytest.mark.parametrize("args", [(), (1, 2)])
async def test_a_wrong_number_of_arguments_names_the_parameters(args: tuple[int, ...]) -> None:
    async with opened_api() as api:
        error = await fails(api.call("echo-u8", *args), TypeError)
    assert f"{API}#echo-u8" in str(error)
    assert "(value)" in str(error)


WRONG: list[tuple[str, tuple[Any, ...], str]] = [
    ("echo-u8", (256,), "argument value: expected u8 (0..255), got 256"),
    ("echo-u8", (-1,), "argument value: expected u8 (0..255), got -1"),
    ("echo-u8", ("1",), "argument value: expected u8 (0..255), got 'str'"),
    ("echo-u8", (None,), "argument value: expected u8 (0..255), got 'NoneType'"),
    ("echo-bool", (1,), "argument value: expected bool, got 'int'"),
    ("echo-char", ("ab",), "argument value: expected char, got 'ab'"),
    ("echo-string", (b"bytes",), "argument value: expected string, got 'bytes'"),
    ("echo-string", ("\ud800",), "argument value: expected string, got a str with a lone surrogate"),
    ("echo-strings", (["a", 1],), "argument value, element 1: expected string, got 'int'"),
    ("echo-tuple", ((1, "x"),), "argument value: expected tuple<u8, string, f64>, got 2 elements"),
    ("echo-point", (SimpleNamespace(x=1, y="2"),), "argument value, field y: expected s32"),
    ("echo-point", (SimpleNamespace(x=1),), "which has no attribute y"),
    ("echo-person", (SimpleNamespace(name="", age=1, home=HOME, tags=[1]),), "argument value, field tags, element 0"),
    ("echo-color", ("pink",), "argument value: expected enum color, got 'pink'"),
    ("echo-permissions", ("read",), "argument value: expected flags permissions, got 'str'"),
    ("echo-shape", (SimpleNamespace(case="square"),), "expected variant shape, got the case 'square'"),
    ("echo-shape", (SimpleNamespace(case="circle", value="x"),), "argument value, case circle: expected f64"),
    ("echo-result", (7,), "argument value: expected result<u32, string>, got 'int'"),
    ("echo-option", (1,), "argument value: expected string, got 'int'"),
    ("divide", (1, -1), "argument divisor: expected u32"),
    ("sum-17", (*range(16), "x"), "argument q: expected u64"),
    ("async-echo-u32", ("x",), "argument value: expected u32"),
    ("[constructor]counter", ("x",), "argument start: expected s64"),
]


@pytest.mark.parametrize(("function", "args", "message"), WRONG)
async def test_a_wrong_argument_is_a_type_error_that_names_function_and_field(
    function: str, args: tuple[Any, ...], message: str
) -> None:
    async with opened_api() as api:
        error = await fails(api.call(function, *args), TypeError)
        assert str(error).startswith(f"{API}#{function}: ")
        assert message in str(error)
        assert await api.call("echo-u8", 1) == 1


class RaisesOnce:
    """A point whose x cannot be read at the first look."""

    y = 0

    def __init__(self, error: Exception) -> None:
        self._errors = [error]

    @property
    def x(self) -> int:
        if self._errors:
            raise self._errors.pop()
        return 1


class Unprintable(TypeError):
    def __str__(self) -> str:
        raise ValueError("no text")


@pytest.mark.parametrize(
    "error", [TypeError("element 99"), Unprintable(), IndexError("element 99"), StopIteration("element 99")], ids=type
)
async def test_what_an_argument_raises_ends_its_call_only(error: Exception) -> None:
    async with opened_api() as api:
        raised = await fails(api.call("echo-point", RaisesOnce(error)), Exception)
        if isinstance(error, StopIteration):
            assert str(raised) == f"an argument of {API}#echo-point raised StopIteration"
        else:
            assert raised is error
            assert error.__notes__ == [f"raised by an argument of {API}#echo-point"]
        assert shape(await api.call("echo-point", HOME)) == shape(HOME)


async def test_each_instance_may_have_classes_of_its_own() -> None:
    component = load("rust-exports")
    for _ in range(MOST_KEPT + 2):
        point = dataclasses.make_dataclass("Point", ["x", "y"])
        async with component.open({HOST: Sleeper()}) as one, component.open({HOST: Sleeper()}) as other:
            one.use_types(API, {"point": point})
            assert type(await one.call(f"{API}#echo-point", {"x": 1, "y": 2})) is point
            assert type(await other.call(f"{API}#echo-point", {"x": 1, "y": 2})) is not point


async def test_what_asdict_makes_of_a_value_goes_back() -> None:
    async with opened_api() as api:
        for function, value in (("echo-person", PERSON), ("echo-shape", CIRCLE), ("echo-shape", POLYGON)):
            found = await api.call(function, value)
            assert await api.call(function, dataclasses.asdict(found)) == found
        assert dataclasses.asdict(await api.call("echo-shape", NOTHING)) == {"case": "nothing"}
        assert await api.call("echo-permissions", {"read"}) == await api.call("echo-permissions", ["read", "read"])
        nested = [({"case": "polygon", "value": [{"x": 1, "y": 2}]}, Ok({**vars(PERSON), "home": {"x": 0, "y": 0}}))]
        ((polygon, person),) = await api.call("echo-nested", nested)
        assert (polygon.value[0].y, person.value.home.x) == (2, 0)
        await fails(api.call("echo-person", {"name": "Ada"}), TypeError)
