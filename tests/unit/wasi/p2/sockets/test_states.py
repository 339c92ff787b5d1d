"""Every method of `tcp-socket` and `udp-socket` in every state.

`ok` or the error-code. What a state alone decides is in the core's tables; here is what start and finish add.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import pytest

from tests.unit.wasi.p2.sockets.setup import NETWORK, Guest, code_of, passes, v4
from wasihost._base.errors import GuestTrap
from wasihost._component.values import WitError
from wasihost._wasi.p2.sockets.errors import ErrorCode
from wasihost._wasi.p2.sockets.tcp import ShutdownType, TcpSocket
from wasihost._wasi.p2.sockets.udp import UdpSocket

OK: Final = "ok"
CC: Final = "concurrency-conflict"
IS: Final = "invalid-state"
NIP: Final = "not-in-progress"
WB: Final = "would-block"
ERR: Final = "connection-refused"
"""What closed the socket."""
TRAP: Final = "trap"

S: Final = 1_000_000_000

_STATES = """
unbound bind_in_progress bound listen_in_progress listening connect_in_progress connect_not_finished connected closed
""".split()
_OPTION = [OK, OK, OK, OK, OK, IS, IS, OK, ERR]
_ALWAYS = [OK] * len(_STATES)
_TCP: dict[str, tuple[Callable[[TcpSocket], object], list[str]]] = {
    "start-bind": (lambda tcp: tcp.start_bind(NETWORK, v4(0)), [OK, CC, IS, CC, IS, CC, CC, IS, IS]),
    "finish-bind": (TcpSocket.finish_bind, [NIP, OK, NIP, NIP, NIP, NIP, NIP, NIP, NIP]),
    "start-connect": (lambda tcp: tcp.start_connect(NETWORK, v4(80)), [OK, CC, OK, CC, IS, CC, CC, IS, IS]),
    "finish-connect": (TcpSocket.finish_connect, [NIP, NIP, NIP, NIP, NIP, WB, OK, NIP, NIP]),
    "start-listen": (TcpSocket.start_listen, [IS, CC, OK, CC, IS, CC, CC, IS, IS]),
    "finish-listen": (TcpSocket.finish_listen, [NIP, NIP, NIP, OK, NIP, NIP, NIP, NIP, NIP]),
    "accept": (TcpSocket.accept, [IS, IS, IS, IS, WB, IS, IS, IS, IS]),
    "local-address": (TcpSocket.local_address, [IS, OK, OK, OK, OK, IS, IS, OK, ERR]),
    "remote-address": (TcpSocket.remote_address, [IS, IS, IS, IS, IS, IS, IS, OK, ERR]),
    "is-listening": (TcpSocket.is_listening, _ALWAYS),
    "address-family": (TcpSocket.address_family, _ALWAYS),
    "set-listen-backlog-size": (lambda tcp: tcp.set_listen_backlog_size(8), [OK, OK, OK, OK, OK, IS, IS, IS, ERR]),
    "keep-alive-enabled": (TcpSocket.keep_alive_enabled, _OPTION),
    "set-keep-alive-enabled": (lambda tcp: tcp.set_keep_alive_enabled(True), _OPTION),
    "keep-alive-idle-time": (TcpSocket.keep_alive_idle_time, _OPTION),
    "set-keep-alive-idle-time": (lambda tcp: tcp.set_keep_alive_idle_time(S), _OPTION),
    "keep-alive-interval": (TcpSocket.keep_alive_interval, _OPTION),
    "set-keep-alive-interval": (lambda tcp: tcp.set_keep_alive_interval(S), _OPTION),
    "keep-alive-count": (TcpSocket.keep_alive_count, _OPTION),
    "set-keep-alive-count": (lambda tcp: tcp.set_keep_alive_count(5), _OPTION),
    "hop-limit": (TcpSocket.hop_limit, _OPTION),
    "set-hop-limit": (lambda tcp: tcp.set_hop_limit(50), _OPTION),
    "receive-buffer-size": (TcpSocket.receive_buffer_size, _OPTION),
    "set-receive-buffer-size": (lambda tcp: tcp.set_receive_buffer_size(60000), _OPTION),
    "send-buffer-size": (TcpSocket.send_buffer_size, _OPTION),
    "set-send-buffer-size": (lambda tcp: tcp.set_send_buffer_size(60000), _OPTION),
    "subscribe": (TcpSocket.subscribe, _ALWAYS),
    "shutdown": (lambda tcp: tcp.shutdown(ShutdownType.BOTH), [IS, IS, IS, IS, IS, IS, IS, OK, IS]),
}

_UDP_STATES = "unbound_udp udp_bind_in_progress bound_udp streaming_udp connected_udp".split()
_UDP_ALWAYS = [OK] * len(_UDP_STATES)
_UDP: dict[str, tuple[Callable[[UdpSocket], object], list[str]]] = {
    "start-bind": (lambda udp: udp.start_bind(NETWORK, v4(0)), [OK, CC, IS, IS, IS]),
    "finish-bind": (UdpSocket.finish_bind, [NIP, OK, NIP, NIP, NIP]),
    "stream": (lambda udp: udp.stream(None), [IS, OK, OK, TRAP, OK]),
    "local-address": (UdpSocket.local_address, [IS, OK, OK, OK, OK]),
    "remote-address": (UdpSocket.remote_address, [IS, IS, IS, IS, OK]),
    "address-family": (UdpSocket.address_family, _UDP_ALWAYS),
    "unicast-hop-limit": (UdpSocket.unicast_hop_limit, _UDP_ALWAYS),
    "set-unicast-hop-limit": (lambda udp: udp.set_unicast_hop_limit(50), _UDP_ALWAYS),
    "receive-buffer-size": (UdpSocket.receive_buffer_size, _UDP_ALWAYS),
    "set-receive-buffer-size": (lambda udp: udp.set_receive_buffer_size(60000), _UDP_ALWAYS),
    "send-buffer-size": (UdpSocket.send_buffer_size, _UDP_ALWAYS),
    "set-send-buffer-size": (lambda udp: udp.set_send_buffer_size(60000), _UDP_ALWAYS),
    "subscribe": (UdpSocket.subscribe, _UDP_ALWAYS),
}

_TCP_CELLS = [(name, state, expected) for name in _TCP for state, expected in zip(_STATES, _TCP[name][1], strict=True)]
_UDP_CELLS = [
    (name, state, expected) for name in _UDP for state, expected in zip(_UDP_STATES, _UDP[name][1], strict=True)
]

_WITHOUT_CHILDREN = [state for state in (*_STATES, *_UDP_STATES) if state not in ("connected", "streaming_udp")]


def _answer(call: Callable[[Any], object], socket: object) -> str:
    try:
        call(socket)
    except WitError as error:
        return str(error.value.value)
    except GuestTrap:
        return TRAP
    return OK


@contextlib.asynccontextmanager
async def _in(state: str) -> AsyncIterator[TcpSocket]:
    tcp, socket = getattr(Guest(), state)()
    yield tcp
    if socket.writable is not None:
        socket.writable()  # the peer answers
    await passes()


@pytest.mark.parametrize(("method", "state", "expected"), _TCP_CELLS)
async def test_a_tcp_method_answers_as_its_state_says(method: str, state: str, expected: str) -> None:
    async with _in(state) as tcp:
        assert _answer(_TCP[method][0], tcp) == expected


@pytest.mark.parametrize(("method", "state", "expected"), _UDP_CELLS)
def test_a_udp_method_answers_as_its_state_says(method: str, state: str, expected: str) -> None:
    udp, _ = getattr(Guest(), state)()
    assert _answer(_UDP[method][0], udp) == expected


@pytest.mark.parametrize("state", _STATES)
async def test_only_a_listener_is_listening(state: str) -> None:
    async with _in(state) as tcp:
        assert tcp.is_listening() == (state == "listening")


@pytest.mark.parametrize("state", _STATES)
async def test_a_tcp_socket_is_ready_unless_the_next_call_would_block(state: str) -> None:
    async with _in(state) as tcp:
        assert tcp.subscribe().ready() == (state not in ("listening", "connect_in_progress"))


@pytest.mark.parametrize("state", _WITHOUT_CHILDREN)
async def test_a_socket_without_children_can_be_dropped_in_every_state(state: str) -> None:
    resource, socket = getattr(Guest(), state)()
    resource.drop()
    await passes()
    assert socket.closed == 1


@pytest.mark.parametrize("state", _STATES)
@pytest.mark.parametrize(
    "call",
    [
        lambda tcp: tcp.set_listen_backlog_size(0),
        lambda tcp: tcp.set_keep_alive_idle_time(0),
        lambda tcp: tcp.set_keep_alive_interval(0),
        lambda tcp: tcp.set_keep_alive_count(0),
    ],
)
async def test_a_zero_is_an_invalid_argument_before_the_state_counts(
    state: str, call: Callable[[TcpSocket], None]
) -> None:
    async with _in(state) as tcp:
        assert code_of(lambda: call(tcp)) is ErrorCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    "call",
    [
        lambda tcp: tcp.set_hop_limit(0),
        lambda tcp: tcp.set_receive_buffer_size(0),
        lambda tcp: tcp.set_send_buffer_size(0),
    ],
)
async def test_other_zeros_are_looked_at_after_the_state(call: Callable[[TcpSocket], None]) -> None:
    guest = Guest()
    assert code_of(lambda: call(guest.connect_not_finished()[0])) is ErrorCode.INVALID_STATE
    assert code_of(lambda: call(guest.connected()[0])) is ErrorCode.INVALID_ARGUMENT
