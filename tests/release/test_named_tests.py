"""The tests that documents name exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))


@pytest.mark.parametrize(("document", "fewest"), [("docs/limits.md", 30), ("docs/bad-days.md", 30), ("SECURITY.md", 2)])
def test_the_tests_that_stand_behind_a_document_exist(document: str, fewest: int) -> None:
    named = re.findall(r"`(test_\w+)`", (ROOT / document).read_text(encoding="utf-8"))
    assert len(named) >= fewest
    assert [name for name in named if f"def {name}(" not in TESTS] == []
