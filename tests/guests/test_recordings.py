"""Guests that are recorded, and then replayed with no network."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from tests.guests.harness import LOOPBACK, PREBUILT, FamilyName, Guest, fails, families, load, text
from tests.guests.peers import echo, giving, server, udp_echo
from tests.recordings import edited, replaced
from wasihost import DivergenceError, GuestExit, Host, Rules, allow_all
from wasihost._recording import Recording, events
from wasihost._recording.events import Event
from wasihost._recording.replay import ReplayNetwork

# What each fixture needs: an environment, and a peer for the time of the recording.
ALONE = """
    c-tcp-methods c-udp-methods rust-cancel rust-tcp-connections rust-tcp-options rust-tcp-states rust-tcp-streams
    rust-tcp-load rust-udp rust-udp-states rust-p2-udp rust-p2-net rust-p2-tokio c-p2-bsd c-p2-methods
""".split()
CLIENTS: dict[str, list[dict[str, object]]] = {
    "c-echo-client": [{}],
    "c-tcp-client": [{"MODE": "echo", "BYTES": 300_000}, {"MODE": "receive", "BYTES": 300_000}],
    "rust-tcp-client": [
        {"MODE": "echo", "BYTES": 300_000, "VERIFY": 1, "CONNECTIONS": 10},
        {"MODE": "receive", "BYTES": 300_000},
        {"MODE": "pingpong", "ROUNDS": 20, "CHUNK": 100},
        {"MODE": "connect", "CONNECTIONS": 5, "ROUNDS": 2},
    ],
}
SERVERS = ["rust-echo-server", "rust-udp-echo"]
BY_CASE = ["rust-p2-tcp"]  # see test_p2_sockets.py


def test_every_tcp_and_udp_fixture_is_replayed() -> None:
    names = {path.stem for path in PREBUILT.glob("*.wasm")}
    using_sockets = {name for name in names if re.search("tcp|udp|echo|p2-(net|tokio|bsd|methods)", name)}
    assert using_sockets <= {*ALONE, *CLIENTS, *SERVERS, *BY_CASE}


def timeless(printed: object) -> str:
    """What a guest printed, without how long it took."""
    return re.sub(r"\d+ (ns|p50|p99|fastest|slowest)", "", str(printed))


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From the call of this on, no socket can be made and no name looked up."""

    def refuse(*_: object) -> Any:
        raise AssertionError("a replay uses no network")

    def begin() -> None:
        monkeypatch.setattr(socket, "socket", refuse)
        monkeypatch.setattr(socket, "getaddrinfo", refuse)

    return begin


async def replayed(name: str, recording: Recording, **options: Any) -> str:
    return await Guest(name, network=ReplayNetwork(recording), **options).run_async()


# ---- every fixture


@families
@pytest.mark.usefixtures("both_networks")
@pytest.mark.parametrize("name", ALONE)
async def test_a_guest_that_talks_to_itself(name: str, family: FamilyName, no_network: Callable[[], None]) -> None:
    recording, env = Recording(), {"FAMILY": family}
    printed = await Guest(name, env=env, recording=recording).run_async()
    no_network()
    assert timeless(await replayed(name, recording, env=env)) == timeless(printed)


@pytest.mark.usefixtures("both_networks")
@pytest.mark.parametrize(("name", "env"), [(name, env) for name, envs in CLIENTS.items() for env in envs])
async def test_a_client(name: str, env: dict[str, object], no_network: Callable[[], None]) -> None:
    recording = Recording()
    async with server(giving(300_000) if env.get("MODE") == "receive" else echo) as peer:
        env = {"ADDRESS": peer.address, **env}
        printed = await Guest(name, env=env, recording=recording).run_async()
    no_network()
    assert timeless(await replayed(name, recording, env=env)) == timeless(printed)


@families
async def test_a_tcp_server(family: FamilyName, no_network: Callable[[], None]) -> None:
    recording, env = Recording(), {"ADDRESS": text(LOOPBACK[family], 0), "CONNECTIONS": 10}
    guest = Guest("rust-echo-server", env=env, recording=recording)
    async with guest.running():
        port = int((await guest.stdout.first_line()).rpartition(":")[2])

        async def exchange(number: int) -> bytes:
            reader, writer = await asyncio.open_connection(LOOPBACK[family], port)
            writer.write(b"client %d" % number * 10_000)
            writer.write_eof()
            answer = await reader.read()
            writer.close()
            await writer.wait_closed()
            return answer

        answers = await asyncio.gather(*map(exchange, range(10)))
    assert answers == [b"client %d" % number * 10_000 for number in range(10)]
    no_network()
    assert await replayed("rust-echo-server", recording, env=env) == str(guest.stdout)


