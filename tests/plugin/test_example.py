"""The project that newcomers copy, copied."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.plugin.conftest import ALONE

pytestmark = pytest.mark.slow  # each is a pytest of its own

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/testing"


def test_the_copied_project_passes(pytester: pytest.Pytester) -> None:
    shutil.copytree(EXAMPLE, pytester.path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    result = pytester.runpytest_subprocess("-W", "error", *ALONE)
    result.assert_outcomes(passed=15)


def test_its_guests_are_the_fixtures_of_today() -> None:
    for guest in (EXAMPLE / "guests").iterdir():
        assert guest.read_bytes() == (ROOT / "guest-fixtures/prebuilt" / guest.name).read_bytes()


def test_what_the_readme_shows_passes(pytester: pytest.Pytester) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```python\n(def test_.*?)^```$", readme, re.DOTALL | re.MULTILINE)
    (pytester.path / "test_page.py").write_text(shown, encoding="utf-8")
    (pytester.path / "guest-fixtures").symlink_to(ROOT / "guest-fixtures")
    pytester.runpytest_subprocess("-W", "error", *ALONE).assert_outcomes(passed=1)
