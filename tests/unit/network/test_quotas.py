"""Each limit of `Quotas`, over a scripted network and a clock that only the test moves."""

from __future__ import annotations

import contextlib
import errno
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.network.calls import S, fails, passes, receive, send, waits
from tests.unit.wasi.sockets.fake_network import BLOCKED, PEER, FakeDatagramSocket, FakeNetwork, FakeSocket
from wasihost import VirtualClock
from wasihost._base.errors import ConfigError
from wasihost._network.base import Socket
from wasihost._network.quotas import QuotaNetwork, Quotas


class Setup:
    """A network under quotas, the scripted one below it, and their clock."""

    def __init__(self, **limits: Any) -> None:
        self.clock, self.below = VirtualClock(), FakeNetwork()
        self.network = QuotaNetwork(self.below, Quotas(**limits), self.clock)

    def connected(self) -> tuple[Socket, FakeSocket]:
        """A connection and the socket below it."""
        socket = self.network.tcp_socket(4)
        socket.connect(PEER)
        socket.finish_connect()
        return socket, self.below.made[-1]

    def waits(self) -> bool:
        """Whether a timer is left."""
        return self.clock.next_ns is not None


# ---- sockets and connections


def test_one_socket_too_many_is_enobufs_until_one_is_closed() -> None:
    setup = Setup(sockets=2)
    socket, _ = setup.network.tcp_socket(4), setup.network.udp_socket(4)
    fails(errno.ENOBUFS, setup.network.tcp_socket, 4)
    fails(errno.ENOBUFS, setup.network.udp_socket, 4)
    socket.close()
    socket.close()
    setup.network.udp_socket(4)
    fails(errno.ENOBUFS, setup.network.tcp_socket, 4)
    assert len(setup.below.made) == 1


def test_a_socket_that_could_not_be_made_does_not_count() -> None:
    setup = Setup(sockets=1)
    setup.below.error = OSError(errno.EAFNOSUPPORT, "no such family")
    fails(errno.EAFNOSUPPORT, setup.network.tcp_socket, 6)
    setup.below.error = None
    setup.network.tcp_socket(4)


@pytest.mark.parametrize("end", ["close", "abort"])
def test_one_connection_too_many_is_refused_until_one_is_over(end: str) -> None:
    setup = Setup(connections=1)
    first, _ = setup.connected()
    second = setup.network.tcp_socket(4)
    fails(errno.ECONNREFUSED, second.connect, PEER)
    assert "connect" not in setup.below.made[-1].calls
    second.close()
    getattr(first, end)()
    setup.connected()
    assert setup.network.reached == {"connections": 1}


@pytest.mark.parametrize("limit", ["connections", "sockets"])
def test_a_connection_that_comes_in_beyond_the_limit_is_reset(limit: str) -> None:
    setup = Setup(**{limit: 2 if limit == "sockets" else 1})
    listener = setup.network.tcp_socket(4)
    one, two, three = FakeSocket(), FakeSocket(), FakeSocket()
    setup.below.made[0].backlogged.extend([one, two])
    accepted, _ = listener.accept()
    waits(listener.accept)
    assert ("abort" in one.calls, "abort" in two.calls) == (False, True)
    accepted.close()
    setup.below.made[0].backlogged.append(three)
    listener.accept()
    assert "abort" not in three.calls


