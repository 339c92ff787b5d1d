"""The project that newcomers copy, copied."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.plugin.conftest import ALONE

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/testing"


def test_the_copied_project_passes(pytester: pytest.Pytester) -> None:
    shutil.copytree(EXAMPLE, pytester.path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    result = pytester.runpytest_subprocess("-W", "error", *ALONE)
    result.assert_outcomes(passed=15)


def test_its_guests_are_the_fixtures_of_today() -> None:
    for guest in (EXAMPLE / "guests").iterdir():
        assert guest.read_bytes() == (ROOT / "guest-fixtures/prebuilt" / guest.name).read_bytes()


def test_what_the_docs_show_passes(pytester: pytest.Pytester) -> None:
    text = (ROOT / "docs/testing.md").read_text(encoding="utf-8")
    first = text.split("```python\n", 1)[1].split("```", 1)[0]
    (pytester.path / "test_docs.py").write_text(first, encoding="utf-8")
    (pytester.path / "guests").symlink_to(EXAMPLE / "guests")
    pytester.runpytest_subprocess("-W", "error", "-p", "no:asyncio").assert_outcomes(passed=2)
