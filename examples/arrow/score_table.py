"""Scores a table in each of the ways that a component has: `python examples/arrow/score_table.py [COMPONENT]`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pyarrow as pa

from wasihost import arrow
from wasihost.jobs import Component

ROWS = 10_000
SCORES = Path(__file__).with_name("scores.wasm")
WAYS = ("ipc#score", "ipc#score-stream", "columns#score")


def score(component: str | Path) -> None:
    """Prints how long each of the ways takes for the whole table."""
    job = Component(component, instances="kept")
    table = pa.table({"id": range(ROWS), "value": [n / 2 for n in range(ROWS)]})
    for way in WAYS:
        try:
            score_table = arrow.bind(job, f"example:scores/{way}")
        except LookupError:
            continue  # the guest in Python has only columns
        score_table(table)  # the first call opens the instance
        start = time.perf_counter()
        scored = score_table(table)
        duration_ms = (time.perf_counter() - start) * 1000
        print(f"{way}: {scored.num_rows} rows in {duration_ms:.1f} ms, the last {scored.column('score')[-1]}")


if __name__ == "__main__":
    score(sys.argv[1] if len(sys.argv) > 1 else SCORES)
