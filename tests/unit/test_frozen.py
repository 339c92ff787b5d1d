"""Immutable values without the price of a dataclass."""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar

import pytest

from wasihost._base.frozen import Frozen


class Point(Frozen):
    dimensions: ClassVar[int] = 2
    x: int
    y: int = 0

    @cached_property
    def both(self) -> int:
        return self.x + self.y


class Point3(Point):
    z: int = 0


class Other(Frozen):
    x: int
    y: int


class Empty(Frozen):
    pass


def test_fields_are_given_by_place_by_name_or_by_default() -> None:
    assert (Point(1, 2).y, Point(1, y=2).y, Point(x=1).y) == (2, 2, 0)


@pytest.mark.parametrize(
    ("args", "named"), [((), {}), ((1, 2, 3), {}), ((1,), {"x": 1}), ((1,), {"z": 1}), ((), {"y": 1})]
)
def test_other_arguments_are_an_error_that_names_the_fields(args: tuple[int, ...], named: dict[str, int]) -> None:
    with pytest.raises(TypeError, match=r"^Point takes \(x, y\)$"):
        Point(*args, **named)


def test_a_subclass_has_the_fields_of_its_base_first() -> None:
    assert Point3(1, 2, 3).z == 3
    assert repr(Point3(1, z=3)) == "Point3(x=1, y=0, z=3)"


def test_equal_fields_are_equal_objects_of_equal_hash() -> None:
    assert Point(1, 2) == Point(1, 2)
    assert hash(Point(1, 2)) == hash(Point(1, 2))
    assert Point(1, 2) != Point(2, 1)
    assert Empty() == Empty()


def test_objects_of_another_class_are_not_equal() -> None:
    assert Point(1, 2) != Other(1, 2)
    assert Point(1) != Point3(1)


def test_a_cached_property_is_no_field() -> None:
    point = Point(1, 2)
    assert point.both == 3
    assert (point, hash(point)) == (Point(1, 2), hash(Point(1, 2)))


def test_nothing_can_be_changed() -> None:
    point = Point(1)
    with pytest.raises(AttributeError, match="Point cannot be changed"):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(AttributeError, match="Point cannot be changed"):
        del point.x


def test_patterns_match_by_place_and_by_name() -> None:
    match Point(1, 2):
        case Point(1, y=y):
            assert y == 2
        case _:
            pytest.fail("no match")


def test_a_module_without_postponed_annotations_is_told_what_it_lacks() -> None:
    with pytest.raises(TypeError, match="Early: its module needs `from __future__ import annotations`"):
        type("Early", (Frozen,), {"__annotations__": {"x": int}})
