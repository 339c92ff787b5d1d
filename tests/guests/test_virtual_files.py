"""The fixtures of files, on file systems in Python: what they call and check is the same on each."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import pytest
from fsspec.implementations.memory import MemoryFile, MemoryFileSystem

from tests.guests.harness import run
from tests.guests.test_files import SOURCES, check, in_all
from tests.unit.wasi.filesystem.virtual.waiting import WaitingFiles
from wasihost.files import FileSystem, FsspecFiles, MemoryFiles, Overlay, ZipFiles

# What guests expect in a directory that they may only read.


def memory() -> MemoryFiles:
    files = MemoryFiles({"/x.txt": b"hello"}, read_only=True)
    files.add_directory("/dir")
    return files


def archive() -> ZipFiles:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("x.txt", "hello")
        made.writestr("dir/", "")
    return ZipFiles(file)


def of_fsspec() -> FsspecFiles:
    fs = MemoryFileSystem()
    fs.store = {"/top/x.txt": MemoryFile(fs, "/top/x.txt", b"hello")}
    fs.pseudo_dirs = ["", "/top", "/top/dir"]
    return FsspecFiles(fs, "/top")


def layers() -> Overlay:
    return Overlay(lower=archive(), upper=MemoryFiles(), read_only=True)


def overlay() -> Overlay:
    return Overlay(lower=MemoryFiles(), upper=MemoryFiles())


@pytest.mark.slow
@pytest.mark.parametrize("make", [MemoryFiles, WaitingFiles, overlay])
@pytest.mark.parametrize("name", SOURCES)
def test_all_cases_in_one_run(name: str, make: Callable[[], FileSystem]) -> None:
    assert run(name, files={"/data": make()}) == "".join(f"ok {case}\n" for case in in_all(name))


@pytest.mark.parametrize("make", [memory, archive, of_fsspec, layers])
@pytest.mark.parametrize("name", SOURCES)
def test_a_read_only_one_is_read_and_not_changed(name: str, make: Callable[[], FileSystem]) -> None:
    check(name, "read-only", {"/data": make()})


@pytest.mark.parametrize("name", ["rust-p2-fs", "c-p2-files"])
def test_a_path_is_looked_up_in_what_has_the_longest_name(name: str) -> None:
    top, data = MemoryFiles({"/data/hidden": b""}), MemoryFiles()
    case = in_all(name)[0]
    check(name, case, {"/": top, "/data": data})
    assert (dict(top), data.used_files > 0) == ({"/data/hidden": b""}, True)
