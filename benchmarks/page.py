"""What docs keep of the last full run: its figures, its chart, and the table in the page."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks import chart, report
from benchmarks.results import Results

DOCS = Path(__file__).parents[1] / "docs/explanation"
FIGURES, CHART, PAGE = DOCS / "performance.json", DOCS / "performance.svg", DOCS / "performance.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def keep(results: Results) -> None:
    """Puts a run in the place of the one before."""
    results.save(FIGURES)
    CHART.write_text(chart.svg(results), encoding="utf-8")
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8"), results), encoding="utf-8")


def with_tables(page: str, results: Results) -> str:
    """The page with these tables between its marks."""
    tables = f"{BEGIN}\n{report.tables(results)}\n{END}"
    return re.sub(f"{BEGIN}.*{END}", lambda _: tables, page, flags=re.DOTALL)
