"""Each fault of a plan, over a scripted network and a clock that only the test moves."""

from __future__ import annotations

import asyncio
import errno
import socket as os_socket
from collections.abc import Callable
from functools import partial
from ipaddress import IPv4Address
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.network.calls import S, fails, passes, receive, send, waits
from tests.unit.wasi.sockets.fake_network import PEER, FakeDatagramSocket, FakeNetwork, FakeSocket
from wasihost import VirtualClock
from wasihost._network.base import Address, DatagramSocket, Socket
from wasihost._network.faults import Fault, FaultPlan, FaultyNetwork, RandomFaults

T = TypeVar("T")
OTHER = Address(IPv4Address("192.0.2.8"), 4000)


class Setup:
    """A faulty network, the scripted one below it, and their clock."""

    def __init__(self, *faults: Fault, plan: FaultPlan | RandomFaults | None = None) -> None:
        self.clock, self.below = VirtualClock(), FakeNetwork()
        self.network = FaultyNetwork(self.below, plan or FaultPlan(*faults), self.clock)

    def connected(self, peer: Address = PEER) -> tuple[Socket, FakeSocket]:
        socket = self.network.tcp_socket(4)
        socket.connect(peer)
        socket.finish_connect()
        return socket, self.below.made[-1]

    def listening(self, *waiting: FakeSocket) -> Socket:
        socket = self.network.tcp_socket(4)
        self.below.made[-1].backlogged.extend(waiting)
        return socket

    def datagrams(self) -> tuple[DatagramSocket, FakeDatagramSocket]:
        return self.network.udp_socket(4), self.below.made_udp[-1]

    def injected(self) -> list[Fault]:
        return list(self.network.injected)


# ---- calls that fail


def test_the_third_connect_is_refused_and_no_other() -> None:
    setup = Setup(Fault("connect", "ECONNREFUSED", nth=3))
    outcomes = []
    for _ in range(4):
        try:
            setup.connected()
            outcomes.append("ok")
        except ConnectionRefusedError:
            outcomes.append("refused")
    assert outcomes == ["ok", "ok", "refused", "ok"]
    assert "connect" not in setup.below.made[2].calls
    assert setup.injected() == [Fault("connect", "ECONNREFUSED", socket=3, nth=1)]


def test_calls_are_counted_among_those_that_match() -> None:
    setup = Setup(Fault("connect", "EHOSTUNREACH", address="192.0.2.8:4000", nth=2))
    setup.connected(OTHER)
    setup.connected(PEER)
    with pytest.raises(OSError, match="EHOSTUNREACH, as planned"):
        setup.connected(OTHER)
    setup.connected(OTHER)


def test_without_a_place_every_call_is_struck() -> None:
    setup = Setup(Fault("bind", "EADDRINUSE"), Fault("socket", "ENOBUFS", socket=2), Fault("listen", "EADDRINUSE"))
    socket = setup.network.tcp_socket(4)
    fails(errno.ENOBUFS, setup.network.tcp_socket, 4)
    for _ in range(2):
        fails(errno.EADDRINUSE, socket.bind, PEER)
        fails(errno.EADDRINUSE, socket.listen, 1)
    assert setup.below.made[0].calls == []
    assert setup.injected() == [
        Fault("socket", "ENOBUFS", socket=2),
        Fault("bind", "EADDRINUSE", socket=1),
        Fault("listen", "EADDRINUSE", socket=1),
    ]


def test_udp_has_its_own_bind() -> None:
    setup = Setup(Fault("udp-bind", "EADDRNOTAVAIL", address="192.0.2.7"))
    socket, _ = setup.datagrams()
    setup.network.tcp_socket(4).bind(PEER)
    fails(errno.EADDRNOTAVAIL, socket.bind, PEER)
    socket.bind(OTHER)


