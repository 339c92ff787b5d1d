"""What guests get at each limit, on the network of the operating system; time is moved by the test."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any

import pytest

from tests.guests.harness import Guest, advance_until, fails, load, passes, until
from tests.guests.peers import asked, discard, echo, giving, patient_echo, server, udp_echo
from wasihost import GuestExit, Host, OsNetwork, VirtualClock, allow_all
from wasihost._network.quotas import QuotaNetwork, Quotas
from wasihost.files import MemoryFiles

S = 1_000_000_000


async def complaint(address: str, mode: str = "echo", size: int = 65536, **limits: Any) -> str:
    """What `rust-tcp-client` complains about under these limits."""
    guest = Guest("rust-tcp-client", env={"ADDRESS": address, "MODE": mode, "BYTES": size}, quotas=Quotas(**limits))
    await fails(guest.host.run_async(load("rust-tcp-client")), GuestExit)
    return str(guest.stderr)


async def client(address: str, clock: VirtualClock | None = None, quotas: Quotas | None = None, **env: object) -> str:
    """What `rust-tcp-client` prints."""
    options: dict[str, Any] = {"quotas": quotas} | ({} if clock is None else {"clock": clock})
    return await Guest("rust-tcp-client", env={"ADDRESS": address, **env}, **options).run_async()


@pytest.mark.parametrize(
    ("limits", "mode", "error_code"),
    [
        ({"sockets": 0}, "echo", "out-of-memory"),
        ({"connections": 0}, "echo", "connection-refused"),
        ({"bytes_in": 1000}, "echo", "connection-reset"),
        ({"connection_bytes_in": 1000}, "receive", "connection-reset"),
        ({"bytes_out": 1000}, "send", "connection-reset"),
        ({"connection_bytes_out": 1000}, "echo", "connection-reset"),
    ],
)
async def test_a_limit_is_an_error_code(limits: dict[str, int], mode: str, error_code: str) -> None:
    serve = {"send": patient_echo, "receive": giving(1001), "echo": patient_echo}[mode]
    async with server(serve) as peer:
        assert error_code in await complaint(peer.address, mode, **limits)


async def test_a_guest_that_stays_below_its_limits_sees_none_of_them() -> None:
    quotas = Quotas(
        sockets=2, connections=2, bytes_in=20_000, bytes_out=20_000, connect_timeout_s=60, idle_timeout_s=60
    )
    async with server(echo) as peer:
        printed = await client(peer.address, quotas=quotas, CONNECTIONS=2, BYTES=10_000, VERIFY=1)
    assert printed.startswith("echo: 2 connections, 40000 bytes")


async def test_every_guest_of_a_host_has_its_own_quotas() -> None:
    async with server(echo) as peer:
        guest = Guest("rust-tcp-client", env={"ADDRESS": peer.address, "BYTES": 10}, quotas=Quotas(bytes_out=10))
        for _ in range(2):
            await guest.run_async()


async def test_hosts_can_share_quotas() -> None:
    network = QuotaNetwork(OsNetwork(), Quotas(bytes_out=15))
    async with server(echo) as peer:
        env = {"ADDRESS": peer.address, "BYTES": 10}
        await Guest("rust-tcp-client", env=env, network=network).run_async()
        second = Guest("rust-tcp-client", env=env, network=network)
        await fails(second.host.run_async(load("rust-tcp-client")), GuestExit)
    assert "connection-reset" in str(second.stderr)
    assert network.reached == {"bytes_out": 1}


async def test_too_many_connections_in_a_second_are_refused(caplog: pytest.LogCaptureFixture) -> None:
    async with server(discard) as peer:
        guest = Guest(
            "rust-tcp-client",
            env={"ADDRESS": peer.address, "MODE": "connect", "ROUNDS": 4},
            quotas=Quotas(connections_per_second=3),
            clock=VirtualClock(),
        )
        await fails(guest.host.run_async(load("rust-tcp-client")), GuestExit)
        await until(lambda: peer.connections == 3)
    assert "connection-refused" in str(guest.stderr)
    assert [(record.levelno, record.__dict__["limit"]) for record in caplog.records] == [
        (logging.WARNING, "connections_per_second")
    ]


async def test_a_server_at_its_limit_resets_strangers_and_serves_the_next() -> None:
    guest = Guest("rust-echo-server", env={"CONNECTIONS": 2}, quotas=Quotas(connections=1))
    async with guest.running():
        port = int((await guest.stdout.first_line()).rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"one")
        assert await reader.readexactly(3) == b"one"
        assert await asked(port) is None
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()
        while (answered := await asked(port)) is None:  # the guest may not have dropped the first connection yet
            await passes()
        assert answered == b"hello"


async def test_bandwidth_is_kept_to_and_every_byte_arrives() -> None:
    clock = VirtualClock()
    quotas = Quotas(bytes_per_second_in=10_000, bytes_per_second_out=20_000)
    async with server(echo) as peer, asyncio.TaskGroup() as group:
        running = group.create_task(client(peer.address, clock, quotas, BYTES=50_000, VERIFY=1))
        await advance_until(clock, running)
    assert running.result().startswith("echo: 1 connections, 100000 bytes")
    # the first second's worth goes at once
    assert 4 * S <= clock.monotonic_ns() <= 6 * S


async def test_a_connection_that_is_idle_is_a_timeout_and_the_peer_sees_a_reset() -> None:
    clock = VirtualClock()
    guest = Guest("rust-echo-server", env={"CONNECTIONS": 1}, quotas=Quotas(idle_timeout_s=60), clock=clock)
    async with guest.running():
        port = int((await guest.stdout.first_line()).rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(3):
            writer.write(b"alive")
            assert await reader.readexactly(5) == b"alive"
            clock.advance(59 * S)
        clock.advance(60 * S)
        with pytest.raises(ConnectionError):
            await reader.readexactly(1)
        writer.close()
    assert "timeout" in str(guest.stderr)
    assert clock.next_ns is None


async def test_a_connect_that_takes_too_long_is_a_timeout() -> None:
    clock = VirtualClock()
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        host, port = full.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        try:
            for filler in fillers:  # a listener whose queue is full answers no more
                filler.setblocking(False)
                filler.connect_ex((host, port))
            guest = Guest(
                "rust-tcp-client",
                env={"ADDRESS": f"{host}:{port}", "CONNECTIONS": 4},
                quotas=Quotas(connect_timeout_s=5),
                clock=clock,
            )
            running = asyncio.ensure_future(fails(guest.host.run_async(load("rust-tcp-client")), GuestExit))
            await until(lambda: clock.next_ns is not None)
            await advance_until(clock, running)
            await running
        finally:
            for filler in fillers:
                filler.close()
    assert "timeout" in str(guest.stderr)


async def test_datagrams_are_bytes_too() -> None:
    clock = VirtualClock()
    guest = Guest(
        "rust-udp-echo", env={"MESSAGES": 2}, quotas=Quotas(bytes_out=1000, bytes_per_second_in=1000), clock=clock
    )
    async with guest.running():
        port = int((await guest.stdout.first_line()).rpartition(":")[2])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.setblocking(False)
            peer.connect(("127.0.0.1", port))
            peer.send(bytes(1100))
            peer.send(bytes(900))
            await until(lambda: clock.next_ns is not None)  # the first one used up the second
            clock.advance(S // 2)
            assert len(await asyncio.get_running_loop().sock_recv(peer, 65536)) == 900
    assert "out-of-memory" in str(guest.stderr)


async def test_a_datagram_that_may_not_come_in_is_reported() -> None:
    async with udp_echo():
        guest = Guest("rust-udp-echo", quotas=Quotas(bytes_in=10))
        running = asyncio.ensure_future(fails(guest.host.run_async(load("rust-udp-echo")), GuestExit))
        port = int((await guest.stdout.first_line()).rpartition(":")[2])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.sendto(bytes(11), ("127.0.0.1", port))
        await running
    assert "out-of-memory" in str(guest.stderr)


async def test_a_guest_that_is_cancelled_leaves_no_timer() -> None:
    clock = VirtualClock()
    quotas = Quotas(connect_timeout_s=5, idle_timeout_s=5, bytes_per_second_in=10, bytes_per_second_out=10)
    async with server(echo) as peer:
        host = Host(policy=allow_all, quotas=quotas, clock=clock, env={"ADDRESS": peer.address}, stdout=lambda _: None)
        running = asyncio.ensure_future(host.run_async(load("rust-tcp-client")))
        await until(lambda: peer.connections == 1)
        running.cancel()
        await fails(running, asyncio.CancelledError)
    assert clock.next_ns is None


# ---- files


@pytest.mark.parametrize("limit", ["file_bytes_written=3", "file_bytes_stored=3", "files=0", "open_files=0"])
async def test_a_limit_of_files_is_quota(limit: str) -> None:
    files = MemoryFiles()
    guest = Guest("rust-files", env={"CASE": "write"}, files={"/data": files}, quotas=Quotas.parse([limit]))
    await fails(guest.host.run_async(load("rust-files")), GuestExit)
    assert str(guest.stderr).endswith("unexpected error-code: quota\n")
    assert sum(map(len, files.values())) <= 3
