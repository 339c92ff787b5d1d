"""`make fuzz`: as many worlds as you like, on all cores, with a seed that repeats them.

`python -m tests.abi.worlds [--worlds N] [--seed N]`. Worlds come in chunks, each with a seed of its own, so that one
that fails can be repeated without the others.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool

from tests.abi.worlds.runs import run_measured

CHUNK = 100


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.abi.worlds", description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=10_000, help="how many (10000)")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="of the first chunk (by chance)")
    options = parser.parse_args()
    sizes = {options.seed + at // CHUNK: min(CHUNK, options.worlds - at) for at in range(0, options.worlds, CHUNK)}
    print(f"{options.worlds:,} worlds from seed {options.seed}", flush=True)
    done, failed, started = 0, 0, time.monotonic()
    cores = min(multiprocessing.cpu_count(), len(sizes))
    with ProcessPoolExecutor(cores, multiprocessing.get_context("spawn")) as pool:
        chunks = {pool.submit(run_measured, seed, size): seed for seed, size in sizes.items()}
        for future in as_completed(chunks):
            seed = chunks.pop(future)
            try:
                failure, memory = future.result()
            except BrokenProcessPool:
                print(
                    f"A process crashed, with a world of seed {' or '.join(map(str, [seed, *chunks.values()][:cores]))}"
                )
                return 1
            done += sizes[seed]
            took = time.monotonic() - started
            print(f"seed {seed}: {done:,} worlds after {took:.0f} s, {memory >> 20} MiB", flush=True)
            if failure:
                failed += 1
                print(f"{failure}Again: make fuzz ARGS='--seed {seed} --worlds {sizes[seed]}'", flush=True)
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