@families
async def test_a_udp_server(family: FamilyName, no_network: Callable[[], None]) -> None:
    recording, env = Recording(), {"ADDRESS": text(LOOPBACK[family], 0), "MESSAGES": 3}
    guest = Guest("rust-udp-echo", env=env, recording=recording)
    async with guest.running():
        port = int((await guest.stdout.first_line()).rpartition(":")[2])
        with socket.socket(socket.AF_INET if family == "ipv4" else socket.AF_INET6, socket.SOCK_DGRAM) as client:
            client.setblocking(False)
            client.connect((LOOPBACK[family], port))
            for data in (b"", b"one", bytes(60_000)):
                client.send(data)
                assert await asyncio.get_running_loop().sock_recv(client, 65536) == data
    no_network()
    assert await replayed("rust-udp-echo", recording, env=env) == str(guest.stdout)


async def test_names_that_are_looked_up(no_network: Callable[[], None]) -> None:
    recording, env = Recording(), {"CASE": "print", "NAME": "db.test"}
    resolver = {"db.test": ["10.0.0.1", "::1"]}.get
    printed = await Guest("rust-resolve", env=env, resolver=resolver, recording=recording).run_async()
    assert "10.0.0.1" in printed
    no_network()
    assert await replayed("rust-resolve", recording, env=env) == printed


# ---- what a host adds


async def test_the_life_of_a_guest_is_in_its_recording() -> None:
    recording = Recording()
    guest = Guest("rust-udp", env={"CASE": "send-and-receive"}, args=["one"], seed=7, recording=recording)
    printed = await guest.run_async()
    first, *_, last = recording.events
    assert replaced(first, time_ns=0) == events.GuestStarted(0, 1, "rust-udp.wasm", ("one",), 7)
    assert replaced(last, time_ns=0) == events.GuestEnded(0, 1, 0, None)
    assert recording.seed == 7
    written = [event.data for event in recording.events if isinstance(event, events.Wrote)]
    assert b"".join(written).decode() == printed
    calls = [event.path for event in recording.events if isinstance(event, events.HostCall)]
    assert "wasi:sockets/types@0.3.0#[method]udp-socket.send" in calls
    assert "wasi:sockets/types@0.3.0#[method]udp-socket.receive" in calls


async def test_a_call_that_gives_an_error_code_is_told_with_it() -> None:
    recording = Recording()
    await Guest("rust-tcp-states", policy=Rules(), env={"CASE": "denied"}, recording=recording).run_async()
    errors = {event.error for event in recording.events if isinstance(event, events.HostCall)}
    assert "access-denied" in errors


async def test_a_guest_that_fails_is_told_with_its_exit_code() -> None:
    recording = Recording()
    host = Host(stderr=lambda _: None, recording=recording)
    await fails(host.run_async(load("rust-echo-server")), GuestExit)
    last = recording.events[-1]
    assert replaced(last, time_ns=0) == events.GuestEnded(0, 1, 1, None)


async def test_the_output_of_wasi_0_2_is_in_the_recording_too() -> None:
    recording = Recording()
    host = Host(env={"CASE": "copy"}, stdin=b"hello", stdout=lambda _: None, stderr=lambda _: None, recording=recording)
    await host.run_async(load("rust-std-p2"))
    written = [(event.stream, event.data) for event in recording.events if isinstance(event, events.Wrote)]
    assert b"".join(data for stream, data in written if stream == "stdout") == b"hello"


async def test_several_guests_can_be_replayed_from_one_recording() -> None:
    recording = Recording()
    cases = ["sizes", "boundaries"]
    for case in cases:
        await Guest("rust-udp", env={"CASE": case}, recording=recording).run_async()
    for number, case in reversed([*enumerate(cases, 1)]):
        network = ReplayNetwork(recording, guest=number)
        assert await Guest("rust-udp", env={"CASE": case}, network=network).run_async() == f"ok {case}\n"


# ---- divergence


@contextlib.asynccontextmanager
async def echoing() -> AsyncIterator[tuple[Recording, dict[str, object]]]:
    """The recording of a client that sends 1,000 bytes, and gets them back."""
    recording = Recording()
    async with server(echo) as peer:
        env: dict[str, object] = {"ADDRESS": peer.address, "MODE": "echo", "BYTES": 1000, "VERIFY": 1}
        await Guest("rust-tcp-client", env=env, recording=recording).run_async()
    yield recording, env


