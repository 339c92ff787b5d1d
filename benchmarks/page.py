"""What of the last full run is kept in docs: its figures, its chart, and the table in the page."""
from __future__ import annotations
from benchmarks.results import Results

def keep(results: Results) -> None: ...
