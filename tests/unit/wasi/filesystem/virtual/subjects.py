"""The same tree on each file system and in the model, and a run of operations on all of them."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from hypothesis import given, seed, settings
from hypothesis import strategies as st

from tests.unit.wasi.filesystem.virtual.model import Model
from tests.unit.wasi.filesystem.virtual.operations import OPERATIONS, TREE, Operation, Subject
from tests.unit.wasi.filesystem.virtual.waiting import WaitingFiles
from wasihost import Rules
from wasihost._host.recorded_files import RecordedFiles
from wasihost._policy.asking import Asker
from wasihost._recording import Recorder, Recording
from wasihost._wasi.filesystem.guarded import GuardedFiles, Turns
from wasihost.files import Directory, FaultyFiles, FileSystem, MemoryFiles, Overlay, QuotaFiles
from wasihost.network import FaultPlan, Quotas

EACH = 25
"""Operations of one run."""


def on_disk(top: Path) -> Directory:
    """`TREE` in a directory of the host."""
    for path, content in TREE.items():
        if content is None:
            (top / path).mkdir()
        elif isinstance(content, str):
            (top / path).symlink_to(content)
        else:
            (top / path).write_bytes(content)
    return Directory(top)


def in_memory(files: MemoryFiles) -> MemoryFiles:
    """The same with `TREE` in it."""
    for path, content in TREE.items():
        if content is None:
            files.add_directory(f"/{path}")
        elif isinstance(content, str):
            files.add_link(f"/{path}", content)
        else:
            files[f"/{path}"] = content
    return files


def waiting_overlay() -> Overlay:
    """`TREE` below an overlay, with both layers a turn of the event loop away."""
    lower = WaitingFiles()
    in_memory(lower.inner)
    return Overlay(lower=lower, upper=WaitingFiles())


def wrapped(top: Path) -> FileSystem:
    """`TREE` in a directory, with everything around it that may be around a tree, and that lets all pass."""
    quotas = Quotas(open_files=1000, files=1 << 20, file_bytes_written=1 << 40, file_bytes_stored=1 << 40)
    limited = QuotaFiles(FaultyFiles(on_disk(top), FaultPlan()), quotas)
    guarded = GuardedFiles(limited, "/", Asker(Rules(files=["/**", "deny **/.git/**"])), Turns(are_needed=True))
    return RecordedFiles(guarded, "/", Recorder(Recording()))


@contextlib.contextmanager
def subjects() -> Iterator[dict[str, Subject | Model]]:
    """One for each file system, and the model."""
    with (
        tempfile.TemporaryDirectory() as top,
        tempfile.TemporaryDirectory() as lower,
        tempfile.TemporaryDirectory() as below,
    ):
        files = {
            "a directory": on_disk(Path(top)),
            "memory": in_memory(MemoryFiles()),
            "an overlay on a directory": Overlay(lower=on_disk(Path(lower)), upper=MemoryFiles()),
            "an overlay of what waits": waiting_overlay(),
            "a directory with everything around it": wrapped(Path(below)),
        }
        with asyncio.Runner() as runner, contextlib.ExitStack() as opened:
            each = {name: Subject(each, runner) for name, each in files.items()}
            for subject in each.values():
                opened.callback(subject.close)
            yield {"the model": Model(), **each}


def check(operations: Sequence[Operation]) -> None:
    """Fails unless all give the same answers, and then have the same tree."""
    with subjects() as each:
        for operation in operations:
            answers = {name: subject.answer(operation) for name, subject in each.items()}
            assert answers == dict.fromkeys(answers, answers["the model"]), f"{operation}: {answers}"
        trees = {name: subject.tree() for name, subject in each.items()}
        assert trees == dict.fromkeys(trees, trees["the model"])


def run(count: int, with_seed: int) -> None:
    """Runs so many random operations, which the seed repeats."""

    @seed(with_seed)
    @settings(max_examples=count // EACH, database=None, deadline=None)
    @given(st.lists(OPERATIONS, min_size=EACH, max_size=EACH))
    def each(operations: list[Operation]) -> None:
        check(operations)

    each()