def test_what_never_struck_is_reported() -> None:
    used, unused = Fault("connect", "ECONNREFUSED"), Fault("accept", "drop")
    setup = Setup(used, unused)
    assert list(setup.network.unused) == [used, unused]
    with pytest.raises(ConnectionRefusedError):
        setup.connected()
    assert list(setup.network.unused) == [unused]


# ---- connections


async def test_a_connect_that_stalls_takes_so_long_and_then_fails_if_it_shall() -> None:
    setup = Setup(Fault("connect", "stall", seconds=5), Fault("connect", "ETIMEDOUT", nth=2))
    one, two = setup.network.tcp_socket(4), setup.network.tcp_socket(4)
    called: list[int] = []
    for socket in (one, two):
        socket.connect(PEER)
        waits(socket.finish_connect)
        socket.wait_writable(lambda: called.append(setup.clock.monotonic_ns()))
    setup.clock.advance(5 * S - 1)
    await passes()
    waits(one.finish_connect)
    setup.clock.advance(1)
    await passes()
    assert called == [5 * S, 5 * S]
    one.finish_connect()
    fails(errno.ETIMEDOUT, two.finish_connect)


def test_a_connection_is_reset_after_so_many_bytes_however_they_come() -> None:
    for size in (1, 7, 1000, 5000):
        setup = Setup(Fault("receive", "ECONNRESET", after_bytes=1000))
        socket, below = setup.connected()
        received = 0
        while received < 1000:
            below.incoming.append(bytes(min(size, 1000 - received)))
            received += len(receive(socket, size))
        assert received == 1000
        fails(errno.ECONNRESET, receive, socket, size)
        fails(errno.ECONNRESET, send, socket, b"1")
        assert "abort" in below.calls
        assert setup.injected() == [Fault("receive", "ECONNRESET", socket=1, after_bytes=1000)]


def test_a_send_goes_no_further_than_the_fault() -> None:
    socket, below = Setup(Fault("send", "EPIPE", after_bytes=3)).connected()
    assert send(socket, b"12345") == 3
    fails(errno.EPIPE, send, socket, b"45")
    assert below.sent == b"123"


async def test_who_waits_to_send_hears_that_receiving_was_reset() -> None:
    socket, _ = Setup(Fault("receive", "ECONNRESET", after_bytes=0)).connected()
    called: list[int] = []
    socket.wait_writable(lambda: called.append(1))
    fails(errno.ECONNRESET, receive, socket)
    assert not called
    await passes()
    assert called == [1]


async def test_a_stalled_direction_moves_nothing_for_so_long_and_the_other_goes_on() -> None:
    setup = Setup(Fault("receive", "stall", seconds=5, after_bytes=2))
    socket, below = setup.connected()
    below.incoming.extend([b"ab", b"cd"])
    assert receive(socket, 2) == b"ab"
    waits(receive, socket)
    assert send(socket, b"1") == 1
    called: list[int] = []
    socket.wait_readable(lambda: called.append(1))
    assert below.readable is None
    setup.clock.advance(5 * S)
    await passes()
    assert called == [1]
    assert receive(socket) == b"cd"
    assert setup.clock.next_ns is None


def test_every_send_can_stall() -> None:
    setup = Setup(Fault("send", "stall", seconds=1))
    socket, _ = setup.connected()
    for _ in range(3):
        waits(send, socket, b"1")
        setup.clock.advance(S)
        assert send(socket, b"1") == 1
    assert setup.injected() == [Fault("send", "stall", seconds=1, socket=1)]


def test_short_reads_and_writes_lose_nothing() -> None:
    socket, below = Setup(
        Fault("receive", "short", bytes=2), Fault("send", "short", bytes=3, after_bytes=4)
    ).connected()
    below.incoming.extend([b"ab", b"c", b""])
    assert [receive(socket), receive(socket), receive(socket)] == [b"ab", b"c", b""]
    assert [send(socket, bytes(10)), send(socket, bytes(10)), send(socket, bytes(10))] == [4, 3, 10]


