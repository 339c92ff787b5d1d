"""The states of a `tcp-socket`, as tables.

Rules:
1. A socket is born `unbound`; one that came out of the stream of `listen` is born `connected`, or `closed` when
   accepting it failed.
2. A method called in a state that its row of `ALLOWED` does not have gives `invalid-state` and changes nothing.
3. A method that fails changes nothing either. `connect` is the exception: once its argument was found valid the socket
   is `connecting`, and from there any failure, a refusal of the policy and a cancellation included, ends in `closed`.
4. `closed` is final. What closed the socket is the answer to most methods from then on; bind, connect and listen
   answer `invalid-state`. The WIT allows either.
5. `drop` is legal in every state.

`connected` has no way out: that a connection is over is told by the futures of `send` and `receive`, as in Wasmtime.
That each of these two is called at most once is no state of the socket.

Sources: WASI 0.3, `tcp-socket` in types.wit, and TcpSocketOperationalSemantics-0.3.0.md. The latter has no way from
`unbound` to `listening`, the WIT has: `listen` binds first. In `connecting` the options and get-local-address give
`invalid-state` as in Wasmtime, where the WIT does not ask for it.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from wasihost.errors import InternalError
from wasihost.wasi.sockets.errors import INVALID_STATE, Code


class State(enum.Enum):
    """The six states, by their WIT names."""

    __hash__ = object.__hash__  # a state is itself and no other: the hash of its name takes five times as long

    UNBOUND = "unbound"
    BOUND = "bound"
    LISTENING = "listening"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    CLOSED = "closed"


class Event(enum.Enum):
    """What changes the state."""

    __hash__ = object.__hash__

    BIND_OK = "bind -> ok"
    LISTEN_OK = "listen -> ok"
    CONNECT = "connect"
    CONNECT_OK = "connect -> ok"
    CONNECT_ERR = "connect -> err"


TRANSITIONS: Mapping[tuple[State, Event], State] = {
    (State.UNBOUND, Event.BIND_OK): State.BOUND,
    (State.UNBOUND, Event.CONNECT): State.CONNECTING,
    (State.BOUND, Event.CONNECT): State.CONNECTING,
    (State.BOUND, Event.LISTEN_OK): State.LISTENING,
    (State.CONNECTING, Event.CONNECT_OK): State.CONNECTED,
    (State.CONNECTING, Event.CONNECT_ERR): State.CLOSED,
}

_FRESH = (State.UNBOUND, State.BOUND)
_OPEN = (State.UNBOUND, State.BOUND, State.LISTENING, State.CONNECTED)

ALLOWED: Mapping[str, tuple[State, ...]] = {
    "bind": (State.UNBOUND,),
    "connect": _FRESH,
    "listen": _FRESH,
    "send": (State.CONNECTED,),
    "receive": (State.CONNECTED,),
    "get-local-address": (State.BOUND, State.LISTENING, State.CONNECTED),
    "get-remote-address": (State.CONNECTED,),
    "get-is-listening": tuple(State),
    "get-address-family": tuple(State),
    "set-listen-backlog-size": (State.UNBOUND, State.BOUND, State.LISTENING),
    "get-keep-alive-enabled": _OPEN,
    "set-keep-alive-enabled": _OPEN,
    "get-keep-alive-idle-time": _OPEN,
    "set-keep-alive-idle-time": _OPEN,
    "get-keep-alive-interval": _OPEN,
    "set-keep-alive-interval": _OPEN,
    "get-keep-alive-count": _OPEN,
    "set-keep-alive-count": _OPEN,
    "get-hop-limit": _OPEN,
    "set-hop-limit": _OPEN,
    "get-receive-buffer-size": _OPEN,
    "set-receive-buffer-size": _OPEN,
    "get-send-buffer-size": _OPEN,
    "set-send-buffer-size": _OPEN,
}

_INVALID_STATE_WHEN_CLOSED = ("bind", "connect", "listen")


def after(state: State, event: Event) -> State:
    """The state that follows."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise InternalError(f"a tcp-socket that is {state.value} cannot see {event.value!r}") from None


def refusal(method: str, closed_by: Code | None) -> Code:
    """The answer of a method that is not allowed; `closed_by` is what closed the socket, if it is closed."""
    if closed_by is None or method in _INVALID_STATE_WHEN_CLOSED:
        return INVALID_STATE
    return closed_by
