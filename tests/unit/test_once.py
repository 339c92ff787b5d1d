"""What is made when it is first wanted."""

from __future__ import annotations

import pytest

from wasihost._base.once import Once


def test_it_is_made_once_and_not_before() -> None:
    numbers = iter(range(9))
    once = Once(lambda: next(numbers))
    assert next(numbers) == 0
    assert (once(), once()) == (1, 1)


def test_what_fails_is_tried_again() -> None:
    answers = iter([0, 2])
    once = Once(lambda: 1 // next(answers))
    with pytest.raises(ZeroDivisionError):
        once()
    assert once() == 0