def test_a_fault_can_be_for_one_socket_or_one_peer() -> None:
    for place in ({"socket": 2}, {"address": "192.0.2.8"}):
        setup = Setup(Fault("send", "ECONNRESET", after_bytes=0, **place))
        (one, _), (two, _) = setup.connected(), setup.connected(OTHER)
        assert send(one, b"1") == 1
        fails(errno.ECONNRESET, send, two, b"1")
        assert setup.injected() == [Fault("send", "ECONNRESET", socket=2, after_bytes=0)]


# ---- accepting


async def test_a_connection_can_come_later() -> None:
    setup = Setup(Fault("accept", "stall", seconds=5, nth=1))
    waiting = FakeSocket()
    listener = setup.listening()
    waits(listener.accept)
    setup.clock.advance(100 * S)
    setup.below.made[0].backlogged.append(waiting)
    waits(listener.accept)
    called: list[int] = []
    listener.wait_readable(lambda: called.append(1))
    setup.clock.advance(5 * S)
    await passes()
    assert called == [1]
    accepted, peer = listener.accept()
    assert peer == PEER
    send(accepted, b"hello")
    assert waiting.sent == b"hello"


async def test_a_connection_whose_time_has_come_can_be_waited_for() -> None:
    setup = Setup(Fault("accept", "stall", seconds=5))
    listener = setup.listening(FakeSocket())
    waits(listener.accept)
    setup.clock.advance(5 * S)
    called: list[int] = []
    listener.wait_readable(lambda: called.append(1))
    await passes()
    assert called == [1]


@pytest.mark.parametrize("end", ["close", "abort"])
def test_a_connection_that_is_held_back_goes_with_its_listener(end: str) -> None:
    waiting = FakeSocket()
    listener = Setup(Fault("accept", "stall", seconds=5)).listening(waiting)
    waits(listener.accept)
    getattr(listener, end)()
    assert "abort" in waiting.calls


def test_a_connection_that_fails_before_it_is_accepted_is_reset_and_the_next_comes() -> None:
    one, two = FakeSocket(), FakeSocket()
    listener = Setup(Fault("accept", "ECONNABORTED", nth=1)).listening(one, two)
    fails(errno.ECONNABORTED, listener.accept)
    assert "abort" in one.calls
    listener.accept()
    assert "abort" not in two.calls


def test_a_dropped_listener_listens_no_more() -> None:
    setup = Setup(Fault("accept", "drop", nth=2))
    one, two = FakeSocket(), FakeSocket()
    listener = setup.listening(one, two)
    listener.accept()
    for _ in range(2):
        fails(errno.EINVAL, listener.accept)
    assert "abort" in two.calls
    assert "abort" in setup.below.made[0].calls
    assert "abort" not in one.calls


# ---- datagrams


def test_datagrams_that_come_in_are_dropped_doubled_and_swapped() -> None:
    setup = Setup(
        Fault("udp-receive", "drop", nth=1),
        Fault("udp-receive", "duplicate", nth=2),
        Fault("udp-receive", "swap", nth=3),
        Fault("udp-receive", "ECONNREFUSED", nth=5),
    )
    socket, below = setup.datagrams()
    below.arrive(*((b"%d" % number, PEER) for number in range(1, 7)))
    got: list[bytes | str] = []
    for _ in range(20):
        try:
            got.append(socket.recv_from()[0])
        except BlockingIOError:
            got.append("wait")
        except ConnectionRefusedError:
            got.append("refused")
    assert [one for one in got if one != "wait"] == [b"2", b"2", b"4", b"3", "refused", b"6"]