def test_connections_that_come_too_fast_are_refused_until_their_time() -> None:
    setup = Setup(connections_per_second=2)
    setup.connected()
    setup.connected()
    fails(errno.ECONNREFUSED, setup.network.tcp_socket(4).connect, PEER)
    setup.clock.advance(S // 2)
    setup.connected()
    fails(errno.ECONNREFUSED, setup.network.tcp_socket(4).connect, PEER)
    assert setup.network.reached == {"connections_per_second": 2}


def test_a_connection_every_ten_seconds_is_a_rate() -> None:
    setup = Setup(connections_per_second=0.1)
    setup.connected()
    setup.clock.advance(9 * S)
    fails(errno.ECONNREFUSED, setup.network.tcp_socket(4).connect, PEER)
    setup.clock.advance(1 * S)
    setup.connected()


# ---- bytes


@pytest.mark.parametrize("limit", ["bytes_in", "connection_bytes_in"])
def test_just_as_many_bytes_are_received_as_may_be_and_the_end_of_them(limit: str) -> None:
    socket, below = Setup(**{limit: 10}).connected()
    below.incoming.extend([b"12345", b"67890", b""])
    assert [receive(socket, 5), receive(socket, 5), receive(socket, 5)] == [b"12345", b"67890", b""]
    assert "abort" not in below.calls


@pytest.mark.parametrize("limit", ["bytes_in", "connection_bytes_in"])
def test_one_byte_more_received_resets_the_connection(limit: str) -> None:
    setup = Setup(**{limit: 5})
    socket, below = setup.connected()
    below.incoming.extend([b"12345", b"6"])
    assert receive(socket) == b"12345"
    fails(errno.ECONNRESET, receive, socket)
    assert "abort" in below.calls
    fails(errno.ECONNRESET, receive, socket)
    fails(errno.ECONNRESET, send, socket, b"1")
    fails(errno.ECONNRESET, socket.local_address)
    socket.close()
    assert setup.network.reached == {limit: 1}


@pytest.mark.parametrize("limit", ["bytes_out", "connection_bytes_out"])
def test_what_may_be_sent_is_sent_and_one_byte_more_resets(limit: str) -> None:
    socket, below = Setup(**{limit: 7}).connected()
    assert [send(socket, b"12345"), send(socket, b"67890")] == [5, 2]
    assert below.sent == b"1234567"
    fails(errno.ECONNRESET, send, socket, b"890")
    assert "abort" in below.calls


def test_a_total_is_of_all_connections_and_datagrams_and_a_connection_has_its_own() -> None:
    setup = Setup(bytes_out=10, connection_bytes_out=6)
    one, _ = setup.connected()
    two, _ = setup.connected()
    assert [send(one, bytes(9)), send(two, bytes(9))] == [6, 4]
    fails(errno.ECONNRESET, send, two, b"1")
    fails(errno.ENOBUFS, setup.network.udp_socket(4).send_to, b"1", PEER)
    assert setup.network.reached == {"bytes_out": 2}


async def test_who_waits_for_the_other_direction_hears_of_the_reset() -> None:
    socket, _ = Setup(bytes_out=1).connected()
    called: list[str] = []
    socket.wait_readable(lambda: called.append("readable"))
    send(socket, b"1")
    fails(errno.ECONNRESET, send, socket, b"2")
    assert not called  # not within the call: the guest may be running
    await passes()
    assert called == ["readable"]
    fails(errno.ECONNRESET, receive, socket)


def test_a_failed_connection_is_no_connection() -> None:
    setup = Setup(connections=1, bytes_out=0)
    socket, _ = setup.connected()
    fails(errno.ECONNRESET, send, socket, b"1")
    again, _ = setup.connected()
    again.close()
    socket.close()
    socket.abort()
    setup.connected()


def test_a_datagram_beyond_the_total_is_dropped_whole_and_told() -> None:
    setup = Setup(bytes_in=10, bytes_out=10)
    socket = setup.network.udp_socket(4)
    below = setup.below.made_udp[0]
    socket.send_to(bytes(8), PEER)
    fails(errno.ENOBUFS, socket.send_to, bytes(3), PEER)
    socket.send_to(bytes(2), None)
    assert [len(data) for data, _ in below.sent] == [8, 2]
    below.arrive((bytes(8), PEER), (bytes(3), PEER), (bytes(2), PEER))
    assert len(socket.recv_from()[0]) == 8
    fails(errno.ENOBUFS, socket.recv_from)
    assert len(socket.recv_from()[0]) == 2
    waits(socket.recv_from)


# ---- bandwidth


async def test_sending_waits_for_its_bandwidth() -> None:
    setup = Setup(bytes_per_second_out=1000)
    socket, below = setup.connected()
    called: list[int] = []
    assert send(socket, bytes(5000)) == 1000  # what comes in a second may go at once
    for _ in range(3):
        waits(send, socket, bytes(4000))
        socket.wait_writable(lambda: called.append(setup.clock.monotonic_ns()))
        setup.clock.advance(setup.clock.next_ns or 0)
        await passes()
        assert send(socket, bytes(4000)) == 10
    assert called == [S // 100, 2 * S // 100, 3 * S // 100]
    assert len(below.sent) == 1030
    assert not setup.waits()


async def test_receiving_waits_for_its_bandwidth_and_no_byte_is_lost() -> None:
    setup = Setup(bytes_per_second_in=2)
    socket, below = setup.connected()
    below.incoming.extend([b"ab", b"c", b"d"])
    called: list[int] = []
    assert receive(socket) == b"ab"
    waits(receive, socket)
    socket.wait_readable(lambda: called.append(1))
    assert below.readable is None
    setup.clock.advance(S // 2 - 1)
    await passes()
    assert not called
    setup.clock.advance(1)
    await passes()
    assert called == [1]
    assert receive(socket) == b"c"


async def test_bandwidth_is_shared_by_all_connections_and_datagrams() -> None:
    setup = Setup(bytes_per_second_out=100)
    socket, _ = setup.connected()
    datagrams = setup.network.udp_socket(4)
    assert send(socket, bytes(60)) == 60
    datagrams.send_to(bytes(90), PEER)  # goes whole, and is paid for afterwards
    for blocked in (lambda: send(socket, b"1"), lambda: datagrams.send_to(b"1", PEER)):
        waits(blocked)
    setup.clock.advance(S // 2)
    waits(send, socket, b"1")
    setup.clock.advance(S // 2)
    assert send(socket, bytes(100)) == 50


@given(st.integers(1, 10_000), st.lists(st.integers(1, 3 * S), max_size=20))
def test_no_more_goes_through_than_the_rate_and_one_second_of_it(rate: int, pauses: list[int]) -> None:
    setup = Setup(bytes_per_second_out=rate)
    socket, below = setup.connected()
    for pause in pauses:
        setup.clock.advance(pause)
        with contextlib.suppress(BlockingIOError):
            while send(socket, bytes(20_000)):
                pass
        assert rate <= len(below.sent) <= rate + rate * setup.clock.monotonic_ns() / S


async def test_a_wait_for_bandwidth_that_is_cancelled_leaves_no_timer() -> None:
    for cancel in ("cancel_writable", "close", "abort"):
        setup = Setup(bytes_per_second_out=10)
        socket, _ = setup.connected()
        send(socket, bytes(10))
        waits(send, socket, b"1")
        called: list[int] = []
        socket.wait_writable(lambda called=called: called.append(1))  # type: ignore[misc]
        assert setup.waits()
        getattr(socket, cancel)()
        assert not setup.waits()
        setup.clock.advance(S)
        await passes()
        assert not called


# ---- time-outs


async def test_an_attempt_that_takes_too_long_is_timed_out_and_given_up() -> None:
    setup = Setup(connect_timeout_s=5)
    socket = setup.network.tcp_socket(4)
    below = setup.below.made[0]
    below.fails["finish_connect"] = [BLOCKED]
    socket.connect(PEER)
    waits(socket.finish_connect)
    called: list[int] = []
    socket.wait_writable(lambda: called.append(1))
    setup.clock.advance(5 * S - 1)
    await passes()
    assert called == []
    setup.clock.advance(1)
    await passes()
    assert called == [1]
    assert "abort" in below.calls
    fails(errno.ETIMEDOUT, socket.finish_connect)
    assert not setup.waits()


async def test_a_connection_that_was_made_in_time_is_not_timed_out() -> None:
    setup = Setup(connect_timeout_s=5)
    _, below = setup.connected()
    assert not setup.waits()
    setup.clock.advance(10 * S)
    assert "abort" not in below.calls


async def test_an_idle_connection_is_timed_out_in_both_directions() -> None:
    setup = Setup(idle_timeout_s=60)
    socket, below = setup.connected()
    called: list[str] = []
    setup.clock.advance(59 * S)
    send(socket, b"1")
    setup.clock.advance(59 * S)
    below.incoming.append(b"1")
    receive(socket)
    socket.wait_readable(lambda: called.append("readable"))
    socket.wait_writable(lambda: called.append("writable"))
    setup.clock.advance(60 * S - 1)
    await passes()
    assert not called
    setup.clock.advance(1)
    await passes()
    assert called == ["readable", "writable"]
    assert "abort" in below.calls
    fails(errno.ETIMEDOUT, receive, socket)
    fails(errno.ETIMEDOUT, send, socket, b"1")
    socket.wait_readable(lambda: called.append("again"))
    await passes()
    assert called[2:] == ["again"]
    assert not setup.waits()
    assert setup.network.reached == {"idle_timeout_s": 1}


async def test_an_accepted_connection_can_be_idle_too() -> None:
    setup = Setup(idle_timeout_s=1)
    listener = setup.network.tcp_socket(4)
    setup.below.made[0].backlogged.append(FakeSocket())
    accepted, _ = listener.accept()
    setup.clock.advance(S)
    fails(errno.ETIMEDOUT, receive, accepted)
    assert not setup.waits()
    assert "abort" not in setup.below.made[0].calls


@pytest.mark.parametrize("end", ["close", "abort"])
async def test_the_end_of_a_connection_ends_its_timer(end: str) -> None:
    setup = Setup(connect_timeout_s=1, idle_timeout_s=1)
    socket, _ = setup.connected()
    assert setup.waits()
    getattr(socket, end)()
    assert not setup.waits()


# ---- reports


def test_the_first_time_is_a_warning_and_the_others_are_for_debugging(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "wasihost.quotas")
    setup = Setup(connections=0)
    for _ in range(3):
        fails(errno.ECONNREFUSED, setup.network.tcp_socket(4).connect, PEER)
    assert [record.levelname for record in caplog.records] == ["WARNING", "DEBUG", "DEBUG"]
    assert caplog.messages[0] == "limit connections=0 reached: connect to 192.0.2.7:4000"
    assert {record.__dict__["limit"] for record in caplog.records} == {"connections"}


def test_without_limits_everything_passes() -> None:
    setup = Setup()
    socket, below = setup.connected()
    below.incoming.append(b"hello")
    assert receive(socket) == b"hello"
    assert send(socket, bytes(1000)) == 1000
    datagrams = setup.network.udp_socket(4)
    datagrams.send_to(b"1", PEER)
    setup.below.made_udp[0].arrive((b"2", PEER))
    assert datagrams.recv_from() == (b"2", PEER)
    assert isinstance(setup.below.made_udp[0], FakeDatagramSocket)
    assert not setup.waits()
    assert not setup.network.reached


@pytest.mark.parametrize(
    ("limits", "complaint"),
    [
        ({"sockets": -1}, "sockets: expected a whole number, 0 or more, got -1"),
        ({"connections": 1.5}, "connections: expected a whole number, 0 or more, got 1.5"),
        ({"connections": True}, "connections: expected a whole number, 0 or more, got True"),
        ({"bytes_in": b"1"}, "bytes_in: expected a whole number, 0 or more, got b'1'"),
        ({"bytes_in": "1kB"}, "limit 'bytes_in=1kB': '1kB' is not a whole number"),
        ({"bytes_per_second_in": 0}, "bytes_per_second_in: expected a whole number, 1 or more, got 0"),
        ({"idle_timeout_s": 0}, "idle_timeout_s: expected a number, more than 0 and at most 1e9, got 0"),
        (
            {"connect_timeout_s": float("inf")},
            "connect_timeout_s: expected a number, more than 0 and at most 1e9, got inf",
        ),
        ({"connect_timeout_s": 1e300}, "connect_timeout_s: expected a number, more than 0 and at most 1e9, got 1e"),
        (
            {"connect_timeout_s": float("nan")},
            "connect_timeout_s: expected a number, more than 0 and at most 1e9, got nan",
        ),
    ],
)
def test_a_bad_limit_is_named(limits: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        Quotas(**limits)


def test_quotas_are_quotas() -> None:
    with pytest.raises(TypeError, match=r"quotas: expected Quotas, got {'sockets': 1}"):
        QuotaNetwork(FakeNetwork(), {"sockets": 1})  # type: ignore[arg-type]


def test_limits_are_read_from_texts() -> None:
    texts = ["connections=10", "bytes-out=1MiB", "bytes_in=3KiB", "connection-bytes-in=5", "idle-timeout-s=0.5"]
    assert Quotas.parse(texts) == Quotas(
        connections=10, bytes_out=1 << 20, bytes_in=3072, connection_bytes_in=5, idle_timeout_s=0.5
    )
    assert Quotas.parse([]) == Quotas()


@pytest.mark.parametrize(
    ("texts", "complaint"),
    [
        (["connections"], "limit 'connections': expected NAME=NUMBER, where NAME is one of sockets, connections, "),
        (["speed=1"], "limit 'speed=1': expected NAME=NUMBER"),
        (["connections=ten"], "limit 'connections=ten': 'ten' is not a whole number"),
        (["connections=1KiB"], "limit 'connections=1KiB': '1KiB' is not a whole number"),
        (["bytes-in=1MB"], "limit 'bytes-in=1MB': '1MB' is not a whole number, nor one of KiB, MiB or GiB"),
        (["idle-timeout-s=5s"], "limit 'idle-timeout-s=5s': '5s' is not a number"),
        (["connections=-1"], "connections: expected a whole number, 0 or more, got -1"),
        (["sockets=1", "sockets=2"], "limit 'sockets=2': sockets has a limit already"),
    ],
)
def test_a_text_that_is_no_limit_is_reported(texts: list[str], complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Quotas.parse(texts)
    assert str(caught.value).startswith(complaint)
