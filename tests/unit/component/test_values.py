from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from wasihost._base.errors import LinkError
from wasihost._component.values import Classes, Columns, WitError, camel_case, case_names, snake_case, upper_snake_case
from wasihost._component.world import types

POINT = types.Record((("x-pos", types.U32), ("class", types.U32)))
COLOR = types.Enum(("red", "dark-blue"))
RIGHTS = types.Flags(("read", "write"))
SHAPE = types.Variant((("none", None), ("dot", POINT)))
NAMED: dict[str, types.Item] = {"point": POINT, "color": COLOR, "rights": RIGHTS, "the-shape": SHAPE}


def classes(items: dict[str, types.Item] | None = None, **wit_types: type) -> Classes:
    return Classes(types.Interface(NAMED if items is None else items), wit_types)


@pytest.mark.parametrize(
    ("name", "snake", "camel", "upper"),
    [
        ("get-keep-alive", "get_keep_alive", "GetKeepAlive", "GET_KEEP_ALIVE"),
        ("class", "class_", "Class", "CLASS"),
        ("none", "none", "None_", "NONE"),
        ("ipv4", "ipv4", "Ipv4", "IPV4"),
        ("HTTP-url", "http_url", "HTTPUrl", "HTTP_URL"),
    ],
)
def test_names(name: str, snake: str, camel: str, upper: str) -> None:
    assert (snake_case(name), camel_case(name), upper_snake_case(name)) == (snake, camel, upper)


def test_cases_that_look_alike_in_camel_case_are_told_apart() -> None:
    assert case_names(["utf8", "utf-8", "a"]) == {"utf8": "Utf8", "utf-8": "Utf8_", "a": "A"}


def test_a_record_is_a_frozen_slotted_dataclass() -> None:
    cls = classes().named["point"]
    point = cls(1, 2)
    assert repr(point) == "Point(x_pos=1, class_=2)"
    assert not hasattr(point, "__dict__")
    with pytest.raises(dataclasses.FrozenInstanceError):
        point.x_pos = 3


def test_fields_may_have_names_that_mean_something_to_python() -> None:
    names = ("mro", "self", "value", "name", "case", "is")
    record = types.Record(tuple((name, types.U8) for name in names))
    assert repr(classes().of(record)(*range(6))) == "Record(mro=0, self=1, value=2, name=3, case=4, is_=5)"


def test_an_enum_has_the_wit_names_as_values() -> None:
    cls: Any = classes().named["color"]
    assert cls.DARK_BLUE.value == "dark-blue"
    assert [member.name for member in cls] == ["RED", "DARK_BLUE"]


def test_flags_have_the_bits_of_the_canonical_abi() -> None:
    cls: Any = classes().named["rights"]
    assert (cls.READ.value, cls.WRITE.value) == (1, 2)


def test_a_variant_has_one_class_per_case() -> None:
    cls: Any = classes().named["the-shape"]
    assert (cls.None_.case, cls.Dot.case) == ("none", "dot")
    assert repr(cls.Dot(1)) == "TheShape.Dot(value=1)"
    assert cls.None_() == cls.None_()
    assert not hasattr(cls.None_(), "value")
    assert isinstance(cls.Dot(1), cls)


def test_a_variant_keeps_its_case_in_a_dict() -> None:
    cls: Any = classes().named["the-shape"]
    assert dataclasses.asdict(cls.Dot(1)) == {"case": "dot", "value": 1}
    assert dataclasses.asdict(cls.None_()) == {"case": "none"}
    assert not hasattr(cls.Dot(1), "__dict__")


def test_equal_types_share_a_class() -> None:
    found = classes({"color": COLOR, "colour": COLOR})
    assert found.named["color"] is found.named["colour"] is found.of(types.Enum(("red", "dark-blue")))


def test_a_type_without_a_name_is_named_by_its_path() -> None:
    func = types.Func((("options", types.List(types.Option(COLOR))),), types.Result(RIGHTS, None))
    found = classes({"[method]pen.draw-line": func})
    assert found.of(COLOR).__name__ == "PenDrawLineOptions"
    assert found.of(RIGHTS).__name__ == "PenDrawLineResult"


def test_a_type_the_interface_does_not_mention_gets_a_class_of_its_own() -> None:
    found = classes({})
    assert (found.of(COLOR).__name__, found.of(types.Enum(("x",))).__name__) == ("Enum", "Enum_")


class Color(enum.Enum):
    RED = 1
    DARK_BLUE = 2
    GREEN = 3


@dataclass
class Point:
    x_pos: int
    class_: int
    more: int = 0


class Rights(enum.Flag):
    READ = 1
    WRITE = 4


class Shape:
    class None_:
        case: ClassVar[str] = "none"

    @dataclass
    class Dot:
        case: ClassVar[str] = "dot"
        value: Point


def test_a_providers_own_classes_are_used() -> None:
    own = {"point": Point, "color": Color, "rights": Rights, "the-shape": Shape, "not-imported": int}
    found = Classes(types.Interface(NAMED), own)
    assert found.named == {name: own[name] for name in NAMED}
    assert found.of(COLOR) is Color


@pytest.mark.parametrize(
    ("name", "cls", "lacking"),
    [
        ("point", Color, "parameters (x_pos, class_)"),
        ("color", Rights, "RED"),
        ("color", Point, "the base class enum.Enum"),
        ("rights", Color, "the base class enum.Flag"),
        ("the-shape", Point, "None_"),
    ],
)
def test_a_class_of_another_shape_is_refused(name: str, cls: type, lacking: str) -> None:
    with pytest.raises(LinkError) as caught:
        Classes(types.Interface(NAMED), {name: cls})
    assert str(caught.value) == (
        f"wit_types: {cls.__qualname__} cannot be used for the WIT type {name}: it lacks {lacking}"
    )


@pytest.mark.parametrize(
    ("t", "text"),
    [
        (types.List(types.Tuple((types.STRING, COLOR))), "list<tuple<string, enum color>>"),
        (types.Result(None, COLOR), "result<_, enum color>"),
        (types.Result(types.U8, None), "result<u8>"),
        (types.Result(None, None), "result"),
        (types.Record((("a", types.U8),)), "record"),
        (types.Own(types.Resource("socket")), "socket"),
        (types.Option(types.Borrow(types.Resource("socket"))), "option<borrow<socket>>"),
        (types.Stream(types.U8), "stream<u8>"),
        (types.Future(None), "future"),
    ],
)
def test_types_are_described_as_in_wit(t: types.ValType, text: str) -> None:
    assert classes().describe(t) == text


def test_columns_are_a_sequence_of_records() -> None:
    found = Columns(complex, [1, 2, 3], [4, 5, 6])
    assert (len(found), found[1], list(found), list(found[1:])) == (
        3,
        2 + 5j,
        [1 + 4j, 2 + 5j, 3 + 6j],
        [2 + 5j, 3 + 6j],
    )


def test_a_wit_error_carries_its_value() -> None:
    assert WitError("timeout").value == "timeout"
    assert WitError().value is None