async def divergence(edit: Callable[[Event], Sequence[Event]], **env: object) -> str:
    """What is said when the client of `echoing` meets a recording, or an environment, that was changed."""
    async with echoing() as (recording, before):
        network = ReplayNetwork(edited(recording, edit), patience_s=0.05)
        settings = {name: str(value) for name, value in (before | env).items()}
        host = Host(policy=allow_all, network=network, env=settings, stdout=lambda _: None, stderr=lambda _: None)
        return str(await fails(host.run_async(load("rust-tcp-client")), DivergenceError))


def same(event: Event) -> Sequence[Event]:
    return [event]


def changing(kind: type[Event], **fields: Any) -> Callable[[Event], Sequence[Event]]:
    """Changes the events of a kind, with functions of what was there."""

    def edit(event: Event) -> Sequence[Event]:
        new = {name: change(getattr(event, name)) for name, change in fields.items()} if type(event) is kind else {}
        return [replaced(event, **new)]

    return edit


def leaving_out(*kinds: type[Event]) -> Callable[[Event], Sequence[Event]]:
    return lambda event: [] if type(event) in kinds else [event]


async def test_a_changed_byte_is_told_with_its_offset() -> None:
    words = await divergence(changing(events.Sent, data=lambda data: data[:500] + b"?" + data[501:]))
    assert re.match(r"socket 1 to 127\.0\.0\.1:\d+: the guest sends 0x\w\w at offset 500, recorded 0x3f\n", words)


async def test_a_changed_address_is_reported() -> None:
    words = await divergence(same, ADDRESS="127.0.0.1:1")
    assert re.match(r"socket 1: connect 127\.0\.0\.1:1, recorded connect 127\.0\.0\.1:\d+ \(line \d+\)", words)


async def test_a_guest_that_sends_less_is_reported() -> None:
    words = await divergence(same, BYTES=400)
    assert "the guest sends no more after 400 bytes, recorded is next: socket 1: sent, the last 600 of 1,000" in words


async def test_a_guest_that_sends_more_is_reported() -> None:
    words = await divergence(same, BYTES=1400)
    assert re.search(r"the guest sends 0x\w\w at offset 1,000, recorded the end", words)


async def test_a_socket_too_many_is_reported() -> None:
    words = await divergence(same, CONNECTIONS=2)
    assert words == "the guest makes a tcp socket for IPv4, but no more sockets were recorded"


async def test_a_guest_that_ends_early_is_told_what_was_next() -> None:
    another = events.Created(0, 1, 2, "tcp", 4)
    words = await divergence(lambda event: [event, another] if type(event) is events.Closed else [event])
    assert words.startswith("the guest has ended, but recorded is next: socket 2: created, protocol tcp, family 4")


async def test_a_guest_that_is_not_answered_is_told_and_does_not_hang() -> None:
    words = await divergence(leaving_out(events.Received, events.ReceivedEnd))
    assert re.fullmatch(r"the guest waits, but recorded is next: socket 1: closed \(line \d+\)", words)


async def test_a_connection_without_an_outcome_does_not_hang() -> None:
    words = await divergence(leaving_out(events.Connected))
    assert words.startswith("the guest waits, but recorded is next: socket 1: sent, 1,000 bytes")


async def test_a_datagram_that_was_another_is_reported() -> None:
    recording = Recording()
    async with udp_echo():
        await Guest("rust-udp", env={"CASE": "send-connected"}, recording=recording).run_async()
    network = ReplayNetwork(edited(recording, changing(events.DatagramSent, data=lambda data: data[:-1] + b"?")))
    host = Host(policy=allow_all, network=network, env={"CASE": "send-connected"}, stdout=lambda _: None)
    words = str(await fails(host.run_async(load("rust-udp")), DivergenceError))
    assert re.match(r"socket 3 to \S+: the guest sends a datagram with 0x73 at offset 14, recorded 0x3f\n", words)


async def test_a_lookup_of_another_name_is_reported() -> None:
    recording, resolver = Recording(), {"db.test": ["10.0.0.1"]}.get
    env = {"CASE": "print", "NAME": "db.test"}
    await Guest("rust-resolve", env=env, resolver=resolver, recording=recording).run_async()
    host = Host(policy=allow_all, network=ReplayNetwork(recording), env=env | {"NAME": "bd.test"})
    words = str(await fails(host.run_async(load("rust-resolve")), DivergenceError))
    assert words == "the guest looks up bd.test, which was not recorded"
