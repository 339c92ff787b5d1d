"""What guests get of each fault, on the network of the operating system; time is moved by the test."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

import pytest

from tests.guests.harness import Guest, advance_until, fails, load, passes, until
from tests.guests.peers import asked, discard, echo, giving, patient_echo, server, udp_echo
from wasihost import GuestExit, OsNetwork, VirtualClock
from wasihost._network.faults import Fault, FaultPlan, FaultyNetwork, RandomFaults
from wasihost._network.faults.fault import FILE_CALLS
from wasihost.files import FaultyFiles, MemoryFiles

S = 1_000_000_000


class Run:
    """A guest on a network with faults, under a clock that only the test moves."""

    def __init__(self, name: str, *faults: Fault, plan: FaultPlan | RandomFaults | None = None, **env: object) -> None:
        self.clock = VirtualClock()
        self.network = FaultyNetwork(OsNetwork(), plan or FaultPlan(*faults), self.clock)
        self.guest = Guest(name, env=env, network=self.network, clock=self.clock)

    async def ends_well(self) -> str:
        """What it prints; time passes when nothing else happens."""
        running = asyncio.ensure_future(self.guest.run_async())
        await advance_until(self.clock, running)
        return await running

    async def complains(self) -> str:
        """What it complains about in the end."""
        running = asyncio.ensure_future(fails(self.guest.host.run_async(load(self.guest.name)), GuestExit))
        await advance_until(self.clock, running)
        await running
        return str(self.guest.stderr)

    async def port(self) -> int:
        return int((await self.guest.stdout.first_line()).rpartition(":")[2])


# ---- connections of the guest


@pytest.mark.parametrize(
    ("fault", "error_code"),
    [
        (Fault("socket", "ENOBUFS"), "out-of-memory"),
        (Fault("socket", "EMFILE"), "Too many open files"),
        (Fault("connect", "ECONNREFUSED"), "connection-refused"),
        (Fault("connect", "ENETDOWN"), "remote-unreachable"),
        (Fault("connect", "EINTR"), "Interrupted system call"),
        (Fault("send", "ENOBUFS", after_bytes=1000), "out-of-memory"),
        (Fault("receive", "ENETDOWN", after_bytes=1000), "remote-unreachable"),
        (Fault("connect", "EADDRINUSE"), "address-in-use"),
        (Fault("connect", "EHOSTUNREACH"), "remote-unreachable"),
        (Fault("connect", "ETIMEDOUT"), "timeout"),
        (Fault("receive", "ECONNRESET", after_bytes=1000), "connection-reset"),
        (Fault("send", "ECONNRESET", after_bytes=1000), "connection-reset"),
        (Fault("send", "EPIPE", after_bytes=0), "connection-broken"),
    ],
)
async def test_a_fault_is_an_error_code(fault: Fault, error_code: str) -> None:
    async with server(patient_echo) as peer:
        run = Run("rust-tcp-client", fault, ADDRESS=peer.address)
        assert error_code in await run.complains()
    assert not run.network.unused


async def test_the_third_connect_is_refused() -> None:
    async with server(discard) as peer:
        run = Run(
            "rust-tcp-client",
            Fault("connect", "ECONNREFUSED", nth=3),
            ADDRESS=peer.address,
            MODE="connect",
            ROUNDS=5,
        )
        assert "connection-refused" in await run.complains()
        assert peer.connections == 2


async def test_exactly_as_many_bytes_arrive_as_come_before_the_reset() -> None:
    async with server(discard) as peer:
        run = Run("rust-tcp-client", Fault("send", "ECONNRESET", after_bytes=1000), ADDRESS=peer.address, MODE="send")
        assert "connection-reset" in await run.complains()
    assert list(run.network.injected) == [Fault("send", "ECONNRESET", socket=1, after_bytes=1000)]


@pytest.mark.parametrize("size", [1, 3, 1000])
async def test_short_reads_and_writes_are_seen_by_nobody(size: int) -> None:
    faults = [Fault("receive", "short", bytes=size), Fault("send", "short", bytes=size)]
    async with server(echo) as peer:
        printed = await Run("rust-tcp-client", *faults, ADDRESS=peer.address, BYTES=3000, VERIFY=1).ends_well()
    assert printed.startswith("echo: 1 connections, 6000 bytes")


async def test_stalls_only_take_time() -> None:
    faults = [
        Fault("connect", "stall", seconds=1),
        Fault("send", "stall", seconds=10, after_bytes=1000),
        Fault("receive", "stall", seconds=100, after_bytes=2000),
    ]
    async with server(echo) as peer:
        run = Run("rust-tcp-client", *faults, ADDRESS=peer.address, BYTES=3000, VERIFY=1)
        await run.ends_well()
    assert not run.network.unused
    assert 101 * S <= run.clock.monotonic_ns() <= 111 * S


async def test_a_reset_while_stalled_and_waiting_is_a_reset() -> None:
    faults = [Fault("receive", "stall", seconds=5, after_bytes=10), Fault("receive", "ECONNRESET", after_bytes=10)]
    async with server(giving(20)) as peer:
        run = Run("rust-tcp-client", *faults, ADDRESS=peer.address, MODE="receive")
        assert "connection-reset" in await run.complains()
    assert run.clock.monotonic_ns() == 5 * S


# ---- a guest that listens


@pytest.mark.parametrize(
    ("fault", "error_code"),
    [
        (Fault("bind", "EADDRINUSE"), "address-in-use"),
        (Fault("bind", "EACCES", address="127.0.0.1"), "access-denied"),
        (Fault("listen", "EADDRINUSE"), "address-in-use"),
    ],
)
async def test_a_listener_that_cannot_be_made_is_reported(fault: Fault, error_code: str) -> None:
    assert error_code in await Run("rust-echo-server", fault).complains()


async def test_a_connection_that_comes_late_is_served() -> None:
    run = Run("rust-echo-server", Fault("accept", "stall", seconds=5), CONNECTIONS=2)
    async with run.guest.running():
        port = await run.port()
        for _ in range(2):
            asking = asyncio.ensure_future(asked(port))
            await until(lambda: run.clock.next_ns is not None)
            assert not asking.done()
            run.clock.advance(5 * S)
            assert await asking == b"hello"


async def test_a_connection_that_fails_before_it_is_accepted_is_told_and_the_next_is_served() -> None:
    run = Run("rust-echo-server", Fault("accept", "ECONNABORTED", nth=1), CONNECTIONS=2)
    async with run.guest.running():
        port = await run.port()
        assert await asked(port) is None
        assert await asked(port) == b"hello"
    assert "connection-aborted" in str(run.guest.stderr)


async def test_a_dropped_listener_ends_the_stream_of_connections() -> None:
    run = Run("rust-echo-server", Fault("accept", "drop", nth=2))
    async with run.guest.running() as ending:
        port = await run.port()
        assert await asked(port) == b"hello"
        assert await asked(port) is None
        await ending
        assert await asked(port) is None


# ---- datagrams


async def test_datagrams_are_lost_doubled_and_swapped() -> None:
    faults = [
        Fault("udp-receive", "drop", nth=1),
        Fault("udp-send", "duplicate", nth=1),
        Fault("udp-receive", "swap", nth=3),
    ]
    run = Run("rust-udp-echo", *faults, MESSAGES=3)
    async with run.guest.running():
        port = await run.port()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.setblocking(False)
            peer.connect(("127.0.0.1", port))
            for number in range(1, 5):
                peer.send(b"%d" % number)
            answers = [await asyncio.get_running_loop().sock_recv(peer, 10) for _ in range(4)]
    assert answers == [b"2", b"2", b"4", b"3"]


async def test_a_datagram_that_cannot_be_sent_or_received_is_an_error_code() -> None:
    run = Run("rust-udp-echo", Fault("udp-send", "ENETUNREACH"), Fault("udp-receive", "ECONNREFUSED", nth=2))
    running = asyncio.ensure_future(run.complains())
    port = await run.port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.sendto(b"1", ("127.0.0.1", port))
        peer.sendto(b"2", ("127.0.0.1", port))
        complaints = await running
    assert "remote-unreachable" in complaints
    assert "connection-refused" in complaints


# ---- names


@pytest.mark.parametrize(
    ("do", "error_code"),
    [
        ("EAI_NONAME", "name-unresolvable"),
        ("EAI_AGAIN", "temporary-resolver-failure"),
        ("EAI_FAIL", "permanent-resolver-failure"),
    ],
)
async def test_a_name_that_cannot_be_looked_up_is_an_error_code(do: str, error_code: str) -> None:
    run = Run("rust-resolve", Fault("resolve", do, address="Localhost"), CASE="print", NAME="localhost")
    printed = await _whatever(run)
    assert error_code in printed


async def _whatever(run: Run) -> str:
    with contextlib.suppress(GuestExit):
        await run.guest.host.run_async(load(run.guest.name))
    return f"{run.guest.stdout}{run.guest.stderr}"


# ---- everything at once


@pytest.mark.parametrize("seed", range(20))
async def test_a_run_with_random_faults_ends_and_its_plan_repeats_it(seed: int) -> None:
    plan = RandomFaults(seed, rate=0.2, on=["socket", "connect", "receive", "send"])

    async def outcome(plan: FaultPlan | RandomFaults) -> tuple[str, FaultPlan]:
        async with server(patient_echo) as peer:
            run = Run("rust-tcp-client", plan=plan, ADDRESS=peer.address, BYTES=3000, VERIFY=1, ROUNDS=3)
            running = asyncio.ensure_future(_whatever(run))
            await advance_until(run.clock, running)
            printed = await running
            assert run.clock.next_ns is None
        return printed.partition(" ns")[0].rpartition(",")[0] or printed, run.network.injected

    printed, injected = await outcome(plan)
    assert await outcome(plan) == (printed, injected)
    assert await outcome(injected) == (printed, injected)


async def test_a_run_that_fails_tells_the_seed_and_the_plan() -> None:
    async with server(echo) as peer:
        run = Run(
            "rust-tcp-client", plan=RandomFaults(7, rate=1, on=["connect"], do=["ECONNREFUSED"]), ADDRESS=peer.address
        )
        with pytest.raises(GuestExit) as caught, run.network:
            await run.guest.host.run_async(load("rust-tcp-client"))
    (note,) = caught.value.__notes__
    assert note.startswith("seed 7: 1 fault was injected, and this plan repeats it:\nFaultPlan(\n    Fault('connect'")


async def test_udp_under_random_faults_corrupts_nothing() -> None:
    async with udp_echo():
        run = Run("rust-udp-echo", plan=RandomFaults(3, rate=0.3, do=["drop", "duplicate", "swap"]), MESSAGES=50)
        sent: set[bytes] = set()
        async with run.guest.running() as ending:
            port = await run.port()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
                peer.setblocking(False)
                peer.connect(("127.0.0.1", port))
                while not ending.done():
                    sent.add(b"%d" % len(sent))
                    peer.send(b"%d" % (len(sent) - 1))
                    await passes(10)
                received = []
                with contextlib.suppress(OSError):
                    while True:
                        received.append(peer.recv(100))
    assert set(received) <= sent
    assert len(received) > 20


async def test_output_that_breaks_off_after_the_guest_has_ended_is_not_waited_for() -> None:
    stall, reset = (
        Fault("send", "stall", after_bytes=1000, socket=1, seconds=1),
        Fault("send", "ECONNRESET", after_bytes=2000, socket=1),
    )
    async with server(discard) as peer:
        no_fourth = Fault("socket", "ENOBUFS", nth=1, socket=4)
        env: dict[str, Any] = {"ADDRESS": peer.address, "CONNECTIONS": 4, "BYTES": 100_000}
        assert "out-of-memory" in await Run("rust-tcp-client", stall, reset, no_fourth, **env).complains()


# ---- files


async def test_a_fault_of_files_is_an_error_code() -> None:
    files = FaultyFiles(MemoryFiles(), FaultPlan(Fault("file-write", "ENOSPC", after_bytes=5)))
    guest = Guest("rust-files", env={"CASE": "write"}, files={"/data": files})
    await fails(guest.host.run_async(load("rust-files")), GuestExit)
    assert str(guest.stderr).endswith("unexpected error-code: insufficient-space\n")


@pytest.mark.parametrize("name", ["rust-files", "rust-p2-files"])
async def test_a_guest_waits_for_slow_files(name: str) -> None:
    clock = VirtualClock()
    files = FaultyFiles(MemoryFiles(), FaultPlan(*(Fault(call, "stall", seconds=60) for call in FILE_CALLS)), clock)
    guest = Guest(name, env={"CASE": "read"}, files={"/data": files}, clock=clock)
    running = asyncio.ensure_future(guest.run_async())
    await advance_until(clock, running)
    assert await running == "ok read\n"
    assert {fault.on for fault in files.injected} >= {"file-open", "file-read", "file-write"}
