"""Part of `make fuzz`: as many random operations on file systems as you like, with a seed that repeats them."""

from __future__ import annotations

import argparse
import logging
import random

from tests.unit.wasi.filesystem.virtual import subjects


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.unit.wasi.filesystem.virtual", description=__doc__)
    parser.add_argument("--operations", type=int, default=100_000, help="how many (100000)")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="by chance")
    options = parser.parse_args()
    print(f"{options.operations:,} operations on file systems from seed {options.seed}", flush=True)
    logging.getLogger("wasihost.files").setLevel(logging.CRITICAL)  # it would report each path that leads out
    subjects.run(options.operations, options.seed)


if __name__ == "__main__":
    main()
