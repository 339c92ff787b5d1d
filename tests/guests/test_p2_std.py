"""Programs of today's toolchains on WASI 0.2: `std::net`, tokio, and the BSD sockets of wasi-libc."""

from __future__ import annotations

import pytest

from tests.guests.harness import Guest, run, rust_cases
from tests.guests.peers import discard, echo, giving, server
from wasihost import deny_all

pytestmark = pytest.mark.usefixtures("both_networks")

STD = """
    listen-and-connect connect-refused address-in-use connect-timeout read-timeout non-blocking options shutdown clone
    big-transfer udp udp-connected udp-non-blocking
""".split()
STD_BY_NAME = ["denied", "localhost"]
LOAD = ["echo", "pingpong", "send", "receive", "connect"]
ALONE = ["print", "now", "sleep"]
BSD = ["exchange", "refused", "poll-loop", "bulk", "non-blocking", "half-closed", "options", "datagrams"]


def test_the_list_of_cases_is_complete() -> None:
    assert rust_cases("rust-p2-net") == [*STD, *STD_BY_NAME, *LOAD, *ALONE]


@pytest.mark.parametrize("case", [*STD, "localhost"])
def test_std_net(case: str) -> None:
    assert run("rust-p2-net", CASE=case) == f"ok {case}\n"


@pytest.mark.parametrize("case", LOAD)
async def test_std_net_with_a_peer(case: str) -> None:
    serve = {"send": discard, "receive": giving(65536)}.get(case, echo)
    async with server(serve) as peer:
        guest = Guest("rust-p2-net", env={"CASE": case, "ADDRESS": peer.address, "ROUNDS": 20})
        assert (await guest.run_async()).endswith(f"ok {case}\n")


@pytest.mark.parametrize("case", ALONE)
def test_std_that_a_benchmark_repeats(case: str) -> None:
    assert run("rust-p2-net", CASE=case, ROUNDS=5).endswith(f"ok {case}\n")


@pytest.mark.parametrize("case", BSD)
def test_bsd_sockets(case: str) -> None:
    assert run("c-p2-bsd", CASE=case) == f"ok {case}\n"


def test_all_cases_in_one_run() -> None:
    assert run("rust-p2-net") == "".join(f"ok {case}\n" for case in STD)
    assert run("c-p2-bsd") == "".join(f"ok {case}\n" for case in BSD)


def test_tokio() -> None:
    assert run("rust-p2-tokio") == "ok 20 clients\nok datagrams\nok timers\n"


@pytest.mark.parametrize("name", ["rust-p2-net", "c-p2-bsd"])
def test_everything_is_denied_without_a_policy(name: str) -> None:
    assert run(name, policy=deny_all, CASE="denied") == "ok denied\n"
