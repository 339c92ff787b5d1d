"""The tables of states of TCP and UDP sockets, by themselves."""

from __future__ import annotations

import pytest

from wasihost._base.errors import InternalError
from wasihost._wasi.sockets import udp_states
from wasihost._wasi.sockets.states import TRANSITIONS, Event, State


def test_closed_is_final() -> None:
    assert all(state is not State.CLOSED for state, _ in TRANSITIONS)


def test_every_state_but_unbound_is_reached() -> None:
    assert {*TRANSITIONS.values()} == {*State} - {State.UNBOUND}


def test_an_event_without_transition_is_a_bug_of_ours() -> None:
    with pytest.raises(InternalError, match="listening cannot see 'connect'"):
        TRANSITIONS[State.LISTENING, Event.CONNECT]


@pytest.mark.parametrize("event", udp_states.Event)
@pytest.mark.parametrize("state", udp_states.State)
def test_what_the_table_of_udp_does_not_have_cannot_happen(state: udp_states.State, event: udp_states.Event) -> None:
    if (state, event) not in udp_states.TRANSITIONS:
        with pytest.raises(InternalError, match=f"{state.value} cannot see"):
            udp_states.TRANSITIONS[state, event]
