"""`RecordingNetwork` on a scripted network, and what a `Recording` is."""

from __future__ import annotations

import asyncio
import errno
import socket
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from tests.recordings import kinds
from tests.unit.wasi.sockets.fake_network import PEER, FakeNetwork, FakeSocket
from wasihost import SocketAddressUse, VirtualClock
from wasihost._network.base import Address, DatagramSocket, Option, Socket
from wasihost._policy import Decision
from wasihost._recording import Recorder, Recording, RecordingNetwork, events
from wasihost._recording.network import RecordingSocket

HOST = IPv4Address("192.0.2.1")
REFUSED = OSError(errno.ECONNREFUSED, "refused")


class Recorded:
    """A network that is recorded, on a clock that stands still."""

    def __init__(self) -> None:
        self.clock, self.inner = VirtualClock(system_ns=9), FakeNetwork()
        self.network = RecordingNetwork(self.inner, clock=self.clock)
        self.recording = self.network.recording

    def tcp(self) -> tuple[Socket, FakeSocket]:
        return self.network.tcp_socket(4), self.inner.made[-1]

    def udp(self) -> DatagramSocket:
        return self.network.udp_socket(4)

    @property
    def last(self) -> events.Event:
        return self.recording.events[-1]


@pytest.fixture
def recorded() -> Recorded:
    return Recorded()


# ---- TCP


def test_a_client_connects_sends_receives_and_closes(recorded: Recorded) -> None:
    client, fake = recorded.tcp()
    fake.local = Address(HOST, 50000)
    client.connect(PEER)
    client.finish_connect()
    fake.incoming += [b"world", b""]
    assert client.send(memoryview(b"hello")) == 5
    room = memoryview(bytearray(10))
    assert client.recv_into(room) == 5
    assert client.recv_into(room) == 0
    client.shutdown_write()
    client.close()
    assert recorded.recording.events == [
        events.Created(0, 0, 1, "tcp", 4),
        events.Connecting(0, 0, 1, fake.local, PEER),
        events.Connected(0, 0, 1, fake.local, PEER),
        events.Sent(0, 0, 1, b"hello"),
        events.Received(0, 0, 1, b"world"),
        events.ReceivedEnd(0, 0, 1),
        events.ShutDown(0, 0, 1, "write"),
        events.Closed(0, 0, 1),
    ]


def test_a_server_names_the_connections_it_accepts_by_number(recorded: Recorded) -> None:
    server, fake = recorded.tcp()
    server.bind(Address(HOST, 0))
    server.listen(5)
    fake.backlogged.append(FakeSocket())
    accepted, peer = server.accept()
    accepted.abort()
    assert peer == PEER
    assert recorded.recording.events[1:] == [
        events.Bound(0, 0, 1, Address(HOST, 0), Address(HOST, 50000)),
        events.Listening(0, 0, 1, 5, Address(HOST, 50000)),
        events.Accepted(0, 0, 1, 2, Address(IPv4Address(0), 0), PEER),
        events.Aborted(0, 0, 2),
    ]


def test_only_what_the_network_took_was_sent(recorded: Recorded) -> None:
    client, fake = recorded.tcp()
    fake.room = 2
    assert client.send(memoryview(b"hello")) == 2
    assert recorded.last == events.Sent(0, 0, 1, b"he")


def test_bytes_without_a_buffer_are_told_too(recorded: Recorded) -> None:
    made, fake = recorded.tcp()
    assert isinstance(made, RecordingSocket)
    fake.incoming += [b"hello"]
    assert made.recv(10) == b"hello"
    assert recorded.last == events.Received(0, 0, 1, b"hello")


def test_what_is_only_tried_is_no_event(recorded: Recorded) -> None:
    client, fake = recorded.tcp()
    for call in ("finish_connect", "send"):
        fake.fails[call] = [BlockingIOError(errno.EAGAIN, "later")]
    with pytest.raises(BlockingIOError):
        client.finish_connect()
    with pytest.raises(BlockingIOError):
        client.send(memoryview(b"x"))
    with pytest.raises(BlockingIOError):
        client.recv_into(memoryview(bytearray(1)))
    with pytest.raises(BlockingIOError):
        client.accept()
    assert kinds(recorded.recording) == ["created"]


