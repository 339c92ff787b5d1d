"""`rust-p2-io`: io, clocks, random and cli of WASI 0.2, called directly."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

import pytest

from tests.guests.harness import Guest, Output, fails, load, rust_cases, until
from wasihost import GuestExit, GuestTimeout, GuestTrap, Host, LimitError, Limits
from wasihost.testing import run_virtual

CASES = """
    poll-same-pollable-twice poll-two-of-one-object pollable-is-reusable check-write-many-times monotonic-clock
    wall-clock sleep zero-timer-is-ready-soon timer-in-the-past timer-stays-ready random insecure-random environment
    terminals stdout-write stdout-blocking-write-and-flush stdout-write-zeroes stderr stdin
""".split()
OWN_TESTS = """
    splice-stdin stdin-to-the-end closed-stdout prompt sleep-forever exit-ok exit-err exit-with-code panic
""".split()
TRAPS = {
    "trap-empty-poll": "poll: empty poll list",
    "trap-stdin-before-pollable": "the InputStream resource still has 1 children",
    "trap-write-4097-and-flush": "blocking-write-and-flush: 4097 bytes, but it takes at most 4096",
}
MANY = "many-pollables"
EXPECTED = {"args": ["guest", "one"], "stdin": b"0123456789"}


def test_the_list_of_cases_is_complete() -> None:
    assert rust_cases("rust-p2-io") == [*CASES, *OWN_TESTS, *TRAPS, MANY]


def _guest(case: str, **options: Any) -> Guest:
    return Guest("rust-p2-io", env={"CASE": case, "FRUIT": "apple"}, **{**EXPECTED, **options})


@pytest.fixture(params=[asyncio.run, run_virtual], ids=["real", "virtual"])
def run(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Runs a coroutine in real or in virtual time."""
    found: Callable[..., Any] = request.param
    return found


@pytest.mark.parametrize("case", [*CASES, "exit-ok"])
def test_rust(case: str, run: Callable[..., Any]) -> None:
    printed = run(_guest(case).run_async()).splitlines()
    assert printed[-1:] == ([] if case == "exit-ok" else [f"ok {case}"])


def test_all_cases_in_one_run(run: Callable[..., Any]) -> None:
    lines = run(_guest("all").run_async()).splitlines()
    assert [line for line in lines if line.startswith("ok ")] == [f"ok {case}" for case in CASES]


@pytest.mark.parametrize("case", TRAPS)
async def test_the_first_line_of_a_trap_names_the_broken_rule(case: str) -> None:
    error = await fails(_guest(case).host.run_async(load("rust-p2-io")), GuestTrap)
    assert str(error).splitlines()[0] == TRAPS[case]


@pytest.mark.parametrize("case", ["exit-err", "exit-with-code"])
async def test_an_exit_that_is_no_success_is_code_1(case: str) -> None:
    """std of wasm32-wasip2 has no other code; `exit-with-code` of WASI: see tests/cli/test_run.py."""
    error = await fails(_guest(case).host.run_async(load("rust-p2-io")), GuestExit)
    assert isinstance(error, GuestExit)
    assert error.code == 1


async def test_a_panic_is_a_trap_after_its_message() -> None:
    guest = _guest("panic")
    await fails(guest.host.run_async(load("rust-p2-io")), GuestTrap)
    assert "on purpose" in str(guest.stderr)


# ---- standard streams


@pytest.mark.parametrize("case", ["splice-stdin", "stdin-to-the-end"])
async def test_all_of_stdin_arrives(case: str) -> None:
    data = bytes(range(256)) * 4096
    written: list[bytes] = []
    complaint = Output()
    host = Host(env={"CASE": case}, stdin=data, stdout=written.append, stderr=complaint)
    await host.run_async(load("rust-p2-io"))
    if case == "splice-stdin":
        assert b"".join(written) == data + b"ok splice-stdin\n"
    else:
        assert str(complaint) == f"{len(data)} bytes\n"


async def test_a_prompt_is_out_before_stdin_is_read() -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as stdin, os.fdopen(writer, "wb", buffering=0) as answer:
        guest = _guest("prompt", stdin=stdin)
        async with guest.running():
            await until(lambda: str(guest.stdout) == "name? ")
            answer.write(b"Ada\n")
    assert str(guest.stdout) == "name? hello Ada\nok prompt\n"


def _closed_pipe() -> int:
    """The writing end of a pipe that nothing reads."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer


async def test_a_stdout_that_nothing_reads_is_closed_to_the_guest() -> None:
    complaint = Output()
    with os.fdopen(_closed_pipe(), "wb") as stdout:
        host = Host(env={"CASE": "closed-stdout"}, stdout=stdout, stderr=complaint)
        await fails(host.run_async(load("rust-p2-io")), GuestTrap)  # it prints once more
    assert str(complaint).startswith("closed\n")


async def test_with_sigpipe_it_ends_the_guest() -> None:
    with os.fdopen(_closed_pipe(), "wb") as stdout:
        host = Host(env={"CASE": "closed-stdout"}, stdout=stdout, stderr=lambda _: None, sigpipe=True)
        error = await fails(host.run_async(load("rust-p2-io")), GuestExit)
    assert isinstance(error, GuestExit)
    assert error.code == 141


# ---- limits


async def test_a_sleep_for_ever_ends_with_the_time_of_the_run() -> None:
    guest = _guest("sleep-forever", limits=Limits(run_time_s=0.05))
    await fails(guest.host.run_async(load("rust-p2-io")), GuestTimeout)


async def test_a_sleep_for_ever_can_be_cancelled_and_holds_up_nothing() -> None:
    running = asyncio.create_task(_guest("sleep-forever").run_async())
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()


async def test_pollables_count_as_resources() -> None:
    guest = Guest("rust-p2-io", env={"CASE": MANY, "COUNT": 1000}, limits=Limits(resources=100))
    error = await fails(guest.host.run_async(load("rust-p2-io")), LimitError)
    assert "the limit resources is 100" in str(error)


def test_many_pollables_are_ready_at_once(run: Callable[..., Any]) -> None:
    guest = Guest("rust-p2-io", env={"CASE": MANY, "COUNT": 5000})
    assert run(guest.run_async()) == f"ok {MANY}\n"