def test_datagrams_that_go_out_are_dropped_doubled_and_swapped() -> None:
    setup = Setup(
        Fault("udp-send", "drop", nth=1),
        Fault("udp-send", "duplicate", nth=2),
        Fault("udp-send", "swap", nth=3),
        Fault("udp-send", "ENETUNREACH", nth=5),
    )
    socket, below = setup.datagrams()
    for number in range(1, 7):
        if number == 5:
            fails(errno.ENETUNREACH, socket.send_to, b"5", PEER)
        else:
            socket.send_to(b"%d" % number, PEER)
    assert [data for data, _ in below.sent] == [b"2", b"2", b"4", b"3", b"6"]


async def test_a_datagram_can_take_its_time_in_both_directions() -> None:
    setup = Setup(Fault("udp-send", "stall", seconds=1, nth=1), Fault("udp-receive", "stall", seconds=2, nth=1))
    socket, below = setup.datagrams()
    called: list[str] = []
    below.arrive((b"in", PEER))
    waits(socket.recv_from)
    socket.wait_readable(lambda: called.append("in"))
    waits(socket.send_to, b"out", PEER)
    socket.wait_writable(lambda: called.append("out"))
    setup.clock.advance(S)
    await passes()
    socket.send_to(b"out", PEER)
    setup.clock.advance(S)
    await passes()
    assert called == ["out", "in"]
    assert socket.recv_from() == (b"in", PEER)
    assert below.sent == [(b"out", PEER)]


def test_a_datagram_without_room_is_struck_once() -> None:
    setup = Setup(Fault("udp-send", "duplicate", nth=1))
    socket, below = setup.datagrams()
    below.room = 0
    waits(socket.send_to, b"1", PEER)
    below.room = 9
    socket.send_to(b"1", PEER)
    socket.send_to(b"2", PEER)
    assert [data for data, _ in below.sent] == [b"1", b"1", b"2"]


def test_a_datagram_that_fails_below_is_over() -> None:
    setup = Setup(Fault("udp-send", "duplicate", nth=1))
    socket, below = setup.datagrams()
    below.fails["send_to"] = [OSError(errno.ECONNREFUSED, "refused")]
    fails(errno.ECONNREFUSED, socket.send_to, b"1", PEER)
    socket.send_to(b"2", PEER)
    assert [data for data, _ in below.sent] == [b"2"]


def test_the_peer_of_a_connected_udp_socket_is_matched() -> None:
    setup = Setup(Fault("udp-send", "drop", address=str(PEER)))
    socket, below = setup.datagrams()
    socket.connect(PEER)
    socket.send_to(b"1", None)
    socket.connect(OTHER)
    socket.send_to(b"2", None)
    socket.disconnect()
    socket.send_to(b"3", PEER)
    assert [data for data, _ in below.sent] == [b"2"]


# ---- names


async def test_a_name_cannot_be_looked_up_and_then_can_but_slowly() -> None:
    setup = Setup(
        Fault("resolve", "EAI_AGAIN", nth=1, address="Db.Example.Com"), Fault("resolve", "stall", seconds=3, nth=2)
    )
    setup.below.names["db.example.com"] = [IPv4Address("192.0.2.1")]
    with pytest.raises(os_socket.gaierror) as caught:
        await setup.network.resolve("db.example.com")
    assert caught.value.errno == os_socket.EAI_AGAIN
    later = asyncio.ensure_future(setup.network.resolve("db.example.com"))
    await passes()
    assert not later.done()
    setup.clock.advance(3 * S)
    assert await later == [IPv4Address("192.0.2.1")]


# ---- waits that are given up


async def test_a_stall_that_is_given_up_leaves_no_timer() -> None:
    for end in ("cancel_readable", "close", "abort"):
        setup = Setup(Fault("receive", "stall", seconds=5))
        socket, _ = setup.connected()
        waits(receive, socket)
        called: list[int] = []
        socket.wait_readable(lambda called=called: called.append(1))  # type: ignore[misc]
        getattr(socket, end)()
        assert setup.clock.next_ns is None
        setup.clock.advance(5 * S)
        await passes()
        assert not called


# ---- chance