def test_who_waited_is_called_back_and_that_is_reported(recorded: Recorded) -> None:
    client, fake = recorded.tcp()
    called: list[str] = []
    client.wait_readable(lambda: called.append("read"))
    client.wait_writable(lambda: called.append("write"))
    assert fake.readable is not None
    assert fake.writable is not None
    fake.writable()
    fake.readable()
    assert called == ["write", "read"]
    assert recorded.recording.events[1:] == [events.Ready(0, 0, 1, "write"), events.Ready(0, 0, 1, "read")]


def test_the_end_and_the_connection_and_the_close_are_told_once(recorded: Recorded) -> None:
    client, fake = recorded.tcp()
    fake.incoming += [b"", b""]
    client.connect(PEER)
    for _ in range(2):
        client.finish_connect()
        client.recv_into(memoryview(bytearray(1)))
    for _ in range(2):
        client.close()
    client.abort()
    assert kinds(recorded.recording) == ["created", "connecting", "connected", "received-end", "closed"]


@pytest.mark.parametrize(
    "call", ["bind", "connect", "finish_connect", "listen", "accept", "recv_into", "send", "shutdown_write"]
)
def test_a_failure_is_told_with_its_call_and_raised(recorded: Recorded, call: str) -> None:
    client, fake = recorded.tcp()
    fake.fails[call] = [REFUSED]
    view = memoryview(bytearray(1))
    arguments: dict[str, list[object]] = {"bind": [PEER], "connect": [PEER], "listen": [1]}
    arguments |= {"recv_into": [view], "send": [view]}
    with pytest.raises(ConnectionRefusedError):
        getattr(client, call)(*arguments.get(call, []))
    remote = PEER if call in ("bind", "connect") else None
    assert recorded.last == events.Failed(0, 0, 1, call, "ECONNREFUSED: refused", remote)


def test_a_refused_connection_is_told_with_its_peer(recorded: Recorded) -> None:
    client, fake = recorded.tcp()
    client.connect(PEER)
    fake.fails["finish_connect"] = [REFUSED]
    with pytest.raises(ConnectionRefusedError):
        client.finish_connect()
    assert recorded.last == events.Failed(0, 0, 1, "finish_connect", "ECONNREFUSED: refused", PEER)


def test_a_socket_that_cannot_be_made_has_a_number_too(recorded: Recorded) -> None:
    recorded.inner.error = OSError(errno.EMFILE, "too many")
    with pytest.raises(OSError, match="too many"):
        recorded.tcp()
    recorded.inner.error = None
    recorded.tcp()
    assert [(event.kind, getattr(event, "socket", 0)) for event in recorded.recording.events] == [
        ("failed", 1),
        ("created", 2),
    ]


def test_options_and_addresses_are_told_as_the_guest_hears_them(recorded: Recorded) -> None:
    client, fake = recorded.tcp()
    client.set_option(Option.HOP_LIMIT, 7)
    fake.options[Option.HOP_LIMIT] = 8
    client.get_option(Option.HOP_LIMIT)
    client.remote_address()
    assert recorded.recording.events[1:] == [
        events.OptionSet(0, 0, 1, Option.HOP_LIMIT, 7),
        events.OptionRead(0, 0, 1, Option.HOP_LIMIT, 8),
        events.AddressRead(0, 0, 1, "remote", PEER),
    ]


# ---- UDP


def test_a_datagram_without_an_address_goes_to_the_peer(recorded: Recorded) -> None:
    udp, other = recorded.udp(), Address(HOST, 7)
    udp.bind(Address(HOST, 0))
    udp.send_to(b"1", other)
    udp.connect(PEER)
    udp.send_to(b"2", None)
    recorded.inner.made_udp[-1].arrive((b"3", PEER))
    udp.recv_from()
    udp.disconnect()
    udp.close()
    local = Address(HOST, 50000)
    assert recorded.recording.events[2:] == [
        events.DatagramSent(0, 0, 1, b"1", other),
        events.Connected(0, 0, 1, local, PEER),
        events.DatagramSent(0, 0, 1, b"2", PEER),
        events.DatagramReceived(0, 0, 1, b"3", PEER),
        events.Disconnected(0, 0, 1, local),
        events.Closed(0, 0, 1),
    ]


