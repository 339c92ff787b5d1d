"""`ReplayNetwork` at the seam: what it gives, when, and what it says of a guest that does something else."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from ipaddress import IPv4Address

import pytest

from tests.guests.harness import until
from tests.unit.wasi.sockets.fake_network import PEER
from wasihost import DivergenceError, RecordingError, VirtualClock
from wasihost._network.base import Address, Option, Socket
from wasihost._recording import Recording, events
from wasihost._recording.events import Event
from wasihost._recording.replay import ReplayNetwork

LOCAL = Address(IPv4Address("192.0.2.1"), 50000)
ANY = Address(IPv4Address("192.0.2.1"), 0)
OTHER = Address(IPv4Address("192.0.2.8"), 80)
S = 1_000_000_000


def replay(*steps: Event, clock: VirtualClock | None = None) -> ReplayNetwork:
    recording = Recording()
    recording.events = list(steps)
    return ReplayNetwork(recording, clock=clock)


def created(number: int = 1, protocol: str = "tcp") -> Event:
    return events.Created(0, 0, number, "udp" if protocol == "udp" else "tcp", 4)


def connected(number: int = 1) -> list[Event]:
    """A TCP socket that is connected."""
    return [
        created(number),
        events.Connecting(0, 0, number, LOCAL, PEER),
        events.Connected(0, 0, number, LOCAL, PEER),
    ]


def sent(data: bytes, number: int = 1) -> Event:
    return events.Sent(0, 0, number, data)


def received(data: bytes, number: int = 1) -> Event:
    return events.Received(0, 0, number, data)


CLOSED = events.Closed(0, 0, 1)


def connect(network: ReplayNetwork) -> Socket:
    client = network.tcp_socket(4)
    client.connect(PEER)
    client.finish_connect()
    return client


def read(client: Socket, size: int = 100) -> bytes:
    room = bytearray(size)
    return bytes(room[: client.recv_into(memoryview(room))])


def diverges(call: Callable[[], object]) -> str:
    with pytest.raises(DivergenceError) as caught:
        call()
    return str(caught.value)


# ---- what is given, and when


def test_bytes_may_be_sent_and_received_in_other_blocks() -> None:
    network = replay(*connected(), sent(b"hel"), sent(b"lo"), received(b"wor"), received(b"ld"), CLOSED)
    client = connect(network)
    assert client.send(memoryview(b"hell")) == 4
    assert client.send(memoryview(b"o")) == 1
    assert [read(client, 2) for _ in range(3)] == [b"wo", b"r", b"ld"]
    client.close()
    network.finish()


def test_an_answer_does_not_come_before_its_question() -> None:
    network = replay(*connected(), sent(b"one"), received(b"1"), sent(b"two"), received(b"2"))
    client = connect(network)
    client.send(memoryview(b"on"))
    with pytest.raises(BlockingIOError):
        read(client)
    client.send(memoryview(b"etw"))
    assert read(client) == b"1"
    with pytest.raises(BlockingIOError):
        read(client)


def test_what_was_sent_on_one_socket_lets_another_receive() -> None:
    network = replay(*connected(1), *connected(2), sent(b"x", 1), received(b"x", 2))
    one, two = connect(network), connect(network)
    with pytest.raises(BlockingIOError):
        read(two)
    one.send(memoryview(b"x"))
    assert read(two) == b"x"


def test_the_end_stays_the_end() -> None:
    network = replay(*connected(), events.ReceivedEnd(0, 0, 1))
    client = connect(network)
    assert [read(client), read(client)] == [b"", b""]


def test_a_failure_comes_again_when_it_came() -> None:
    failed = events.Failed(0, 0, 1, "recv_into", "ECONNRESET", None)
    network = replay(*connected(), received(b"x"), failed)
    client = connect(network)
    assert read(client) == b"x"
    with pytest.raises(ConnectionResetError):
        read(client)


def test_a_refused_connection_is_refused_again() -> None:
    failed = events.Failed(0, 0, 1, "finish_connect", "ECONNREFUSED", PEER)
    client = replay(created(), events.Connecting(0, 0, 1, LOCAL, PEER), failed).tcp_socket(4)
    client.connect(PEER)
    with pytest.raises(ConnectionRefusedError):
        client.finish_connect()


def test_a_free_port_is_the_one_that_was_found() -> None:
    server = replay(created(), events.Bound(0, 0, 1, ANY, LOCAL)).tcp_socket(4)
    assert server.local_address() == Address(IPv4Address(0), 0)
    server.bind(ANY)
    assert server.local_address() == LOCAL


def test_connections_come_in_with_their_addresses_and_bytes() -> None:
    accepted = events.Accepted(0, 0, 1, 2, LOCAL, PEER)
    server = replay(created(), events.Listening(0, 0, 1, 5, LOCAL), accepted, received(b"hi", 2)).tcp_socket(4)
    server.listen(5)
    connection, peer = server.accept()
    assert (peer, connection.local_address(), connection.remote_address()) == (PEER, LOCAL, PEER)
    assert read(connection) == b"hi"
    with pytest.raises(BlockingIOError):
        server.accept()


def test_options_have_the_values_that_they_had() -> None:
    set_it = events.OptionSet(0, 0, 1, Option.HOP_LIMIT, 7)
    made = replay(created(), set_it, events.OptionRead(0, 0, 1, Option.HOP_LIMIT, 8)).tcp_socket(4)
    made.set_option(Option.HOP_LIMIT, 7)
    assert made.get_option(Option.HOP_LIMIT) == 8


def test_datagrams_come_and_go() -> None:
    udp = replay(
        created(1, "udp"),
        events.Bound(0, 0, 1, ANY, LOCAL),
        events.Connected(0, 0, 1, LOCAL, PEER),
        events.DatagramSent(0, 0, 1, b"?", PEER),
        events.DatagramReceived(0, 0, 1, b"!", PEER),
        events.Disconnected(0, 0, 1, LOCAL),
    ).udp_socket(4)
    udp.bind(ANY)
    udp.connect(PEER)
    with pytest.raises(BlockingIOError):
        udp.recv_from()
    udp.send_to(b"?", None)
    assert udp.recv_from() == (b"!", PEER)
    udp.disconnect()
    with pytest.raises(OSError, match="not connected"):
        udp.remote_address()


async def test_names_have_the_addresses_that_they_had() -> None:
    db = IPv4Address("10.0.0.1")
    network = replay(events.Resolved(0, 0, "db", (db,), None), events.Resolved(0, 0, "no", (), "EAI_NONAME"))
    assert await network.resolve("db") == (db,)
    with pytest.raises(socket.gaierror):
        await network.resolve("no")


async def test_who_waits_is_called_back_when_the_turn_has_come() -> None:
    network = replay(*connected(), sent(b"x"), received(b"y"))
    client, called = connect(network), asyncio.Event()
    client.wait_readable(called.set)
    await asyncio.sleep(0)
    assert not called.is_set()
    client.send(memoryview(b"x"))
    await called.wait()
    assert read(client) == b"y"


async def test_of_several_who_wait_the_one_that_was_first_is_first() -> None:
    network = replay(
        *connected(1), *connected(2), *connected(3), received(b"3", 3), received(b"1", 1), received(b"2", 2)
    )
    order: list[bytes] = []
    for client in [connect(network) for _ in range(3)]:
        client.wait_readable(lambda client=client: order.append(read(client)))  # type: ignore[misc]
    await until(lambda: len(order) == 3)
    assert order == [b"3", b"1", b"2"]


async def test_a_waiter_that_is_forgotten_is_not_called() -> None:
    client, called = connect(replay(*connected(), received(b"y"))), asyncio.Event()
    client.wait_readable(called.set)
    client.cancel_readable()
    client.wait_readable(called.set)
    client.close()
    for _ in range(3):
        await asyncio.sleep(0)
    assert not called.is_set()


def test_one_of_several_guests_has_to_be_chosen() -> None:
    recording = Recording()
    recording.events = [
        events.GuestStarted(0, 1, "one.wasm", (), None),
        *(events.Created(0, guest, guest, "tcp", 4) for guest in (1, 2)),
    ]
    with pytest.raises(RecordingError, match=r"several guests were recorded, 1 one\.wasm, 2: say which with guest="):
        ReplayNetwork(recording)
    network = ReplayNetwork(recording, guest=2)
    network.tcp_socket(4).close()
    network.finish()


# ---- divergence


def test_a_wrong_byte_is_shown_with_its_offset_and_the_recorded_one() -> None:
    before = bytes(1200)
    network = replay(*connected(), sent(before), sent(b"0123B567"))
    client = connect(network)
    client.send(memoryview(before))
    assert diverges(lambda: client.send(memoryview(b"0123A567"))) == (
        "socket 1 to 192.0.2.7:4000: the guest sends 0x41 at offset 1,204, recorded 0x42\n"
        "  now       000004b0  30 31 32 33 41 35 36 37                          0123A567\n"
        "  recorded  000004b0  30 31 32 33 42 35 36 37                          0123B567\n"
        "  line 6 of the recording"
    )


def test_a_wrong_byte_is_found_in_the_middle_of_a_block() -> None:
    client = connect(replay(*connected(), sent(bytes(70_000))))
    client.send(memoryview(bytes(5)))
    words = diverges(lambda: client.send(memoryview(bytes(65_000) + b"\1")))
    assert words.startswith("socket 1 to 192.0.2.7:4000: the guest sends 0x01 at offset 65,005, recorded 0x00\n")
    assert "  now       0000fde0" in words


def test_the_first_divergence_is_told_from_then_on() -> None:
    client = connect(replay(*connected(), sent(b"x"), received(b"y")))
    first = diverges(lambda: client.send(memoryview(b"z")))
    assert diverges(lambda: read(client)) == first
    assert diverges(lambda: client.connect(OTHER)) == first


def test_another_address_is_shown_beside_the_recorded_one() -> None:
    client = replay(*connected()).tcp_socket(4)
    words = diverges(lambda: client.connect(OTHER))
    assert words == "socket 1: connect 192.0.2.8:80, recorded connect 192.0.2.7:4000 (line 3)"


def test_another_value_of_an_option_is_shown_beside_the_recorded_one() -> None:
    made = replay(created(), events.OptionSet(0, 0, 1, Option.HOP_LIMIT, 7)).tcp_socket(4)
    words = diverges(lambda: made.set_option(Option.HOP_LIMIT, 8))
    assert words == "socket 1: set_option HOP_LIMIT 8, recorded set_option HOP_LIMIT 7 (line 3)"


def test_a_call_that_was_not_recorded_is_reported() -> None:
    made = replay(created()).tcp_socket(4)
    assert diverges(lambda: made.bind(LOCAL)) == "socket 1: bind 192.0.2.1:50000, which was not recorded"


def test_one_socket_too_many_is_reported() -> None:
    network = replay(created())
    network.tcp_socket(4)
    words = diverges(lambda: network.udp_socket(4))
    assert words == "the guest makes a udp socket for IPv4, but no more sockets were recorded"


def test_a_socket_of_another_kind_is_reported() -> None:
    words = diverges(lambda: replay(created()).udp_socket(6))
    assert words == (
        "the guest makes a udp socket for IPv6, recorded is: socket 1: created, protocol tcp, family 4 (line 2)"
    )


@pytest.mark.parametrize(
    ("data", "remote", "words"),
    [
        (b"ab", OTHER, "the guest sends a datagram to 192.0.2.8:80, recorded to 192.0.2.7:4000 (line 3)"),
        (b"aX", PEER, "the guest sends a datagram with 0x58 at offset 1, recorded 0x62\n"),
        (b"abc", PEER, "the guest sends a datagram with 0x63 at offset 2, recorded the end\n"),
        (b"a", PEER, "the guest sends a datagram with the end at offset 1, recorded 0x62\n"),
    ],
)
def test_another_datagram_is_shown_beside_the_recorded_one(data: bytes, remote: Address, words: str) -> None:
    udp = replay(created(1, "udp"), events.DatagramSent(0, 0, 1, b"ab", PEER)).udp_socket(4)
    assert diverges(lambda: udp.send_to(data, remote)).startswith(f"socket 1: {words}")


def test_one_datagram_too_many_is_reported() -> None:
    udp = replay(created(1, "udp")).udp_socket(4)
    words = diverges(lambda: udp.send_to(b"abc", PEER))
    assert words == "socket 1: the guest sends a datagram to 192.0.2.7:4000, which was not recorded: 3 bytes"


async def test_a_name_that_was_not_looked_up_is_reported() -> None:
    with pytest.raises(DivergenceError, match="the guest looks up db, which was not recorded"):
        await replay().resolve("db")


def test_who_sends_less_hears_of_it_at_the_next_call() -> None:
    network = replay(*connected(), sent(b"hello"), events.ShutDown(0, 0, 1, "write"))
    client = connect(network)
    client.send(memoryview(b"he"))
    client.shutdown_write()
    client.close()
    assert diverges(network.finish) == (
        "socket 1 to 192.0.2.7:4000: the guest sends no more after 2 bytes, recorded is next: "
        "socket 1: sent, the last 3 of 5 bytes, b'llo' (line 5)"
    )


def test_a_socket_that_is_closed_early_is_reported() -> None:
    network = replay(*connected(), sent(b"hello"), CLOSED)
    connect(network).close()
    assert diverges(network.finish) == (
        "socket 1 to 192.0.2.7:4000 is closed, but recorded is next: socket 1: sent, 5 bytes, b'hello' (line 5)"
    )


@pytest.mark.parametrize(
    "left",
    [
        events.Created(0, 0, 2, "tcp", 4),
        events.Listening(0, 0, 1, 5, LOCAL),
        events.Accepted(0, 0, 1, 2, LOCAL, PEER),
        events.DatagramReceived(0, 0, 1, b"x", PEER),
        events.Resolved(0, 0, "db", (), None),
        CLOSED,
    ],
)
def test_a_guest_that_ends_early_is_told_what_comes_next(left: Event) -> None:
    network = replay(created(), left)
    network.tcp_socket(4)
    assert diverges(network.finish).startswith("the guest has ended, but recorded is next: ")


def test_bytes_that_were_read_ahead_for_the_guest_need_not_be_read_again() -> None:
    network = replay(*connected(), received(b"x"))
    connect(network)
    network.finish()


def test_a_guest_that_does_not_read_to_the_end_as_it_did_is_reported() -> None:
    network = replay(*connected(), received(b"x"), events.ReceivedEnd(0, 0, 1))
    connect(network)
    assert (
        diverges(network.finish)
        == "the guest has ended, but recorded is next: socket 1: received, 1 bytes, b'x' (line 5)"
    )


# ---- a guest that waits in vain


async def stalled(*steps: Event, send: bytes = b"") -> str:
    """What becomes of a connected guest that waits for more than its turn."""
    clock = VirtualClock()
    client, called = connect(replay(*connected(), *steps, clock=clock)), asyncio.Event()
    if send:
        with pytest.raises(BlockingIOError):
            client.send(memoryview(send))
    client.wait_readable(called.set)
    clock.advance(5 * S - 1)
    await asyncio.sleep(0)
    assert not called.is_set()
    clock.advance(1)
    await called.wait()
    return diverges(lambda: read(client))


async def test_who_waits_without_having_asked_is_told_what_comes_next() -> None:
    assert await stalled(sent(b"hello"), received(b"world")) == (
        "the guest waits, but recorded is next: socket 1: sent, 5 bytes, b'hello' (line 5)"
    )


async def test_who_waits_for_more_than_there_was_is_reported() -> None:
    assert await stalled() == "the guest waits for more than was recorded"


async def test_who_sends_more_than_it_did_and_waits_is_reported() -> None:
    assert await stalled(send=b"hello") == (
        "socket 1 to 192.0.2.7:4000: the guest sends 0x68 at offset 0, recorded the end"
    )


async def test_a_guest_may_take_the_time_that_it_took() -> None:
    clock = VirtualClock()
    late = events.Sent(60 * S, 0, 1, b"x")
    client, called = connect(replay(*connected(), late, received(b"y"), clock=clock)), asyncio.Event()
    client.wait_readable(called.set)
    clock.advance(64 * S)
    client.send(memoryview(b"x"))
    await called.wait()
    assert read(client) == b"y"


async def test_who_was_called_back_for_nothing_is_called_back_again_but_once() -> None:
    ready = events.Ready(0, 0, 1, "read")
    network, called = replay(*connected(), sent(b"x"), ready, CLOSED), asyncio.Event()
    client = connect(network)
    client.wait_readable(called.set)
    await asyncio.sleep(0)
    assert not called.is_set()
    client.send(memoryview(b"x"))
    await called.wait()
    called.clear()
    client.wait_readable(called.set)
    for _ in range(3):
        await asyncio.sleep(0)
    assert not called.is_set()
    client.close()
    network.finish()