PLANS = st.builds(
    RandomFaults, st.integers(0, 1 << 64), rate=st.sampled_from([0.1, 0.5, 1.0]), stall_s=st.floats(0.001, 100)
)


class Conversation:
    """Connects, sends, receives and looks nothing up; waits whenever it is told to; notes what came of it."""

    def __init__(self, plan: FaultPlan | RandomFaults, chunk: int) -> None:
        self.setup, self.chunk = Setup(plan=plan), chunk
        self.outcome: list[str] = []

    async def hold(self) -> tuple[list[str], FaultPlan, int]:
        """What came of it, the faults that were injected, and how long it took."""
        for _ in range(3):
            socket = await self._done(partial(self.setup.network.tcp_socket, 4))
            if isinstance(socket, Socket):
                if await self._connects(socket):
                    await self._send(socket)
                    await self._receive(socket)
                socket.close()
        udp = await self._done(partial(self.setup.network.udp_socket, 4))
        if isinstance(udp, DatagramSocket):
            await self._exchange(udp)
            udp.close()
        assert self.setup.clock.next_ns is None, "a timer is left"
        return self.outcome, self.setup.network.injected, self.setup.clock.monotonic_ns()

    async def _connects(self, socket: Socket) -> bool:
        def finish_connect() -> bool:
            socket.finish_connect()
            return True

        socket.connect(PEER)
        return await self._done(finish_connect, socket.wait_writable) is not None

    async def _send(self, socket: Socket) -> None:
        sent: int | None = 1
        left = memoryview(DATA)
        while left and sent:
            sent = await self._done(partial(socket.send, left[: self.chunk]), socket.wait_writable)
            left = left[sent or 0 :]
        arrived = self.setup.below.made[-1].sent
        assert arrived == DATA[: len(DATA) - len(left)]
        self.outcome.append(f"sent {len(arrived)}")

    async def _receive(self, socket: Socket) -> None:
        arriving, received = _Arriving(DATA), bytearray()
        self.setup.below.made[-1].recv_into = arriving.recv_into  # type: ignore[method-assign]
        view = memoryview(bytearray(self.chunk))
        while count := await self._done(partial(socket.recv_into, view), socket.wait_readable):
            received += view[:count]
        assert DATA.startswith(received)
        self.outcome.append(f"received {len(received)}")

    async def _exchange(self, udp: DatagramSocket) -> None:
        below = self.setup.below.made_udp[-1]
        datagrams = [b"%d" % number for number in range(20)]
        for data in datagrams:
            await self._done(partial(udp.send_to, data, PEER), udp.wait_writable)
        below.arrive(*((data, PEER) for data in datagrams))
        received = []
        while below.incoming:
            received.append(await self._done(udp.recv_from, udp.wait_readable))
        assert {data for data, _ in below.sent} <= set(datagrams)
        assert {datagram[0] for datagram in received if datagram} <= set(datagrams)
        self.outcome.append(f"{below.sent} {received}")

    async def _done(self, call: Callable[[], T], wait: Callable[[Callable[[], None]], None] | None = None) -> T | None:
        """What a call gives in the end, or None: it failed, or nothing more is under way."""
        while True:
            try:
                return call()
            except BlockingIOError:
                assert wait is not None
                if not await self._woken(wait):
                    return None
            except OSError as error:
                self.outcome.append(errno.errorcode[error.errno or 0])
                return None

    async def _woken(self, wait: Callable[[Callable[[], None]], None]) -> bool:
        woken = asyncio.Event()
        wait(woken.set)
        while not woken.is_set():
            if (next_ns := self.setup.clock.next_ns) is None:
                return False  # a datagram was dropped, and no timer is needed for another
            self.setup.clock.advance(next_ns)
            await passes()
        return True


DATA = bytes(range(256)) * 8


class _Arriving:
    """Gives as much as is asked for."""

    def __init__(self, data: bytes) -> None:
        self._left = memoryview(data)

    def recv_into(self, view: memoryview) -> int:
        count = min(len(view), len(self._left))
        view[:count], self._left = self._left[:count], self._left[count:]
        return count


