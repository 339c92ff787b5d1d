"""The options of sockets: limits, and the order of the checks."""

from __future__ import annotations

import errno

import pytest

from tests.unit.wasi.sockets.setup import Guest, cause_of
from wasihost._network.base import Option
from wasihost._wasi.failures import Reason
from wasihost._wasi.sockets.options import whole_seconds

NUMBERS = [option for option in Option if option is not Option.KEEP_ALIVE]
ZERO_FIRST = [Option.KEEP_ALIVE_IDLE_S, Option.KEEP_ALIVE_INTERVAL_S, Option.KEEP_ALIVE_COUNT]
OF_UDP = [Option.HOP_LIMIT, Option.RECEIVE_BUFFER_BYTES, Option.SEND_BUFFER_BYTES]
MOST = {
    Option.KEEP_ALIVE_IDLE_S: 32767,
    Option.KEEP_ALIVE_INTERVAL_S: 32767,
    Option.KEEP_ALIVE_COUNT: 127,
    Option.HOP_LIMIT: 255,
    Option.RECEIVE_BUFFER_BYTES: (1 << 31) - 1,
    Option.SEND_BUFFER_BYTES: (1 << 31) - 1,
}


@pytest.mark.parametrize("option", NUMBERS)
def test_zero_is_an_invalid_argument(option: Option) -> None:
    tcp, socket = Guest().create()
    assert cause_of(lambda: tcp.set_option(option, 0)) is Reason.INVALID_ARGUMENT
    assert socket.calls == []


@pytest.mark.parametrize("option", OF_UDP)
def test_zero_is_an_invalid_argument_to_udp_too(option: Option) -> None:
    udp, socket = Guest().create_udp()
    assert cause_of(lambda: udp.set_option(option, 0)) is Reason.INVALID_ARGUMENT
    assert socket.calls == []
    udp.set_option(option, 7)
    assert udp.get_option(option) == 7


@pytest.mark.parametrize("option", NUMBERS)
def test_zero_is_looked_at_before_the_state_or_after_it_as_in_wasmtime(option: Option) -> None:
    tcp, _ = Guest().closed()
    expected = Reason.INVALID_ARGUMENT if option in ZERO_FIRST else errno.ECONNREFUSED
    assert cause_of(lambda: tcp.set_option(option, 0)) == expected


def test_a_backlog_of_zero_is_an_invalid_argument_before_the_state() -> None:
    tcp, _ = Guest().closed()
    assert cause_of(lambda: tcp.set_backlog(0)) is Reason.INVALID_ARGUMENT
    assert cause_of(lambda: tcp.set_backlog(1)) == errno.ECONNREFUSED


@pytest.mark.parametrize("option", NUMBERS)
def test_values_are_kept_up_to_what_the_platforms_take(option: Option) -> None:
    tcp, _ = Guest().create()
    for value in (1, MOST[option], MOST[option] + 1, 1 << 63):
        tcp.set_option(option, value)
        assert tcp.get_option(option) == min(value, MOST[option])


@pytest.mark.parametrize("value", [0, 1])
def test_keep_alive_is_on_or_off(value: int) -> None:
    tcp, _ = Guest().create()
    tcp.set_option(Option.KEEP_ALIVE, value)
    assert tcp.get_option(Option.KEEP_ALIVE) == value


@pytest.mark.parametrize(
    ("duration_ns", "seconds"), [(0, 0), (1, 1), (10**9, 1), (10**9 + 1, 2), (2**64 - 1, 18446744074)]
)
def test_durations_are_rounded_up_to_seconds(duration_ns: int, seconds: int) -> None:
    assert whole_seconds(duration_ns) == seconds


def test_an_option_that_the_network_does_not_have_is_its_error() -> None:
    tcp, socket = Guest().create()
    socket.fails = {"get_option": [OSError(errno.ENOPROTOOPT, "")], "set_option": [OSError(errno.ENOPROTOOPT, "")]}
    assert cause_of(lambda: tcp.get_option(Option.HOP_LIMIT)) == errno.ENOPROTOOPT
    assert cause_of(lambda: tcp.set_option(Option.HOP_LIMIT, 1)) == errno.ENOPROTOOPT
