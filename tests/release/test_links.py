"""Every link of a page into this repository leads to a file, and to a heading in it if it names one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(page for pages in ("*.md", "wit/*.md", "benchmarks/*.md", "docs/**/*.md") for page in ROOT.glob(pages))
REPOSITORY = "https://github.com/wasihost/wasihost/blob/main/"


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(page: Path) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        here = ROOT if link.startswith(REPOSITORY) else page.parent
        path, _, anchor = link.removeprefix(REPOSITORY).partition("#")
        if path.startswith(("http:", "https:")):
            continue
        target = here / path if path else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(link)
    assert broken == []


def test_links_of_the_readme_are_absolute() -> None:
    """On PyPI there is nothing beside it."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"\]\((?!https:)([^)]+)\)", readme) == []
