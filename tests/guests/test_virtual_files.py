"""The fixtures of files, on file systems in Python: what they call and check is the same on each."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.guests.harness import run
from tests.guests.test_files import SOURCES, check, in_all
from tests.unit.wasi.filesystem.virtual.waiting import WaitingFiles
from wasihost.files import FileSystem, MemoryFiles, Overlay

TREE = {"/x.txt": b"hello"}


def readable() -> MemoryFiles:
    """What guests expect in a directory that they may only read."""
    files = MemoryFiles(TREE, read_only=True)
    files.add_directory("/dir")
    return files


def overlay() -> Overlay:
    return Overlay(lower=MemoryFiles(), upper=MemoryFiles())


@pytest.mark.slow
@pytest.mark.parametrize("make", [MemoryFiles, WaitingFiles, overlay])
@pytest.mark.parametrize("name", SOURCES)
def test_all_cases_in_one_run(name: str, make: Callable[[], FileSystem]) -> None:
    assert run(name, files={"/data": make()}) == "".join(f"ok {case}\n" for case in in_all(name))


@pytest.mark.parametrize("make", [readable])
@pytest.mark.parametrize("name", SOURCES)
def test_a_read_only_one_is_read_and_not_changed(name: str, make: Callable[[], FileSystem]) -> None:
    check(name, "read-only", {"/data": make()})
