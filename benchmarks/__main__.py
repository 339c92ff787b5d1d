"""`python -m benchmarks`: measures, prints the table, keeps figures and chart."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks import page, report, run
from benchmarks.results import Row
from benchmarks.work import FULL, QUICK


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about a minute: less of everything, one round")
    parser.add_argument("--only", default="", metavar="ROW,...", help="only works whose names begin so; see --list")
    parser.add_argument("--list", action="store_true", help="the names of the works")
    parser.add_argument("--no-peers", action="store_true", help="without the wasmtime CLI and jco")
    parser.add_argument("--output", type=Path, metavar="FILE", help="where the figures go as JSON")
    options = parser.parse_args()
    scale, only = QUICK if options.quick else FULL, tuple(filter(None, options.only.split(",")))
    if options.list:
        print("\n".join(run.names(scale)))
        return
    results = run.run(scale, only, not options.no_peers, tell)
    print(f"\n{report.tables(results)}")
    if options.output:
        results.save(options.output)
    if scale is FULL and not only and not options.no_peers:
        page.keep(results)


def tell(rows: list[Row]) -> None:
    for row in rows:
        print(report.line(row), flush=True)


if __name__ == "__main__":
    main()
