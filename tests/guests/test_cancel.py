"""`rust-cancel`: what is cancelled at various points loses nothing."""

from __future__ import annotations

import re

import pytest

from tests.guests.harness import FIXTURES, FamilyName, families, run

CASES = """
    timer connect-at-once connect-pending future-read accept-read accept-empty-read receive-read receive-empty-read
    drop-during-read send-write drop-during-write
""".split()


def test_the_list_of_cases_is_complete() -> None:
    source = (FIXTURES / "rust/cancel/src/lib.rs").read_text(encoding="utf-8")
    assert re.findall(r'^ +"([a-z-]+)" =>', source, re.MULTILINE) == CASES


@families
@pytest.mark.parametrize("case", CASES)
def test_rust(case: str, family: FamilyName) -> None:
    assert run("rust-cancel", CASE=case, FAMILY=family) == f"ok {case}\n"


@families
def test_all_cases_in_one_run(family: FamilyName) -> None:
    assert run("rust-cancel", FAMILY=family) == "".join(f"ok {case}\n" for case in CASES)
