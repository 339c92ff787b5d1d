"""`rust-random`: lengths and freshness with and without a seed."""

from __future__ import annotations

import pytest

from tests.guests.harness import Output, load, run, rust_cases
from wasihost import Host

CASES = """
    bytes bytes-are-fresh bytes-beyond-all-limits u64 insecure-bytes insecure-bytes-beyond-all-limits insecure-u64
    insecure-seed
""".split()


def _run(case: str, seed: int | None) -> str:
    printed = Output()
    Host(env={"CASE": case}, stdout=printed, seed=seed).run(load("rust-random"))
    return str(printed)


def test_the_list_of_cases_is_complete() -> None:
    assert rust_cases("rust-random") == [*CASES, "print"]


@pytest.mark.parametrize("case", CASES)
def test_rust(case: str) -> None:
    assert run("rust-random", CASE=case) == f"ok {case}\n"


def test_all_cases_in_one_run_with_a_seed() -> None:
    assert _run("all", 7) == "".join(f"ok {case}\n" for case in CASES)


def test_two_runs_with_the_same_seed_are_the_same() -> None:
    host = Host(env={"CASE": "print"}, stdout=(printed := Output()), seed=7)
    host.run(load("rust-random"))
    host.run(load("rust-random"))
    first, _, second, _ = printed.lines
    assert first == second
    assert _run("print", 7).splitlines()[0] == first


def test_runs_with_another_seed_or_none_are_not() -> None:
    assert len({_run("print", seed) for seed in (7, 8, None, None)}) == 4
