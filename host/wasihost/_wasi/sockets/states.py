"""The states of a TCP socket, as tables.

Rules:
1. A socket is born `unbound`; one that a listener accepted is born `connected`, or `closed` when accepting it failed.
2. An operation in a state that its row of `ALLOWED` does not have fails with INVALID_STATE and changes nothing. Facts
   has no row, such as the family, is known in every state.
3. An operation that fails changes nothing either. CONNECT is the exception: once its argument was found valid the
   socket is `connecting`, and from there any failure, a refusal of the policy and a cancellation included, ends in
   `closed`.
4. `closed` is final. The error that closed the socket is the answer to most operations from then on; BIND, CONNECT and
LISTEN
   fail with INVALID_STATE. The WIT allows either.
5. A socket may be closed by its user in every state.

`connected` has no way out: the end of a connection is reported by its streams, as in Wasmtime. That each of
SEND and RECEIVE may come once is no state of the socket.

Sources: WASI 0.3, `tcp-socket` in types.wit, and TcpSocketOperationalSemantics-0.3.0.md. The latter has no way from
`unbound` to `listening`, the WIT has: `listen` binds first. In `connecting` OPTION and LOCAL_ADDRESS fail with
INVALID_STATE as in Wasmtime, where the WIT does not ask for it.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from wasihost._base.transitions import Transitions
from wasihost._wasi.failures import Cause, Failure, Reason
from wasihost._wasi.sockets.operations import Operation


class State(enum.Enum):
    """The six states."""

    __hash__ = object.__hash__  # a state is itself and no other: the hash of its name takes five times as long

    UNBOUND = "unbound"
    BOUND = "bound"
    LISTENING = "listening"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    CLOSED = "closed"


class Event(enum.Enum):
    """The events that change the state."""

    __hash__ = object.__hash__

    BIND_OK = "bind -> ok"
    LISTEN_OK = "listen -> ok"
    CONNECT = "connect"
    CONNECT_OK = "connect -> ok"
    CONNECT_ERR = "connect -> err"


TRANSITIONS = Transitions(
    "a TCP socket",
    {
        (State.UNBOUND, Event.BIND_OK): State.BOUND,
        (State.UNBOUND, Event.CONNECT): State.CONNECTING,
        (State.BOUND, Event.CONNECT): State.CONNECTING,
        (State.BOUND, Event.LISTEN_OK): State.LISTENING,
        (State.CONNECTING, Event.CONNECT_OK): State.CONNECTED,
        (State.CONNECTING, Event.CONNECT_ERR): State.CLOSED,
    },
)

_FRESH = (State.UNBOUND, State.BOUND)
_OPEN = (State.UNBOUND, State.BOUND, State.LISTENING, State.CONNECTED)

ALLOWED: Mapping[Operation, tuple[State, ...]] = {
    Operation.BIND: (State.UNBOUND,),
    Operation.CONNECT: _FRESH,
    Operation.LISTEN: _FRESH,
    Operation.SEND: (State.CONNECTED,),
    Operation.RECEIVE: (State.CONNECTED,),
    Operation.LOCAL_ADDRESS: (State.BOUND, State.LISTENING, State.CONNECTED),
    Operation.REMOTE_ADDRESS: (State.CONNECTED,),
    Operation.BACKLOG: (State.UNBOUND, State.BOUND, State.LISTENING),
    Operation.OPTION: _OPEN,
}

_INVALID_STATE_WHEN_CLOSED = (Operation.BIND, Operation.CONNECT, Operation.LISTEN)


def refusal(operation: Operation, closed_by: Cause | None) -> Failure:
    """The error of an operation that is not allowed; `closed_by` is the cause that closed the socket, if any."""
    if closed_by is None or operation in _INVALID_STATE_WHEN_CLOSED:
        return Failure(Reason.INVALID_STATE)
    return Failure(closed_by)
