"""The options of `tcp-socket`: limits, rounding and the order of the checks."""

from __future__ import annotations

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.wasi.p3.sockets.setup import Guest, code_of
from wasihost._network.base import Option
from wasihost._wasi.p3.sockets.errors import ErrorCode

S = 1_000_000_000
U8, U32, U64 = (st.integers(1, (1 << bits) - 1) for bits in (8, 32, 64))
SETTERS = [
    "set_listen_backlog_size",
    "set_keep_alive_idle_time",
    "set_keep_alive_interval",
    "set_keep_alive_count",
    "set_hop_limit",
    "set_receive_buffer_size",
    "set_send_buffer_size",
]
ZERO_FIRST = SETTERS[:4]


@pytest.mark.parametrize("setter", SETTERS)
def test_zero_is_an_invalid_argument(setter: str) -> None:
    tcp, socket = Guest().create()
    assert code_of(lambda: getattr(tcp, setter)(0)) == ErrorCode.InvalidArgument()
    assert socket.calls == []


@pytest.mark.parametrize("setter", SETTERS)
def test_zero_is_looked_at_before_the_state_or_after_it_as_in_wasmtime(setter: str) -> None:
    tcp, _ = Guest().closed()
    expected = ErrorCode.InvalidArgument() if setter in ZERO_FIRST else ErrorCode.ConnectionRefused()
    assert code_of(lambda: getattr(tcp, setter)(0)) == expected


@given(U64)
def test_keep_alive_times_are_rounded_up_to_seconds_and_clamped(duration_ns: int) -> None:
    tcp, socket = Guest().create()
    tcp.set_keep_alive_idle_time(duration_ns)
    tcp.set_keep_alive_interval(duration_ns)
    seconds = socket.options[Option.KEEP_ALIVE_IDLE_S]
    assert 1 <= seconds <= 32767
    assert 0 <= seconds * S - duration_ns < S or seconds == 32767
    assert tcp.get_keep_alive_interval() == tcp.get_keep_alive_idle_time() == seconds * S


@given(U32)
def test_keep_alive_count_is_clamped(count: int) -> None:
    tcp, _ = Guest().create()
    tcp.set_keep_alive_count(count)
    assert tcp.get_keep_alive_count() == min(count, 127)


@given(U8)
def test_every_hop_limit_but_zero_is_kept(hops: int) -> None:
    tcp, _ = Guest().create()
    tcp.set_hop_limit(hops)
    assert tcp.get_hop_limit() == hops


@given(U64)
def test_buffer_sizes_are_clamped_to_an_int(size: int) -> None:
    tcp, _ = Guest().create()
    tcp.set_receive_buffer_size(size)
    tcp.set_send_buffer_size(size)
    assert tcp.get_receive_buffer_size() == tcp.get_send_buffer_size() == min(size, (1 << 31) - 1)


@pytest.mark.parametrize("value", [True, False])
def test_keep_alive_is_a_bool_to_the_guest(value: bool) -> None:
    tcp, _ = Guest().create()
    tcp.set_keep_alive_enabled(value)
    assert tcp.get_keep_alive_enabled() is value


def test_an_option_that_the_network_does_not_have_is_not_supported() -> None:
    tcp, socket = Guest().create()
    socket.fails = {"get_option": [OSError(errno.ENOPROTOOPT, "")], "set_option": [OSError(errno.ENOPROTOOPT, "")]}
    assert code_of(tcp.get_hop_limit) == ErrorCode.NotSupported()
    assert code_of(lambda: tcp.set_hop_limit(1)) == ErrorCode.NotSupported()
