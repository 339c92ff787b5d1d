"""Every method of `udp-socket` keeps to its row of the table of `udp_states`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.wasi.p3.sockets.setup import Guest, at_once, v4
from tests.unit.wasi.sockets.fake_network import PEER, FakeDatagramSocket
from wasihost._component.values import WitError
from wasihost._wasi.common.addresses import from_network
from wasihost._wasi.p3.sockets.errors import INVALID_STATE
from wasihost._wasi.p3.sockets.udp import UdpSocket
from wasihost._wasi.sockets.operations import Operation
from wasihost._wasi.sockets.udp_states import ALLOWED, State

WIT = (Path(__file__).parents[5] / "wit/0.3/deps/sockets.wit").read_text()
RESOURCE = WIT[WIT.index("resource udp-socket {") : WIT.index("interface ip-name-lookup")]
# `create` is static: it has no state.
METHODS = re.findall(r"^    ([a-z-]+): (?:async )?func", RESOURCE, re.MULTILINE)

Made = tuple[UdpSocket, FakeDatagramSocket]
MAKE: dict[State, Callable[[Guest], Made]] = {
    State.UNBOUND: Guest.create_udp,
    State.BOUND: Guest.bound_udp,
    State.CONNECTED: Guest.connected_udp,
}
# What to call; the others take nothing, or 1.
CALLS: dict[str, Callable[[UdpSocket], Any]] = {
    "bind": lambda udp: at_once(udp.bind(v4(1))),
    "connect": lambda udp: at_once(udp.connect(v4(1))),
    "send": lambda udp: udp.send(b"", from_network(PEER)),
}


def _answer(udp: UdpSocket, method: str) -> object:
    """The error-code that a method gives, or "ok"."""
    arguments = [1] if method.startswith("set-") else []
    try:
        result = CALLS[method](udp) if method in CALLS else getattr(udp, method.replace("-", "_"))(*arguments)
        if asyncio.iscoroutine(result):
            at_once(result)
    except WitError as error:
        return error.value
    return "ok"


# The operation that a method is; every getter and setter that is not here is OPTION.
OPERATIONS = {
    "bind": Operation.BIND,
    "connect": Operation.CONNECT,
    "disconnect": Operation.DISCONNECT,
    "send": Operation.SEND,
    "receive": Operation.RECEIVE,
    "get-local-address": Operation.LOCAL_ADDRESS,
    "get-remote-address": Operation.REMOTE_ADDRESS,
}


def _allowed(method: str) -> tuple[State, ...]:
    return tuple(State) if method == "get-address-family" else ALLOWED[OPERATIONS.get(method, Operation.OPTION)]


def test_the_methods_of_the_wit_are_every_operation_of_the_table() -> None:
    assert {OPERATIONS.get(method, Operation.OPTION) for method in METHODS} == set(ALLOWED)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("state", State)
def test_a_method_is_allowed_where_its_row_says_so(state: State, method: str) -> None:
    udp, socket = MAKE[state](Guest())
    socket.incoming.append((b"", PEER))
    calls = len(socket.calls)
    if state in _allowed(method):
        assert _answer(udp, method) == "ok"
    else:
        assert _answer(udp, method) == INVALID_STATE
        assert len(socket.calls) == calls
        assert udp._socket.state is state


@pytest.mark.parametrize("state", State)
def test_drop_is_legal_in_every_state(state: State) -> None:
    udp, socket = MAKE[state](Guest())
    udp.drop()
    assert socket.closed == 1
