"""Many connections of one guest in one `poll` of WASI 0.2."""

from __future__ import annotations

import re

import pytest

from tests.guests.harness import Guest, run
from wasihost import Limits
from wasihost._network.virtual import VirtualNetwork
from wasihost.network import Quotas


@pytest.mark.slow
@pytest.mark.usefixtures("both_networks")
def test_1000_connections_in_one_poll() -> None:
    printed = run("rust-p2-tcp", CASE="many-connections", CONNECTIONS=1000, ROUNDS=50)
    assert re.fullmatch(r"many-connections connections=1000 rounds=50 ns=\d+\nok many-connections\n", printed)


@pytest.mark.nightly
async def test_10_000_connections_in_one_poll() -> None:
    """On the virtual network, as both ends of each are more descriptors than most systems give a process."""
    env = {"CASE": "many-connections", "CONNECTIONS": 10_000, "ROUNDS": 20}
    quotas = Quotas(sockets=30_000)
    guest = Guest("rust-p2-tcp", env=env, limits=Limits(resources=100_000), quotas=quotas, network=VirtualNetwork())
    assert (await guest.run_async()).endswith("ok many-connections\n")


@pytest.mark.slow
@pytest.mark.usefixtures("both_networks")
def test_tokio_serves_1000_clients_at_once() -> None:
    assert run("rust-p2-tokio", CLIENTS=1000, MESSAGES=1) == "ok 1000 clients\nok datagrams\nok timers\n"
