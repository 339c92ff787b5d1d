"""The tables of `states`, and that every method of `tcp-socket` keeps to its row."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.wasi.sockets.fake_network import FakeSocket
from tests.unit.wasi.sockets.setup import FakeReader, Guest, at_once, over, v4
from wasihost.component.values import Err, WitError
from wasihost.errors import InternalError
from wasihost.wasi.sockets.errors import ErrorCode
from wasihost.wasi.sockets.states import ALLOWED, TRANSITIONS, Event, State, after
from wasihost.wasi.sockets.tcp import TcpSocket

WIT = (Path(__file__).parents[4] / "wit/0.3/deps/sockets.wit").read_text()
RESOURCE = WIT[WIT.index("resource tcp-socket {") : WIT.index("resource udp-socket {")]
# `create` is static: it has no state.
METHODS = re.findall(r"^    ([a-z-]+): (?:async )?func", RESOURCE, re.MULTILINE)

# What to call; an exception is a refusal, and so is Err.
CALLS: dict[str, Callable[[TcpSocket], Any]] = {
    "bind": lambda tcp: at_once(tcp.bind(v4(1))),
    "connect": lambda tcp: over(tcp.connect(v4(1))),
    "listen": lambda tcp: at_once(tcp.listen()),
    "send": lambda tcp: tcp.send(FakeReader()),
    "receive": lambda tcp: tcp.receive()[1],
}


def _call(tcp: TcpSocket, method: str) -> Any:
    if method in CALLS:
        return CALLS[method](tcp)
    arguments = [1] if method.startswith("set-") else []
    return getattr(tcp, method.replace("-", "_"))(*arguments)


def _answer(tcp: TcpSocket, method: str) -> object:
    """The error-code that a method gives, or "ok"."""
    try:
        result = _call(tcp, method)
    except WitError as error:
        return error.value
    if isinstance(result, asyncio.Future) and result.done() and isinstance(result.result(), Err):
        return result.result().value
    return "ok"


IN_STATE: dict[State, Callable[[Guest], tuple[TcpSocket, FakeSocket]]] = {
    State.UNBOUND: Guest.create,
    State.BOUND: Guest.bound,
    State.LISTENING: Guest.listening,
    State.CONNECTING: Guest.connecting,
    State.CONNECTED: Guest.connected,
    State.CLOSED: Guest.closed,
}


def test_the_table_has_every_method_of_the_wit() -> None:
    assert set(METHODS) == set(ALLOWED)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("method", METHODS)
async def test_a_method_is_refused_exactly_where_its_row_says(method: str, state: State) -> None:
    guest = Guest()
    tcp, _ = IN_STATE[state](guest)
    answer = _answer(tcp, method)
    guest.cancel()
    if state in ALLOWED[method]:
        assert answer == "ok"
    elif state is State.CLOSED and method not in ("bind", "connect", "listen"):
        assert answer == ErrorCode.ConnectionRefused()
    else:
        assert answer == ErrorCode.InvalidState()


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("method", METHODS)
async def test_a_refused_method_does_not_reach_the_network(method: str, state: State) -> None:
    guest = Guest()
    tcp, socket = IN_STATE[state](guest)
    before = list(socket.calls)
    if _answer(tcp, method) != "ok":
        assert socket.calls == before
    guest.cancel()


@pytest.mark.parametrize("state", State)
async def test_drop_is_legal_in_every_state(state: State) -> None:
    guest = Guest()
    tcp, _ = IN_STATE[state](guest)
    tcp.drop()
    guest.cancel()


def test_closed_is_final() -> None:
    assert all(state is not State.CLOSED for state, _ in TRANSITIONS)


def test_every_state_but_unbound_is_reached() -> None:
    assert {*TRANSITIONS.values()} == {*State} - {State.UNBOUND}


def test_an_event_without_transition_is_a_bug_of_ours() -> None:
    with pytest.raises(InternalError, match="listening cannot see 'connect'"):
        after(State.LISTENING, Event.CONNECT)
