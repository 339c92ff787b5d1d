"""The states of a UDP socket, as tables.

Rules:
1. A socket is born `unbound`. Binding is for ever; a peer can come, change and go.
2. An operation in a state that its row of `ALLOWED` does not have fails with INVALID_STATE and changes nothing.
3. An operation that fails changes nothing either, but for the implicit bind of CONNECT and SEND, which stays.
4. A socket may be closed by its user in every state.

Source: WASI 0.3, `udp-socket` in types.wit.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from wasihost._base.transitions import Transitions
from wasihost._wasi.sockets.operations import Operation


class State(enum.Enum):
    """The three states."""

    UNBOUND = "unbound"
    BOUND = "bound"
    CONNECTED = "connected"


class Event(enum.Enum):
    """The events that change the state."""

    BIND_OK = "bind -> ok"
    CONNECT_OK = "connect -> ok"
    DISCONNECT_OK = "disconnect -> ok"


TRANSITIONS = Transitions(
    "a UDP socket",
    {
        (State.UNBOUND, Event.BIND_OK): State.BOUND,
        (State.BOUND, Event.CONNECT_OK): State.CONNECTED,
        (State.CONNECTED, Event.CONNECT_OK): State.CONNECTED,
        (State.CONNECTED, Event.DISCONNECT_OK): State.BOUND,
    },
)

_ANY = tuple(State)
_BOUND = (State.BOUND, State.CONNECTED)

ALLOWED: Mapping[Operation, tuple[State, ...]] = {
    Operation.BIND: (State.UNBOUND,),
    Operation.CONNECT: _ANY,
    Operation.DISCONNECT: (State.CONNECTED,),
    Operation.SEND: _ANY,
    Operation.RECEIVE: _BOUND,
    Operation.LOCAL_ADDRESS: _BOUND,
    Operation.REMOTE_ADDRESS: (State.CONNECTED,),
    Operation.OPTION: _ANY,
}
