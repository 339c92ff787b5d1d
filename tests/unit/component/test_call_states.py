"""The table of the states of a call of an export."""

from __future__ import annotations

import pytest

from wasihost._component.running.exports.states import NOT_MADE, TRANSITIONS, CallState


def test_every_state_has_a_row() -> None:
    assert set(TRANSITIONS) == set(CallState)


def _reachable(state: CallState) -> set[CallState]:
    found, left = {state}, [state]
    while left:
        left += (new := set(TRANSITIONS[left.pop()]) - found)
        found |= new
    return found


def test_every_state_can_be_reached() -> None:
    assert _reachable(CallState.QUEUED) == set(CallState)


@pytest.mark.parametrize("state", set(CallState) - {CallState.OVER})
def test_every_call_ends_in_one_step(state: CallState) -> None:
    assert CallState.OVER in TRANSITIONS[state]
    assert TRANSITIONS[CallState.OVER] == ()


@pytest.mark.parametrize("state", CallState)
def test_no_state_comes_again(state: CallState) -> None:
    assert all(state not in _reachable(after) for after in TRANSITIONS[state])


def test_what_the_guest_knows_it_does_not_forget() -> None:
    made = set(CallState) - {*NOT_MADE, CallState.OVER}
    assert all(not _reachable(state) & {*NOT_MADE} for state in made)
