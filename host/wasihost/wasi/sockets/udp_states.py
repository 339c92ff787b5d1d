"""The states of a `udp-socket`, as tables.

Rules:
1. A socket is born `unbound`. Binding is for ever; a peer can come, change and go.
2. A method called in a state that its row of `ALLOWED` does not have gives `invalid-state` and changes nothing.
3. A method that fails changes nothing either, but for the implicit bind of `connect` and `send`, which
   stays.
4. `drop` is legal in every state.

Source: WASI 0.3, `udp-socket` in types.wit.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from wasihost.errors import InternalError


class State(enum.Enum):
    """The three states."""

    UNBOUND = "unbound"
    BOUND = "bound"
    CONNECTED = "connected"


class Event(enum.Enum):
    """What changes the state."""

    BIND_OK = "bind -> ok"
    CONNECT_OK = "connect -> ok"
    DISCONNECT_OK = "disconnect -> ok"


TRANSITIONS: Mapping[tuple[State, Event], State] = {
    (State.UNBOUND, Event.BIND_OK): State.BOUND,
    (State.BOUND, Event.CONNECT_OK): State.CONNECTED,
    (State.CONNECTED, Event.CONNECT_OK): State.CONNECTED,
    (State.CONNECTED, Event.DISCONNECT_OK): State.BOUND,
}

_ANY = tuple(State)
_BOUND = (State.BOUND, State.CONNECTED)

ALLOWED: Mapping[str, tuple[State, ...]] = {
    "bind": (State.UNBOUND,),
    "connect": _ANY,
    "disconnect": (State.CONNECTED,),
    "send": _ANY,
    "receive": _BOUND,
    "get-local-address": _BOUND,
    "get-remote-address": (State.CONNECTED,),
    "get-address-family": _ANY,
    "get-unicast-hop-limit": _ANY,
    "set-unicast-hop-limit": _ANY,
    "get-receive-buffer-size": _ANY,
    "set-receive-buffer-size": _ANY,
    "get-send-buffer-size": _ANY,
    "set-send-buffer-size": _ANY,
}


def after(state: State, event: Event) -> State:
    """The state that follows."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise InternalError(f"a udp-socket that is {state.value} cannot see {event.value!r}") from None
