"""`rust-everything`: all that a command can do, at the same time in one instance. `make soak` runs it for longer."""

from __future__ import annotations

import re

import pytest

from tests.guests import world
from tests.guests.harness import Guest, Output, fails, load
from tests.guests.peers import echo, forget, server
from tests.soak.counting import Counting
from wasihost import GuestExit, Host, allow_all

pytestmark = pytest.mark.usefixtures("both_networks")

NAMES = {"NAME": "db", "NAME_IS": "10.0.0.1"}
HOSTS = {"db": ["10.0.0.2", "10.0.0.1"]}
EVERYTHING = "accepted datagrams names timers random environment lines read connected connected".split()


async def test_everything_works_at_once() -> None:
    async with server(echo) as peer:
        env = {"ADDRESS": peer.address, "MS": 300, "CONNECTIONS": 2, **NAMES}
        printed = await Guest("rust-everything", env=env, host_names=HOSTS, stdin=Counting()).run_async()
    *lines, summary = printed.splitlines()
    counts = re.findall(r"(\d+) (\w+)", summary)
    assert [name for _, name in counts] == EVERYTHING
    assert all(int(count) >= 1 for count, _ in counts)
    assert lines == [str(number) for number in range(int(counts[6][0]))]
    assert peer.connections == sum(int(count) for count, _ in counts[-2:])


async def test_everything_goes_on_when_stdin_has_ended() -> None:
    async with server(echo) as peer:
        env = {"ADDRESS": peer.address, "MS": 20, **NAMES}
        await Guest("rust-everything", env=env, host_names=HOSTS, stdin=bytes(range(256)) * 10).run_async()


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"stdin": b"\x00\x02"}, "stdin differs"),
        ({"host_names": {"db": "10.0.0.3"}}, "the name has other addresses"),
        ({"host_names": {}, "resolver": lambda _: []}, "lookup: ErrorCode::NameUnresolvable"),
    ],
)
async def test_a_wrong_answer_to_one_ends_all(wrong: dict[str, object], complaint: str) -> None:
    stderr = Output()
    async with server(echo) as peer:
        env = {"ADDRESS": peer.address, "MS": "60000", **NAMES}
        options = {
            "host_names": HOSTS,
            "stdin": Counting(),
            "stdout": Output(),
            "stderr": stderr,
            "network": world.current.network,
            **wrong,
        }
        host = Host(policy=allow_all, env=env, **options)  # type: ignore[arg-type]
        await fails(host.run_async(load("rust-everything")), GuestExit)
    assert complaint in str(stderr)


async def test_a_connection_that_does_not_echo_ends_all() -> None:
    stderr = Output()
    async with server(forget) as peer:
        env = {"ADDRESS": peer.address, "MS": "60000", **NAMES}
        streams = {"stdin": Counting(), "stdout": Output(), "stderr": stderr}
        host = Host(policy=allow_all, env=env, host_names=HOSTS, network=world.current.network, **streams)  # type: ignore[arg-type]
        await fails(host.run_async(load("rust-everything")), GuestExit)
    assert "rounds.rs" in str(stderr)
