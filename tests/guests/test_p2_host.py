"""What a `Host` adds, for guests of WASI 0.2: policy, quotas, faults, limits, recordings, clocks."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import Any

import pytest
import wasmtime

from tests.guests.harness import Guest, advance_until, fails, load, passes
from tests.guests.peers import echo, patient_echo, server
from tests.hostile.harness import core
from tests.hostile.test_wasi_0_2 import FUNCS, IMPORTS
from wasihost import Decision, DivergenceError, GuestTimeout, GuestTrap, Host, Limits, OsNetwork, Rules, VirtualClock
from wasihost._network.faults import Fault, FaultPlan, FaultyNetwork
from wasihost._network.quotas import Quotas
from wasihost._recording import Recording, events
from wasihost._recording.replay import ReplayNetwork
from wasihost.policy import SocketAddressUse
from wasihost.testing import VirtualNetwork, run_virtual

NET = "rust-p2-net"


async def _panic(guest: Guest) -> str:
    """What a guest that fails a check of its own prints."""
    await fails(guest.host.run_async(load(guest.name)), GuestTrap)
    return str(guest.stderr)


# ---- policy


async def test_rules_that_allow_just_what_a_guest_does_are_enough() -> None:
    rules = Rules(outbound=["tcp://127.0.0.1:*"], inbound=["tcp://127.0.0.1:*"])
    guest = Guest(NET, policy=rules, env={"CASE": "listen-and-connect"})
    assert await guest.run_async() == "ok listen-and-connect\n"


async def test_each_use_of_the_network_is_decided() -> None:
    decisions: list[Decision] = []
    guest = Guest(NET, env={"CASE": "listen-and-connect"}, on_decision=decisions.append)
    await guest.run_async()
    uses = {decision.use for decision in decisions}
    assert uses == {SocketAddressUse[f"TCP_{use}"] for use in ("BIND", "LISTEN", "CONNECT", "ACCEPT")}


async def test_a_refused_connect_is_permission_denied_to_std() -> None:
    async with server(echo) as peer:
        complaint = await _panic(Guest(NET, policy=Rules(), env={"CASE": "connect", "ADDRESS": peer.address}))
        assert peer.connections == 0
    assert "PermissionDenied" in complaint


@pytest.mark.parametrize("name", [NET, "rust-p2-tokio", "c-p2-bsd", "c-p2-methods"])
async def test_an_async_policy_works_for_every_use(name: str) -> None:
    async def slow(*_: object) -> bool:
        await passes(3)
        return True

    assert await Guest(name, policy=slow).run_async() == await Guest(name).run_async()


async def test_names_are_those_of_the_host() -> None:
    guest = Guest("c-p2-bsd", env={"CASE": "names", "NAME": "db"}, host_names={"db": "10.0.0.7"})
    assert await guest.run_async() == "10.0.0.7 80\nok names\n"


async def test_a_rule_can_put_another_server_in_the_place_of_an_address() -> None:
    async with server(echo) as peer:
        rules = Rules(outbound=[f"tcp://192.0.2.1:7 -> {peer.address}"])
        guest = Guest(NET, policy=rules, env={"CASE": "pingpong", "ADDRESS": "192.0.2.1:7", "ROUNDS": 3})
        await guest.run_async()
        assert peer.connections == 1


# ---- quotas and faults


@pytest.mark.parametrize(
    ("quotas", "kind"),
    [
        (Quotas(connections=0), "ConnectionRefused"),
        (Quotas(bytes_out=1000), "I/O error"),  # wasi-libc has one error for all of an established connection
        (Quotas(bytes_in=1000), "I/O error"),
    ],
)
async def test_a_quota_is_an_error_of_std(quotas: Quotas, kind: str) -> None:
    async with server(patient_echo) as peer:
        assert kind in await _panic(Guest(NET, quotas=quotas, env={"CASE": "echo", "ADDRESS": peer.address}))


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault("connect", "ECONNREFUSED"), "ConnectionRefused"),
        (Fault("connect", "ETIMEDOUT"), "TimedOut"),
        (Fault("send", "ECONNRESET", after_bytes=1000), "I/O error"),
        (Fault("receive", "ECONNRESET", after_bytes=1000), "I/O error"),
    ],
)
async def test_a_fault_is_an_error_of_std(fault: Fault, kind: str) -> None:
    network = FaultyNetwork(OsNetwork(), FaultPlan(fault))
    async with server(patient_echo) as peer:
        assert kind in await _panic(Guest(NET, network=network, env={"CASE": "echo", "ADDRESS": peer.address}))


# ---- limits of time


async def test_a_guest_that_waits_for_a_connection_ends_with_the_time_of_the_run() -> None:
    async with server(_silent) as peer:
        env = {"CASE": "echo", "ADDRESS": peer.address}
        guest = Guest(NET, env=env, limits=Limits(run_time_s=0.05))
        error = await fails(guest.host.run_async(load(NET)), GuestTimeout)
    assert "run_time_s is 0.05" in str(error)


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        await reader.read()


async def test_a_guest_that_polls_busily_ends_with_its_cpu_time() -> None:
    guest = Guest(NET, env={"CASE": "now", "ROUNDS": 10**9}, limits=Limits(cpu_time_s=0.05))
    await fails(guest.host.run_async(load(NET)), GuestTimeout)


async def test_guests_asleep_at_once_take_the_time_of_one() -> None:
    clock = VirtualClock(system_ns=10**18)
    guests = [Guest("rust-std-p2", env={"CASE": "clocks"}, clock=clock) for _ in range(50)]
    running = asyncio.gather(*(guest.run_async() for guest in guests))
    await advance_until(clock, running)
    await running
    assert 20_000_000 <= clock.monotonic_ns() < 40_000_000


# ---- virtual time


def test_the_same_seed_gives_the_same_recording() -> None:
    def recorded() -> list[events.Event]:
        recording = Recording()
        run_virtual(Guest("rust-p2-tokio", network=VirtualNetwork(), recording=recording).run_async())
        return recording.events

    assert recorded() == recorded()


def test_a_python_server_on_a_slow_link_is_waited_for_in_virtual_time() -> None:
    async def main() -> float:
        net = VirtualNetwork()
        net.host("db", "10.0.0.7").serve(7, lambda data: data)
        net.link("guest", "db", latency_s=60)
        env = {"CASE": "pingpong", "ADDRESS": "10.0.0.7:7", "ROUNDS": 2}
        await Guest(NET, network=net, env=env).run_async()
        return asyncio.get_running_loop().time()

    assert run_virtual(main()) == pytest.approx(60 * (2 + 2 * 2), abs=1)


# ---- recordings


async def test_calls_and_output_are_in_the_recording() -> None:
    recording = Recording()
    printed = await Guest(NET, env={"CASE": "udp"}, recording=recording).run_async()
    written = [event.data for event in recording.events if isinstance(event, events.Wrote)]
    assert b"".join(written).decode() == printed
    calls = {event.path for event in recording.events if isinstance(event, events.HostCall)}
    assert "wasi:sockets/udp@0.2.12#[method]outgoing-datagram-stream.send" in calls


async def test_a_guest_that_sends_less_than_was_recorded_ends_the_replay() -> None:
    recording = Recording()
    async with server(echo) as peer:
        env = {"CASE": "echo", "ADDRESS": peer.address, "BYTES": 1000}
        await Guest(NET, env=env, recording=recording).run_async()
    guest = Guest(NET, env={**env, "BYTES": 999}, network=ReplayNetwork(recording, patience_s=0.05))
    assert "the last 1 of 1,000 bytes" in str(await fails(guest.host.run_async(load(NET)), DivergenceError))


# ---- what a guest is given


async def test_512_variables_of_a_kibibyte_arrive() -> None:
    env: dict[str, object] = {"CASE": "environment", **{f"V{number}": "x" * 1024 for number in range(512)}}
    assert await Guest("rust-std-p2", env=env, args=["guest"]).run_async() == "guest\n"


async def test_a_directory_as_stdin_is_an_error_to_the_guest() -> None:
    directory = os.open("/", os.O_RDONLY)
    try:
        complaint = await _panic(Guest("rust-p2-io", env={"CASE": "stdin-to-the-end"}, stdin=directory))
    finally:
        os.close(directory)
    assert "LastOperationFailed" in complaint


WRITES_TO_A_STREAM = core(
    """(func (export "f") (param $to i32) (result i32)
      (i32.store (i32.const 64) (i32.const 0x0a6968))
      (call $write (local.get $to) (i32.const 64) (i32.const 3) (i32.const 16))
      (call $drop-output (local.get $to))
      (i32.load8_u (i32.const 16)))""",
    '(func (export "f") (param "to" (own $output)) (result u32) (canon lift (core func $i "f")))',
    IMPORTS,
    FUNCS | {"drop-output": ("resource.drop $output", "(param i32)")},
)


async def test_an_export_can_be_given_a_stream_of_the_host() -> None:
    written: list[bytes] = []
    host = Host(stdout=written.append)
    stdout: Any = host.providers()["wasi:cli/stdout@0.2.0"]
    async with host.open(bytes(wasmtime.wat2wasm(WRITES_TO_A_STREAM))) as instance:
        assert await instance.call("f", stdout.get_stdout()) == 0
        await instance.drain()
    assert written == [b"hi\n"]