def run(plan: FaultPlan | RandomFaults, chunk: int) -> tuple[list[str], FaultPlan, int]:
    return asyncio.run(Conversation(plan, chunk).hold())


@pytest.mark.slow
@given(PLANS, st.integers(1, 1000))
def test_bytes_are_never_corrupted_nobody_hangs_and_the_plan_repeats_it(plan: RandomFaults, chunk: int) -> None:
    first = run(plan, chunk)
    assert run(plan, chunk) == first
    outcome, injected, took_ns = first
    assert run(injected, chunk) == (outcome, injected, took_ns)
    assert FaultPlan.parse(injected.to_json()) == injected
    assert eval(repr(injected), {"Fault": Fault, "FaultPlan": FaultPlan}) == injected


@pytest.mark.slow
@given(PLANS, st.integers(1, 1000), st.integers(1, 1000))
def test_the_same_bytes_are_struck_in_however_many_calls_they_come(plan: RandomFaults, one: int, two: int) -> None:
    assert run(plan, one) == run(plan, two)


def test_without_a_chance_nothing_happens_and_with_every_chance_everything_does() -> None:
    assert not run(RandomFaults(1, rate=0), 100)[1]
    with pytest.raises(OSError, match="ENOBUFS"):
        Setup(plan=RandomFaults(1, rate=1)).network.tcp_socket(4)


def test_what_may_happen_can_be_chosen() -> None:
    plan = RandomFaults(1, rate=1, on=["receive", "send"], do=["short"])
    outcome, injected, _ = run(plan, 1000)
    assert outcome[:6] == ["sent 2048", "received 2048"] * 3
    assert {(fault.on, fault.do) for fault in injected} == {("receive", "short"), ("send", "short")}


# ---- reports


def test_an_exception_gets_the_seed_and_the_plan_that_repeats_it() -> None:
    below = FakeNetwork()
    network = FaultyNetwork(below, RandomFaults(7, rate=1, on=["connect"], do=["ECONNREFUSED"]), VirtualClock())
    socket = network.tcp_socket(4)
    socket.connect(PEER)
    with pytest.raises(ConnectionRefusedError) as caught, network:
        socket.finish_connect()
    (note,) = caught.value.__notes__
    assert note == (
        "seed 7: 1 fault was injected, and this plan repeats it:\n"
        "FaultPlan(\n    Fault('connect', 'ECONNREFUSED', nth=1, socket=1),\n)"
    )


def test_a_plan_is_a_plan() -> None:
    with pytest.raises(TypeError, match=r"plan: expected a FaultPlan or RandomFaults, got \[\]"):
        FaultyNetwork(FakeNetwork(), [])  # type: ignore[arg-type]


def test_a_network_tells_what_it_did() -> None:
    assert str(Setup().network) == "no faults were injected"
    assert str(Setup(plan=RandomFaults(3)).network) == "seed 3: no faults were injected"
    with Setup().network as network:
        assert isinstance(network, FaultyNetwork)
    setup = Setup(Fault("bind", "EADDRINUSE"), Fault("listen", "EADDRINUSE"))
    socket = setup.network.tcp_socket(4)
    fails(errno.EADDRINUSE, socket.bind, PEER)
    fails(errno.EADDRINUSE, socket.listen, 1)
    assert str(setup.network).startswith("2 faults were injected, and this plan repeats them:\nFaultPlan(\n")


def test_a_call_that_would_have_to_wait_anyway_is_struck_once() -> None:
    setup = Setup(Fault("receive", "short", bytes=1, after_bytes=0))
    socket, below = setup.connected()
    for _ in range(3):
        waits(receive, socket)
    below.incoming.append(b"a")
    assert receive(socket) == b"a"
    assert len(setup.injected()) == 1
