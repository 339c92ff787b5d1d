"""`rust-cancel`: what is cancelled at various points loses nothing."""

from __future__ import annotations

import pytest

from tests.guests.harness import FamilyName, families, run, rust_cases

CASES = """
    timer connect-at-once connect-pending future-read accept-read accept-empty-read receive-read receive-empty-read
    drop-during-read send-write drop-during-write
""".split()


def test_the_list_of_cases_is_complete() -> None:
    assert rust_cases("rust-cancel") == CASES


@families
@pytest.mark.parametrize("case", CASES)
def test_rust(case: str, family: FamilyName) -> None:
    assert run("rust-cancel", CASE=case, FAMILY=family) == f"ok {case}\n"


@families
def test_all_cases_in_one_run(family: FamilyName) -> None:
    assert run("rust-cancel", FAMILY=family) == "".join(f"ok {case}\n" for case in CASES)
