"""Ratios, verdicts and what docs keep."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks import chart, page, report
from benchmarks.results import Results, Row
from benchmarks.work import Target, at_least, at_most


def row(*targets: Target, unit: str = "MiB/s", **values: list[float]) -> Row:
    return Row("work", "Group", "title", unit, values, targets)


SAMPLE = row(at_least(0.5, "peer"), wasihost=[10, 30, 20], peer=[20, 30, 10])


def results(*rows: Row) -> Results:
    return Results("full", "today", 1, {"CPU": "fast"}, {"jco": "not installed"}, list(rows))


def test_ratios_pair_the_rounds() -> None:
    found = SAMPLE.ratio("peer")
    assert found is not None
    assert (found.median, found.least, found.most) == (1.0, 0.5, 2.0)


def test_there_is_no_ratio_to_whom_did_not_take_part() -> None:
    assert SAMPLE.ratio("jco") is None


@pytest.mark.parametrize(
    ("target", "met"),
    [
        (at_least(1, "peer"), True),
        (at_least(1.1, "peer"), False),
        (at_most(1, "peer"), True),
        (at_most(0.9, "peer"), False),
        (at_most(20), True),
        (at_most(19), False),
        (at_least(30, "jco"), None),
    ],
)
def test_a_target_is_met_by_the_median(target: Target, met: bool | None) -> None:
    assert SAMPLE.meets(target) is met


def test_the_table_tells_ratio_range_and_verdict() -> None:
    assert "| title | 20 MiB/s | 20: **1 ×** (0.5-2) | ≥ 0.5 × peer: met |" in report.tables(results(SAMPLE))


def test_the_table_says_who_is_not_installed() -> None:
    table = report.tables(results(row(at_least(30, "jco"), wasihost=[1.0])))
    assert "| | wasihost | jco | target |" in table
    assert "| title | 1 MiB/s | not installed | ≥ 30 × jco: not measured |" in table


@pytest.mark.parametrize(
    ("value", "text"), [(4119.0, "4,120"), (28.61, "28.6"), (0.93, "0.93"), (0.0, "0"), (1_234_567, "1,230,000")]
)
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert report.number(value) == text


def test_figures_come_back_from_their_file(tmp_path: Path) -> None:
    before = results(SAMPLE)
    before.save(tmp_path / "figures.json")
    assert Results.load(tmp_path / "figures.json") == before


# ---- what docs keep is of one run


def drawn(svg: str) -> list[str]:
    """The texts and values of a chart, however it looks."""
    return re.findall(r"<(?:text|title|desc)[^>]*>([^<]+)<", svg)


def test_the_chart_in_docs_is_drawn_from_the_figures_in_docs() -> None:
    kept = drawn(page.CHART.read_text(encoding="utf-8"))
    assert kept == drawn(chart.svg(Results.load(page.FIGURES)))
    assert len(kept) > 50


def test_the_tables_in_docs_are_those_of_the_figures_in_docs() -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    assert text == page.with_tables(text, Results.load(page.FIGURES))
