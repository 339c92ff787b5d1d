"""Bytes over one connection, in each direction and both, with small and large buffers in the guest."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from benchmarks.contenders.base import Contender, Figures, Job
from benchmarks.work import Metric, Suite, Target, Work, at_least

CHUNKS = {"16k": 16 << 10, "64k": 64 << 10, "1m": 1 << 20}
LISTENS = {"send": "sink", "receive": "flood", "echo": "echo"}
GUESTS = {"rust": "rust-tcp-client", "c": "c-tcp-client"}


def works(suite: Suite) -> Iterator[Work]:
    for language, guest in GUESTS.items():
        # what is no guest is measured once
        contenders = [each for each in suite.contenders if language == "rust" or each.runs_guests]
        for mode in LISTENS:
            for name, chunk in CHUNKS.items():
                yield Work(
                    f"bulk-{mode}-{name}-{language}",
                    "Bytes over one connection",
                    {each.name: partial(move, suite, each, guest, mode, chunk) for each in contenders},
                    (
                        Metric(
                            f"{mode}, {_size(chunk)} chunks, {language.capitalize()}",
                            "MiB/s",
                            speed,
                            targets(mode, name),
                        ),
                    ),
                    suite.scale.rounds,
                )


def targets(mode: str, chunk: str) -> tuple[Target, ...]:
    against_jco = at_least(30, "jco")
    if chunk == "16k":
        return (against_jco,)
    limit = 0.9 if chunk == "1m" else 1.0 if mode == "receive" else 0.8
    return (at_least(limit, "wasmtime CLI"), against_jco)


def move(suite: Suite, contender: Contender, guest: str, mode: str, chunk: int) -> Figures:
    """Moves bytes over a new connection."""
    size = max(suite.scale.bytes // contender.share, 1)
    listens = f"flood {size}" if mode == "receive" else LISTENS[mode]
    with suite.other_side.listening(listens) as address:
        job: Job = {"MODE": mode, "ADDRESS": address, "BYTES": size, "CHUNK": chunk}
        return {**contender.run(guest, job), "bytes": size}


def speed(figures: Figures) -> float:
    """MiB/s."""
    return figures["bytes"] / 2**20 / figures["ns"] * 1e9


def _size(chunk: int) -> str:
    return f"{chunk >> 20} MiB" if chunk >= 1 << 20 else f"{chunk >> 10} KiB"
