"""The tests that documents name exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.guests.harness import rust_cases

ROOT = Path(__file__).parents[2]
TESTS = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))


@pytest.mark.parametrize(
    ("document", "fewest"),
    [
        ("docs/reference/limits.md", 30),
        ("docs/reference/bad-days.md", 30),
        ("docs/reference/wasi-0.2.md", 20),
        ("SECURITY.md", 2),
    ],
)
def test_the_tests_that_stand_behind_a_document_exist(document: str, fewest: int) -> None:
    named = re.findall(r"`(test_\w+)`", (ROOT / document).read_text(encoding="utf-8"))
    assert len(named) >= fewest
    assert [name for name in named if f"def {name}(" not in TESTS] == []


def test_every_program_of_wasmtime_for_wasi_0_2_has_a_test_and_its_cases_exist() -> None:
    rows = re.findall(
        r"^\| (`.+) \| (`test_.+) \|$", (ROOT / "docs/reference/wasi-0.2.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    programs = [program for cell, _ in rows for program in re.findall(r"`(\w+)`", cell)]
    assert (len(programs), len(set(programs))) == (53, 53)
    cases = {case for name in ("io", "tcp", "udp") for case in rust_cases(f"rust-p2-{name}")}
    named = {case for _, cell in rows for case in re.split(", ", cell.partition(": ")[2]) if case}
    assert named - cases == set()
