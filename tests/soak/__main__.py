"""A soak: three jobs over and over, then every fixture in random weather; nothing may be left, nothing may grow.

`python -m tests.soak [--minutes N] [--seed N [--round K]]`. Loopback only. The jobs (`jobs.py`) take three tenths of
the time, the rounds (`rounds.py`, `playing.py`) the rest. The exit code is 1 if anything failed or grew.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import sys
import time
import traceback
from collections import Counter

from tests.soak import jobs
from tests.soak.growth import state
from tests.soak.playing import play, warm_up
from tests.soak.rounds import NAMES, Round, rounds

JOBS_SHARE = 0.3
WARM_UP = 20 * len(NAMES)
"""So many rounds are played before memory is measured: allocators have then what they need."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10, help="how long, in all (10)")
    parser.add_argument("--seed", type=int, help="of the rounds; the same seed gives the same ones in the same order")
    parser.add_argument("--round", type=int, metavar="K", help="plays only this round of the seed")
    options = parser.parse_args()
    if options.round is not None and options.seed is None:
        parser.error("--round needs the --seed that it is of")
    end = time.monotonic() + options.minutes * 60
    seed = random.SystemRandom().getrandbits(32) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    warm_up()
    if options.round is not None:
        round = next(itertools.islice(rounds(seed), options.round, None))
        print(round)
        return 0 if _goes_well(seed, options.round, round, Counter()) else 1
    are_flat = asyncio.run(jobs.do_all(options.minutes * 60 * JOBS_SHARE))
    return 0 if _play_all(seed, end) and are_flat else 1


def _play_all(seed: int, end: float) -> bool:
    """Plays rounds until then, or until one goes wrong, and prints what they came to; whether nothing did or grew."""
    ends: Counter[str] = Counter()
    before = None
    for number, round in enumerate(rounds(seed)):
        if number == WARM_UP:
            before = state()
        if time.monotonic() >= end:
            break
        if not _goes_well(seed, number, round, ends):
            return False
    print(f"{ends.total():,} rounds: {', '.join(f'{count} {how}' for how, count in ends.most_common())}")
    if before is None:
        print(f"too few to tell whether anything grows: {WARM_UP} come first")
        return True
    after = state()
    flat = after.is_flat(before)
    print(f"rounds: {'flat' if flat else 'GREW'}, {after.since(before)}", flush=True)
    return flat


def _goes_well(seed: int, number: int, round: Round, ends: Counter[str]) -> bool:
    try:
        ends[play(round).how] += 1
    except (Exception, asyncio.CancelledError) as error:
        traceback.print_exception(error)
        print(f"round {number} of seed {seed} failed: {round}", file=sys.stderr)
        print(f'play it again: make soak ARGS="--seed {seed} --round {number}"', file=sys.stderr)
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
