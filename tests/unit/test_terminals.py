"""Which streams may have colours."""

from __future__ import annotations

import io

import pytest

from wasihost._base.terminals import may_have_colours


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "on_a_terminal", "elsewhere"),
    [
        ({}, True, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, True, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
        ({"TERM": "dumb"}, False, False),
    ],
)
def test_colours_are_for_terminals(environment: dict[str, str], on_a_terminal: bool, elsewhere: bool) -> None:
    assert may_have_colours(Terminal(), environment) == on_a_terminal
    assert may_have_colours(io.StringIO(), environment) == elsewhere
