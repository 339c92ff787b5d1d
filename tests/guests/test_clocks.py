"""`rust-clocks` and `c-cli-methods`: the clocks of this machine, and of a test."""

from __future__ import annotations

import asyncio

import pytest

from tests.guests.harness import Guest, Output, load, passes, run, rust_cases
from wasihost import Host, OsClock, VirtualClock

CASES = """
    now resolution wait-for wait-for-nothing wait-until wait-until-the-past order many for-ever system-now
    system-resolution
""".split()
HOUR_NS = 3_600_000_000_000


def test_the_list_of_cases_is_complete() -> None:
    assert rust_cases("rust-clocks") == [*CASES, "tell"]


@pytest.mark.parametrize("case", CASES)
def test_rust(case: str) -> None:
    assert run("rust-clocks", CASE=case) == f"ok {case}\n"


def test_all_cases_in_one_run() -> None:
    assert run("rust-clocks") == "".join(f"ok {case}\n" for case in CASES)


@pytest.mark.slow
def test_10000_waits_at_once() -> None:
    assert run("rust-clocks", CASE="many", WAITS=10_000, WAIT_NS=50_000_000) == "ok many\n"


async def test_a_guest_waits_for_a_virtual_clock_and_sees_it_move() -> None:
    clock, printed = VirtualClock(system_ns=-1, monotonic_ns=5), Output()
    host = Host(clock=clock, env={"CASE": "tell", "WAIT_NS": str(HOUR_NS)}, stdout=printed)
    async with asyncio.TaskGroup() as group:
        group.create_task(host.run_async(load("rust-clocks")))
        while clock.next_ns is None:
            await passes()
        assert printed.lines == ["5 -1 999999999"]
        assert clock.next_ns == HOUR_NS
        clock.advance(HOUR_NS)
    assert printed.lines == ["5 -1 999999999", f"{HOUR_NS + 5} 3599 999999999", "ok tell"]


def test_a_guest_sees_the_offset_of_the_calendar() -> None:
    printed = Output()
    Host(clock=OsClock(-(10**19)), env={"CASE": "tell", "WAIT_NS": "1"}, stdout=printed).run(load("rust-clocks"))
    assert int(printed.lines[0].split()[1]) < 0


async def test_a_wait_that_nobody_ends_can_be_given_up_by_the_embedder() -> None:
    guest = Guest("rust-clocks", env={"CASE": "tell", "WAIT_NS": 2**64 - 1})
    running = asyncio.create_task(guest.run_async())
    await guest.stdout.first_line()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
