"""Every method of `tcp-socket` keeps to its row of the table of `states`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.wasi.p3.sockets.setup import FakeReader, Guest, at_once, over, v4
from tests.unit.wasi.sockets.fake_network import FakeSocket
from wasihost._component.values import Err, WitError
from wasihost._wasi.p3.sockets.errors import ErrorCode
from wasihost._wasi.p3.sockets.tcp import TcpSocket
from wasihost._wasi.sockets.operations import Operation
from wasihost._wasi.sockets.states import ALLOWED, State

WIT = (Path(__file__).parents[5] / "wit/0.3/deps/sockets.wit").read_text()
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


# The operation that a method is; every getter and setter that is not here is OPTION.
OPERATIONS = {
    "bind": Operation.BIND,
    "connect": Operation.CONNECT,
    "listen": Operation.LISTEN,
    "send": Operation.SEND,
    "receive": Operation.RECEIVE,
    "get-local-address": Operation.LOCAL_ADDRESS,
    "get-remote-address": Operation.REMOTE_ADDRESS,
    "set-listen-backlog-size": Operation.BACKLOG,
}
ALWAYS = ("get-is-listening", "get-address-family")


def _allowed(method: str) -> tuple[State, ...]:
    return tuple(State) if method in ALWAYS else ALLOWED[OPERATIONS.get(method, Operation.OPTION)]


def test_the_methods_of_the_wit_are_every_operation_of_the_table() -> None:
    assert {OPERATIONS.get(method, Operation.OPTION) for method in METHODS if method not in ALWAYS} == set(ALLOWED)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("method", METHODS)
async def test_a_method_is_refused_exactly_where_its_row_says(method: str, state: State) -> None:
    guest = Guest()
    tcp, _ = IN_STATE[state](guest)
    answer = _answer(tcp, method)
    guest.cancel()
    if state in _allowed(method):
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
