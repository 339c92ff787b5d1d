"""docs/reference/command-line.md is what the parsers say."""

from __future__ import annotations

from wit.commands import PAGE, page


def test_the_page_is_written_from_the_parsers() -> None:
    assert page() == PAGE.read_text(encoding="utf-8"), "make docs"
