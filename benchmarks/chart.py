"""The chart: everybody's speed beside the wasmtime CLI, and calls beside wasmtime-py."""

from __future__ import annotations

import re

import pygal
from pygal.style import CleanStyle

from benchmarks.results import Results, Row
from benchmarks.work import OURS

BASE = "wasmtime CLI"
SHOWN = (OURS, "asyncio streams", "plain sockets")
WORKS = ("bulk-", "connect", "accept", "pingpong", "idle-throughput", "busy")
FASTER_IS_LESS = ("µs", "ms")

STYLE = CleanStyle(
    colors=("#d95f02", "#7570b3", "#666666"),
    guide_stroke_color="#cccccc",
    major_guide_stroke_color="#999999",
    title_font_size=18,
    legend_font_size=15,
    label_font_size=13,
    major_label_font_size=13,
)


def svg(results: Results) -> str:
    """A bar for each row and contestant: how many times as fast as Wasmtime's own host."""
    rows = [row for row in results.rows if row.work.startswith(WORKS) and row.unit and "p99" not in row.title]
    rows = [row for row in reversed(rows) if row.value(BASE)]
    chart = pygal.HorizontalBar(
        title=f"Speed beside the wasmtime CLI (1 = as fast), {results.date}",
        x_title="times as fast as the wasmtime CLI",
        width=1000,
        height=160 + 34 * len(rows),
        legend_at_bottom=True,
        legend_at_bottom_columns=len(SHOWN),
        truncate_legend=-1,
        truncate_label=-1,
        js=[],  # a picture, not a program
        style=STYLE,
        value_formatter=lambda value: f"{value:.2f}",
    )
    chart.uuid = "benchmarks"  # or every picture differs from every other
    chart.x_labels = [row.title for row in rows]
    for name in SHOWN:
        chart.add(name, [speed(row, name) for row in rows])
    return re.sub(r"<!--.*?-->", "", str(chart.render(is_unicode=True))) + "\n"


def speed(row: Row, name: str) -> float | None:
    """How many times as fast as the base."""
    value, base = row.value(name), row.value(BASE)
    if value is None or base is None:
        return None
    ratio = base.median / value.median if row.unit in FASTER_IS_LESS else value.median / base.median
    return float(f"{ratio:.3g}")
