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


@pytest.mark.parametrize(
    ("page", "begins", "passed"),
    [
        ("README.md", "def test_minutes", 1),
        ("docs/how-to/testing.md", "async def echo", 2),
        ("docs/how-to/virtual-network.md", "import asyncio", 1),
    ],
)
def test_what_a_page_shows_passes(pytester: pytest.Pytester, page: str, begins: str, passed: int) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    (shown,) = (block for block in blocks if block.startswith(begins) and "def test_" in block)
    (pytester.path / "test_page.py").write_text(shown, encoding="utf-8")
    (pytester.path / "guests").symlink_to(EXAMPLE / "guests")
    (pytester.path / "guest-fixtures").symlink_to(ROOT / "guest-fixtures")
    pytester.runpytest_subprocess("-W", "error", *ALONE).assert_outcomes(passed=passed)
