"""The states of calls and pumps, as tables; `tests/states.py` holds every guest of a test to them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

import pytest

from wasihost._component.running.exports import states as calls
from wasihost._component.running.exports.states import CallState
from wasihost._component.running.streams import states as pumps
from wasihost._component.running.streams.states import PumpState

Table = Mapping[Any, tuple[Any, ...]]

PUMPS = {
    "outgoing": (pumps.OUTGOING, PumpState.ASKED),
    "incoming": (pumps.INCOMING, PumpState.ASKED),
    "reader": (pumps.READER, PumpState.FRESH),
    "future": (pumps.FUTURE, PumpState.PARKED),
}
TABLES = {**PUMPS, "call": (calls.TRANSITIONS, CallState.QUEUED)}


def _reachable(table: Table, state: Enum) -> set[Enum]:
    found, left = {state}, [state]
    while left:
        left += (new := set(table[left.pop()]) - found)
        found |= new
    return found


@pytest.mark.parametrize(("table", "first"), TABLES.values(), ids=TABLES)
def test_every_state_with_a_row_can_be_reached(table: Table, first: Enum) -> None:
    assert _reachable(table, first) == set(table)


@pytest.mark.parametrize(("table", "first"), TABLES.values(), ids=TABLES)
def test_from_every_state_it_is_one_step_to_the_end(table: Table, first: Enum) -> None:
    over = type(first)["OVER"]
    assert all(over in after for state, after in table.items() if state is not over)
    assert table[over] == ()


def test_every_state_is_in_a_table() -> None:
    assert set(calls.TRANSITIONS) == set(CallState)
    assert {state for table, _ in PUMPS.values() for state in table} == set(PumpState)


@pytest.mark.parametrize("state", CallState)
def test_a_call_is_never_twice_in_a_state(state: CallState) -> None:
    assert all(state not in _reachable(calls.TRANSITIONS, after) for after in calls.TRANSITIONS[state])


def test_a_call_that_the_guest_knows_is_not_taken_back() -> None:
    made = set(CallState) - {*calls.NOT_MADE, CallState.OVER}
    assert all(not _reachable(calls.TRANSITIONS, state) & {*calls.NOT_MADE} for state in made)
