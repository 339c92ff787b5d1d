"""Fields that are bounds, with `--limit` and the tables that are made of them."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from wasihost import ConfigError
from wasihost._base.bounds import fraction, settle, shown, whole


@dataclass(frozen=True, kw_only=True)
class Example:
    some: int = whole("some of them", 5, least=1, greatest=10)
    most: int | None = whole("most of them")
    rate_s: float | None = fraction("how fast")

    def __post_init__(self) -> None:
        settle(self)


@pytest.mark.parametrize("right", [{}, {"some": 10}, {"most": 1 << 80}, {"most": None}, {"rate_s": 1}, {"rate_s": 1e9}])
def test_a_number_within_bounds_is_taken(right: dict[str, int]) -> None:
    made = Example(**right)
    assert {name: getattr(made, name) for name in right} == right


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"some": 0}, "some: expected a whole number from 1 to 10, got 0"),
        ({"some": None}, "some: expected a whole number from 1 to 10, got None"),
        ({"some": True}, "some: expected a whole number from 1 to 10, got True"),
        ({"most": -1}, "most: expected a whole number, 0 or more, got -1"),
        ({"rate_s": 0}, "rate_s: expected a number, more than 0 and at most 1e9, got 0"),
        ({"rate_s": "1"}, "rate_s: expected a number, more than 0 and at most 1e9, got '1'"),
    ],
)
def test_any_other_is_an_error_that_names_the_field(wrong: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}$"):
        Example(**wrong)


def test_the_first_field_that_is_wrong_is_named() -> None:
    with pytest.raises(ConfigError, match="some: expected"):
        Example(some=0, most=-1)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [("a_s", None, "none"), ("a", 1000, "1,000"), ("a_bytes", 64 << 20, "64 MiB"), ("a_bytes", 1 << 16, "64 KiB")],
)
def test_a_value_is_shown_as_people_read_it(name: str, value: int | None, text: str) -> None:
    assert shown(name, value) == text
