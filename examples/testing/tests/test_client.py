"""A guest that is a client: it sends bytes to an echo server and compares what comes back."""

from __future__ import annotations

import pytest

from wasihost.network import Fault, RandomFaults
from wasihost.pytest import BenchClock, GuestLoader, Trace
from wasihost.recording import events
from wasihost.testing import VirtualNetwork

CLIENT = "guests/c-echo-client.wasm"


def test_every_byte_comes_back(
    wasi_net: VirtualNetwork, wasi_guest: GuestLoader, wasi_trace: Trace, echo_server: str
) -> None:
    guest = wasi_guest(CLIENT, env={"ADDRESS": echo_server, "BYTES": "100000"})
    guest.run()
    assert guest.stdout == "echoed 100000 bytes\n"
    [connection] = wasi_net.connections
    assert connection.bytes_to_server == connection.bytes_to_client == 100_000
    assert events.Connected in wasi_trace


def test_nobody_listens(wasi_guest: GuestLoader) -> None:
    guest = wasi_guest(CLIENT, env={"ADDRESS": "10.0.0.7:7"})
    assert guest.run(check=False) == 1
    assert "remote-unreachable" in guest.stderr


def test_a_link_that_takes_minutes_takes_none(
    wasi_net: VirtualNetwork, wasi_guest: GuestLoader, wasi_clock: BenchClock, echo_server: str
) -> None:
    wasi_net.link("guest", "db", latency_s=60)
    wasi_guest(CLIENT, env={"ADDRESS": echo_server}).run()
    assert wasi_clock.seconds >= 240  # there and back, twice: to connect, and for the bytes


@pytest.mark.wasi_faults(Fault("connect", "ECONNREFUSED", nth=1))
def test_the_first_connect_is_refused(wasi_guest: GuestLoader, echo_server: str) -> None:
    guest = wasi_guest(CLIENT, env={"ADDRESS": echo_server})
    assert guest.run(check=False) == 1
    assert "connection-refused" in guest.stderr


@pytest.mark.wasi_faults(Fault("receive", "ECONNRESET", after_bytes=1000))
def test_a_reset_in_the_middle_is_noticed(wasi_guest: GuestLoader, echo_server: str) -> None:
    guest = wasi_guest(CLIENT, env={"ADDRESS": echo_server})
    assert guest.run(check=False) == 1
    assert "connection-reset" in guest.stderr


@pytest.mark.parametrize("seed", range(5))
def test_short_reads_and_pauses_lose_nothing(wasi_guest: GuestLoader, echo_server: str, seed: int) -> None:
    faults = RandomFaults(seed, on=["send", "receive"], do=["short", "stall"], rate=0.2)
    guest = wasi_guest(CLIENT, env={"ADDRESS": echo_server}, faults=faults)
    guest.run()
    assert guest.stdout == "echoed 1000000 bytes\n"