# ---- names


async def test_a_lookup_is_told_with_its_answer_or_its_error(recorded: Recorded) -> None:
    recorded.inner.names = {"db": [HOST], "no": socket.gaierror(socket.EAI_NONAME, "unknown")}
    await recorded.network.resolve("db")
    with pytest.raises(socket.gaierror):
        await recorded.network.resolve("no")
    assert recorded.recording.events == [
        events.Resolved(0, 0, "db", (HOST,), None),
        events.Resolved(0, 0, "no", (), "EAI_NONAME"),
    ]


async def test_a_lookup_that_is_given_up_is_reported() -> None:
    class Slow(FakeNetwork):
        async def resolve(self, name: str) -> list[IPv4Address | object]:  # type: ignore[override]
            return [await asyncio.get_running_loop().create_future()]

    network = RecordingNetwork(Slow())
    task = asyncio.create_task(network.resolve("db"))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    (event,) = network.recording.events
    assert isinstance(event, events.Resolved)
    assert event.error == "ECANCELED"


# ---- recordings


def test_times_are_those_of_the_clock_since_the_beginning() -> None:
    clock = VirtualClock(monotonic_ns=1000, system_ns=77)
    clock.advance(500)
    network = RecordingNetwork(FakeNetwork(), clock=clock)
    network.tcp_socket(4)
    clock.advance(30)
    network.tcp_socket(4)
    assert [event.time_ns for event in network.recording.events] == [0, 30]
    assert network.recording.header.system_ns == 577


def test_several_networks_number_their_sockets_together() -> None:
    recording = Recording()
    for guest in (1, 2):
        RecordingNetwork(FakeNetwork(), recording, guest=guest).udp_socket(6)
    found = [(event.guest, event.socket) for event in recording.events if isinstance(event, events.Created)]
    assert found == [(1, 1), (2, 2)]


def test_the_events_of_a_guest_have_their_places_and_are_found_again_when_there_are_more() -> None:
    recording = Recording()
    one, other = Recorder(recording, 1), Recorder(recording, 2)
    one.wrote("stdout", b"first")
    assert (recording.of_guest(1), recording.of_guest(2)) == ([(0, recording.events[0])], [])
    other.wrote("stdout", b"second")
    one.wrote("stdout", b"third")
    assert [place for place, _ in recording.of_guest(1)] == [0, 2]
    assert recording.of_guest(2) == [(1, recording.events[1])]
    assert recording.of_guest(None) == list(enumerate(recording.events))


def test_who_subscribes_hears_every_event_until_it_has_heard_enough(recorded: Recorded) -> None:
    heard: list[events.Event] = []
    recorded.tcp()
    end = recorded.recording.subscribe(heard.append)
    client, _ = recorded.tcp()
    end()
    client.close()
    assert heard == recorded.recording.events[1:2]


def test_a_recording_to_a_file_keeps_nothing_and_writes_the_same(tmp_path: Path) -> None:
    clock = VirtualClock()
    kept = RecordingNetwork(FakeNetwork(), clock=clock)
    with Recording(to=tmp_path / "streamed.jsonl") as streamed:
        for network in (kept, RecordingNetwork(FakeNetwork(), streamed, clock)):
            network.tcp_socket(4).send(memoryview(b"hello"))
        assert streamed.events == []
    kept.recording.save(tmp_path / "saved.jsonl")
    assert (tmp_path / "streamed.jsonl").read_bytes() == (tmp_path / "saved.jsonl").read_bytes()


def test_a_recording_in_which_nothing_happened_can_be_loaded(tmp_path: Path) -> None:
    Recording(to=tmp_path / "run.jsonl").close()
    assert Recording.load(tmp_path / "run.jsonl").events == []


def test_an_answer_of_the_policy_is_noted(recorded: Recorded) -> None:
    Recorder(recorded.recording, 3).decided(
        Decision(use=SocketAddressUse.TCP_CONNECT, address=PEER, names=("db",), allowed=False, guest="guest.wasm")
    )
    assert recorded.last == events.Decided(0, 3, "tcp-connect", PEER, ("db",), False, None)
