"""A guest in Python, built by componentize-py when it is first needed: it is 20 MB, and CPython is in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.guests import world
from tests.guests.harness import FIXTURES, Output, fails
from tests.guests.peers import echo, server, udp_echo
from wasihost import Component, GuestExit, GuestTrap, Host, PolicyContext, Rules, SocketAddressUse
from wasihost._network.base import Address

pytestmark = pytest.mark.slow

WIT = FIXTURES.parent / "wit/0.3"
HOSTS = {"db": "127.0.0.1"}


@pytest.fixture(scope="session")
def sockets(tmp_path_factory: pytest.TempPathFactory) -> Component:
    """`python_sockets.py`, built as guest-fixtures/README.md says."""
    component = tmp_path_factory.mktemp("python") / "python-sockets.wasm"
    source = FIXTURES / "python"
    words = f"-q -d {WIT} -d {source}/python.wit -w test:python/sockets componentize -p {source} python_sockets"
    tool = Path(sys.executable).with_name("componentize-py")
    subprocess.run([tool, *words.split(), "-o", component], check=True, env={})
    return Host().load(component)


def not_port_1(address: Address, use: SocketAddressUse, context: PolicyContext) -> bool:
    return address.port != 1


@pytest.mark.usefixtures("both_networks")
async def test_tcp_udp_and_names_work_through_its_own_bindings(sockets: Component) -> None:
    printed = Output()
    async with server(echo) as tcp, udp_echo() as udp_address:
        env = {"HOST": "db", "TCP_PORT": tcp.address.rpartition(":")[2], "UDP_PORT": udp_address.rpartition(":")[2]}
        options = {"hosts": HOSTS, "env": env, "stdout": printed, "network": world.current.network}
        await Host(policy=not_port_1, **options).run_async(sockets)  # type: ignore[arg-type]
    assert printed.lines == [
        "db is 127.0.0.1",
        "TCP: 5 connections at once, 150000 bytes came back",
        "UDP: a datagram came back",
        "serving: to myself",
        "port 1: access-denied",
    ]


async def test_rules_can_put_other_servers_in_the_place_of_a_name(sockets: Component) -> None:
    printed = Output()
    async with server(echo) as tcp, udp_echo() as udp_address:
        rules = Rules(
            [f"tcp://db:5432 -> {tcp.address}", f"udp://db:53 -> {udp_address}", "tcp://127.0.0.1:1024-65535"],
            ["tcp://127.0.0.1:* from=loopback"],
        )
        env = {"HOST": "db", "TCP_PORT": "5432", "UDP_PORT": "53"}
        await Host(policy=rules, host_names={"db": "192.0.2.1"}, env=env, stdout=printed).run_async(sockets)
    assert printed.lines[0] == "db is 192.0.2.1"
    assert printed.lines[-1] == "port 1: access-denied"


async def test_an_error_code_that_it_does_not_catch_is_err(sockets: Component) -> None:
    printed = Output()
    env = {"HOST": "db", "TCP_PORT": "1", "UDP_PORT": "1"}
    error = await fails(
        Host(policy=not_port_1, host_names=HOSTS, env=env, stdout=printed).run_async(sockets), GuestExit
    )
    assert (error.code, printed.lines) == (1, ["db is 127.0.0.1"])  # type: ignore[attr-defined]


async def test_an_exception_that_it_does_not_catch_is_a_trap_after_its_traceback(sockets: Component) -> None:
    complaint = Output()
    await fails(Host(stderr=complaint).run_async(sockets), GuestTrap)
    assert "KeyError: 'HOST'" in complaint.lines
