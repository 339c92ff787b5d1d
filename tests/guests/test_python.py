"""Guests in Python, built by componentize-py when they are first needed: each has 20 MB, and CPython is in it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import shared
from tests.guests import world
from tests.guests.harness import FIXTURES, Output, fails
from tests.guests.http import content
from tests.guests.peers import echo, server, udp_echo
from wasihost import Component, GuestExit, GuestTrap, Host, PolicyContext, Rules, SocketAddressUse
from wasihost._http.messages import BytesBody, Request
from wasihost._network.base import Address
from wasihost.files import Directory, FileSystem, MemoryFiles, Overlay

pytestmark = pytest.mark.slow

WIT = FIXTURES.parent / "wit"
SOURCE = FIXTURES / "python"
HOSTS = {"db": "127.0.0.1"}


def built(module: str, world: str) -> Component:
    """A guest, built as guest-fixtures/README.md says, by the first process of a run that needs it."""
    component = shared.directory() / f"{module}.wasm"
    tool = Path(sys.executable).with_name("componentize-py")
    words = f"-q {world} componentize -p {SOURCE} {module} -o {component}"
    with shared.alone(module):
        if not component.exists():
            subprocess.run([tool, *words.split()], check=True, env={})
    return Host(cache=shared.cache()).load(component)


@pytest.fixture(scope="session")
def sockets() -> Component:
    """`python_sockets.py`, on the bindings of 0.3."""
    world = f"-d {WIT}/0.3 -d {SOURCE}/python.wit -w test:python/sockets"
    return built("python_sockets", world)


@pytest.fixture(scope="session")
def net() -> Component:
    """`python_net.py`, on the standard library and so on 0.2."""
    world = f"-d {WIT}/0.2 -w wasi:cli/command@0.2.12"
    return built("python_net", world)


@pytest.fixture(scope="session")
def files() -> Component:
    """`python_files.py`, in the whole world of commands of 0.3."""
    return built("python_files", f"-d {WIT}/0.3 -w wasi:cli/command")


def not_port_1(address: Address, use: SocketAddressUse, context: PolicyContext) -> bool:
    return address.port != 1


@pytest.mark.usefixtures("both_networks")
async def test_tcp_udp_and_names_work_through_its_own_bindings(sockets: Component) -> None:
    printed = Output()
    async with server(echo) as tcp, udp_echo() as udp_address:
        env = {"HOST": "db", "TCP_PORT": tcp.address.rpartition(":")[2], "UDP_PORT": udp_address.rpartition(":")[2]}
        network = world.current.network
        await Host(policy=not_port_1, host_names=HOSTS, env=env, stdout=printed, network=network).run_async(sockets)
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


async def hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A web server for one request."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
    await writer.drain()


@pytest.mark.nightly
@pytest.mark.usefixtures("both_networks")
async def test_socket_urllib_and_asyncio_of_the_standard_library_work_on_wasi_0_2(net: Component) -> None:
    printed = Output()
    async with server(echo) as tcp, udp_echo() as udp_address, server(hello) as web:
        ports = {"TCP_PORT": tcp.address, "UDP_PORT": udp_address, "HTTP_PORT": web.address}
        env = {"HOST": "db", **{name: address.rpartition(":")[2] for name, address in ports.items()}}
        network = world.current.network
        await Host(policy=not_port_1, host_names=HOSTS, env=env, stdout=printed, network=network).run_async(net)
    assert printed.lines == [
        "db is 127.0.0.1",
        "TCP: a line came back",
        "UDP: a datagram came back",
        "HTTP: 200 hello",
        "asyncio: 150000 bytes came back",
        "serving: to myself",
        "port 1: refused",
    ]


def overlay(top: Path) -> FileSystem:
    return Overlay(lower=Directory(top, read_only=True), upper=MemoryFiles())


@pytest.mark.nightly
@pytest.mark.parametrize("make", [Directory, overlay])
async def test_open_os_walk_and_shutil_of_the_standard_library_work(
    files: Component, tmp_path: Path, make: Callable[[Path], FileSystem]
) -> None:
    (tmp_path / "outside").write_text("secret", encoding="utf-8")
    (tmp_path / "data").mkdir()
    printed = Output()
    await Host(files={"/data": make(tmp_path / "data")}, stdout=printed).run_async(files)
    assert printed.lines == [
        "lines: 1000",
        "last: 255 size: 256000",
        "size: 10",
        "walk: ['/data/tree/below/bytes', '/data/tree/below/text', '/data/tree/link']",
        "copied: ['below', 'link']",
        "left: []",
        "outside: PermissionError",
    ]


@pytest.mark.nightly
async def test_the_whole_world_of_commands_loads_and_runs_with_no_directory(files: Component) -> None:
    printed = Output()
    await Host(stdout=printed).run_async(files)
    assert printed.lines == ["FileNotFoundError"]


SERVICES = {
    "python_proxy": f"-d {WIT}/0.2 -w wasi:http/proxy@0.2.12",
    "python_service": f"-d {WIT}/0.3 -w wasi:http/service",
}


@pytest.mark.nightly
@pytest.mark.parametrize("module", SERVICES)
async def test_a_service_answers_requests_one_after_the_other_and_at_once(module: str) -> None:
    component = built(module, SERVICES[module])

    async def answer(number: int) -> bytes:
        sent = bytes([number]) * 100_000
        request = Request(method="POST", scheme="http", authority="here", path=f"/{number}", body=BytesBody(sent))
        response = await handler(request)
        got = await content(response)
        response.body.close()
        return got.replace(sent, b"what was sent")

    async with Host().answering(component) as handler:
        answers = [await answer(1), await answer(2), *await asyncio.gather(*map(answer, range(3, 9)))]
    assert answers == [f"here /{number}: what was sent".encode() for number in range(1, 9)]
