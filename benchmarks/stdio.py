"""Standard streams on regular files: the guest `rust-cat` against a loop in Python with blocks of 64 KiB.

`python benchmarks/stdio.py [--rounds N] [--mib N]`. Contenders are processes that take turns. What a process takes to
start is measured as the same command with nothing to move, and taken off: it is another benchmark's matter. Issue 5
asks for a ratio of 0.5. Where the file system is slow the ratio says little: set TMPDIR to one in memory.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

GUEST = Path(__file__).parents[1] / "guest-fixtures" / "prebuilt" / "rust-cat.wasm"
MODES = ("produce", "discard", "copy")

LOOP = """
import os, sys
mode, size, block = sys.argv[1], int(sys.argv[2]), memoryview(bytearray(65536))
while size:
    count = len(block) if mode == "produce" else os.readv(0, [block])
    if mode != "discard":
        os.write(1, block[:count])
    size -= count
"""

Command = Callable[[str, int], list[str]]


def loop(mode: str, size: int) -> list[str]:
    """`cat`, or a half of it, in Python."""
    return [sys.executable, "-c", LOOP, mode, str(size)]


def guest(mode: str, size: int) -> list[str]:
    """The same in a guest."""
    return [sys.executable, "-m", "wasihost", "run", "--env", f"MODE={mode}", "--env", f"BYTES={size}", str(GUEST)]


def spent(command: list[str], stdin: Path, stdout: Path) -> tuple[float, float]:
    """The seconds that a command takes from its start to its end: of the clock, and of the processor."""
    stdout.unlink(missing_ok=True)
    os.sync()  # nobody pays for what another has written
    with stdin.open("rb") as given, stdout.open("wb") as taken:
        started, used = time.perf_counter(), _used()
        subprocess.run(command, check=True, stdin=given, stdout=taken, stderr=subprocess.DEVNULL)
        return time.perf_counter() - started, _used() - used


def _used() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def moving(command: Command, mode: str, source: Path, target: Path) -> tuple[float, float]:
    """What a command spends on moving all of `source`, or as much."""
    all_of_it = spent(command(mode, source.stat().st_size), source, target)
    nothing = spent(command(mode, 0), Path(os.devnull), target)
    return all_of_it[0] - nothing[0], all_of_it[1] - nothing[1]


def main() -> None:
    """Prints a line for each mode."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mib", type=int, default=1024)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in"), Path(folder, "out")
        with source.open("wb") as file:
            for _ in range(options.mib):
                file.write(os.urandom(1 << 20))
        for mode in MODES:
            rounds = [
                [moving(command, mode, source, target) for command in (loop, guest)] for _ in range(options.rounds)
            ]
            clock, processor = (
                statistics.median(plain[unit] / ours[unit] for plain, ours in rounds) for unit in range(2)
            )
            rate = options.mib / statistics.median(ours[0] for _, ours in rounds)
            print(f"{mode:8} {rate:5.0f} MiB/s, ratio {clock:.2f} by the clock, {processor:.2f} by the processor")


if __name__ == "__main__":
    main()
