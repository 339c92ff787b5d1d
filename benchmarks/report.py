"""The table: how long everything took, beside what, and whether that meets the target."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.results import Results, Row, Spread
from benchmarks.work import OURS, Target


def tables(results: Results) -> str:
    """Everything, as Markdown."""
    parts = [machine(results)]
    for group, rows in results.groups().items():
        parts.append("\n".join([f"### {group}", "", *table(rows, results.missing)]))
    return "\n\n".join(parts)


def machine(results: Results) -> str:
    """What it was measured on."""
    described = "; ".join(f"{name}: {value}" for name, value in results.machine.items())
    absent = "".join(f" {name}: {why}." for name, why in results.missing.items())
    return f"{results.date}, {results.scale} run of {results.seconds} s. {described}.{absent}"


def table(rows: list[Row], missing: dict[str, str]) -> Iterator[str]:
    """One row for each metric, one column for each contestant."""
    others = list(dict.fromkeys(name for row in rows for name in (*row.values, *_wanted(row, missing)) if name != OURS))
    yield f"| | {OURS} | {' | '.join(others)} | target |"
    yield f"|---|{'---|' * (len(others) + 2)}"
    for row in rows:
        cells = [_ours(row), *(_theirs(row, name, missing) for name in others), _targets(row)]
        yield f"| {row.title} | {' | '.join(cells)} |"


def line(row: Row) -> str:
    """One row on one line, for a terminal."""
    others = [f"{name}: {_theirs(row, name, {})}" for name in row.values if name != OURS]
    return "   ".join([f"{row.title}: {_ours(row)}", *others, *filter(None, [_targets(row)])])


def _wanted(row: Row, missing: dict[str, str]) -> list[str]:
    return [target.against for target in row.targets if target.against in missing]


def _ours(row: Row) -> str:
    found = row.value(OURS)
    return f"{number(found.median)} {row.unit}".strip() if found else "failed"


def _theirs(row: Row, name: str, missing: dict[str, str]) -> str:
    value, ratio = row.value(name), row.ratio(name)
    if value is None:
        return "failed" if name in row.values else missing.get(name, "-")
    beside = f": **{number(ratio.median)} ×**{_range(ratio)}" if ratio else ""
    return f"{number(value.median)}{beside}"


def _range(found: Spread) -> str:
    return "" if found.least == found.most else f" ({number(found.least)}-{number(found.most)})"


def _targets(row: Row) -> str:
    verdicts = {True: "met", False: "missed", None: "not measured"}
    return "; ".join(f"{describe(target, row.unit)}: {verdicts[row.meets(target)]}" for target in row.targets)


def describe(target: Target, unit: str) -> str:
    """`≥ 0.8 × wasmtime CLI`, or `≤ 15 ms`."""
    sign = "≥" if target.at_least else "≤"
    return f"{sign} {target.limit:g} × {target.against}" if target.against else f"{sign} {target.limit:,g} {unit}"


def number(value: float) -> str:
    """Three digits, without exponents."""
    if value >= 100:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.3g}" if value >= 0.01 or not value else f"{value:.1g}"
