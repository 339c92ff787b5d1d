"""`rust-p2-tcp`, `rust-p2-udp`, `c-p2-methods`: every method of the sockets of WASI 0.2 in every state."""

from __future__ import annotations

import pytest

from tests.guests.harness import FamilyName, Guest, fails, families, load, run, rust_cases
from wasihost import GuestTrap
from wasihost._recording import Recording
from wasihost._recording.replay import ReplayNetwork

pytestmark = pytest.mark.usefixtures("both_networks")

CASES = {
    "rust-p2-tcp": """
        bind bind-invalid-address bind-not-bindable bind-address-in-use bind-after-failed-bind bind-again-after-close
        state-unbound state-bind-in-progress state-bound state-listen-in-progress state-listening
        state-connect-in-progress state-connected state-closed drop-in-every-state connect connect-from-a-bound-socket
        connect-invalid-address connect-refused connect-pollable-made-before accept-would-block accept-two
        accepted-outlives-listener busy-poll options options-zero options-clamp options-inherited transfer read-nothing
        splice skip end-of-input half-closed shutdown-receive shutdown-send-loses-nothing shutdown-twice
        dropped-streams-send-no-fin reset
    """.split(),
    "rust-p2-udp": """
        bind bind-address-in-use state-unbound state-bind-in-progress state-bound state-connected drop-in-every-state
        options options-zero options-clamp send-and-receive two-in-one-send receive-nothing send-nothing
        send-invalid-address send-too-large connect-again-and-again connected-filters closed-receiver names-literals
        names-invalid
    """.split(),
}
TRAPS = {
    "rust-p2-tcp": {
        "trap-write-without-permit": "write: 1 bytes, but check-write permitted 0",
        "trap-second-write": "write: 1 bytes, but check-write permitted 0",
        "trap-socket-before-streams": "the TcpSocket resource still has 2 children",
        "trap-socket-before-pollable": "the TcpSocket resource still has 1 children",
        "trap-stream-before-pollable": "the InputStream resource still has 1 children",
    },
    "rust-p2-udp": {
        "trap-send-without-permit": "send: 1 datagrams, but check-send permitted 0",
        "trap-stream-while-streams-live": "udp-socket.stream: the streams that it gave before live",
        "trap-socket-before-streams": "the UdpSocket resource still has 2 children",
    },
}
ONLY_BY_NAME = {"rust-p2-tcp": ["denied", "many-connections"], "rust-p2-udp": ["denied", "localhost", "names-denied"]}
ALL = [(name, case) for name, cases in CASES.items() for case in cases]
SEEN_BY_HOW_MUCH_FITS = "shutdown-send-loses-nothing"  # writes as much as the system takes, which no replay has


@pytest.mark.parametrize("name", CASES)
def test_the_list_of_cases_is_complete(name: str) -> None:
    assert rust_cases(name) == [*CASES[name], *ONLY_BY_NAME[name], *TRAPS[name]]


@families
@pytest.mark.parametrize(("name", "case"), ALL)
def test_rust(name: str, case: str, family: FamilyName) -> None:
    assert run(name, CASE=case, FAMILY=family) == f"ok {case}\n"


@families
@pytest.mark.parametrize("name", CASES)
def test_all_cases_in_one_run(name: str, family: FamilyName) -> None:
    assert run(name, FAMILY=family) == "".join(f"ok {case}\n" for case in CASES[name])


@families
@pytest.mark.parametrize("case", [case for case in CASES["rust-p2-tcp"] if case != SEEN_BY_HOW_MUCH_FITS])
async def test_a_case_of_tcp_is_replayed(case: str, family: FamilyName) -> None:
    recording, env = Recording(), {"CASE": case, "FAMILY": family}
    await Guest("rust-p2-tcp", env=env, recording=recording).run_async()
    replay = Guest("rust-p2-tcp", env=env, network=ReplayNetwork(recording))
    assert await replay.run_async() == f"ok {case}\n"


def test_c_gets_the_answers_of_the_table() -> None:
    lines = run("c-p2-methods").splitlines()
    assert [sum(line.startswith(f"ok {protocol} ") for line in lines) for protocol in ("tcp", "udp")] == [28, 13]


@pytest.mark.parametrize(("name", "case"), [(name, case) for name, cases in TRAPS.items() for case in cases])
async def test_the_first_line_of_a_trap_names_the_broken_rule(name: str, case: str) -> None:
    guest = Guest(name, env={"CASE": case})
    error = await fails(guest.host.run_async(load(name)), GuestTrap)
    assert str(error).splitlines()[0] == TRAPS[name][case]
