"""The fixtures of files, on file systems in Python: what they call and check is the same on each."""

from __future__ import annotations

import asyncio
import io
import os
import zipfile
from collections.abc import Callable, Iterable

import pytest
from fsspec.implementations.memory import MemoryFile, MemoryFileSystem

from tests.guests.harness import Guest, load, run
from tests.guests.test_files import CALL_EVERYTHING, SOURCES, check, in_all
from tests.unit.wasi.filesystem.virtual.waiting import WaitingFiles
from wasihost import Host
from wasihost._wasi.filesystem.virtual.memory_tree import MemoryInode
from wasihost.files import FileSystem, FsspecFiles, Kind, MemoryFiles, Overlay, ZipFiles

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


@pytest.mark.parametrize("name", CALL_EVERYTHING)
def test_links_of_python_lead_nowhere_outside(name: str) -> None:
    files = MemoryFiles()
    for link, text in (("absolute", "/outside/secret"), ("relative", "../outside/secret")):
        files.add_link(f"/{link}", text)
        files.add_link(f"/{link}-directory", text.removesuffix("/secret"))
    check(name, "host-made-links", {"/data": files})


@pytest.mark.parametrize("name", CALL_EVERYTHING)
def test_names_of_python_that_are_no_utf_8_are_an_error(name: str) -> None:
    other = os.fsdecode(b"\xff")
    files = MemoryFiles({"/x.txt": b"hello", "/dir/x.txt": b"", f"/dir/{other}": b""})
    files.add_link("/link", other)
    check(name, "host-made-names", {"/data": files})


class Failed(Exception):
    """What a file system raises in these tests: no OSError, so nothing that a guest hears of."""


class FailingFiles(WaitingFiles):
    """Acts when it is asked the second time to read or write, or for the entries of a directory."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__()
        self.used: list[MemoryInode] = []
        self._calls = 0
        self._act = act

    async def _count(self) -> None:
        self._calls += 1
        if self._calls == 2:
            self._act()
            await asyncio.sleep(0)

    async def read(self, file: MemoryInode, size: int, offset: int) -> bytes:
        await self._count()
        return await super().read(file, size, offset)

    async def write(self, file: MemoryInode, data: bytes | memoryview, offset: int) -> int:
        await self._count()
        return await super().write(file, data, offset)

    async def entries(self, directory: MemoryInode) -> Iterable[tuple[str, Kind]]:
        await self._count()
        return await super().entries(directory)

    def opened(self, inode: MemoryInode) -> None:
        self.used.append(inode)
        super().opened(inode)


def _fail() -> None:
    raise Failed


points = pytest.mark.parametrize(
    ("name", "case"),
    [
        ("rust-files", "read"),
        ("rust-files", "file-to-file"),
        ("rust-files", "read-directory"),
        ("rust-p2-files", "read"),
        ("rust-p2-files", "write"),
        ("rust-p2-files", "read-directory"),
    ],
)


@points
async def test_what_a_file_system_raises_comes_out_and_nothing_is_open(name: str, case: str) -> None:
    files = FailingFiles(_fail)
    with pytest.raises(Failed):
        await Guest(name, env={"CASE": case}, files={"/data": files}).run_async()
    assert {inode.opens for inode in files.used} == {0}


@points
async def test_a_run_that_is_cancelled_in_a_call_leaves_nothing_open(name: str, case: str) -> None:
    files = FailingFiles(lambda: task.cancel())
    task = asyncio.create_task(Guest(name, env={"CASE": case}, files={"/data": files}).run_async())
    with pytest.raises(asyncio.CancelledError):
        await task
    assert {inode.opens for inode in files.used} == {0}


@pytest.mark.parametrize("name", ["rust-files", "rust-p2-files"])
async def test_instances_whose_files_may_take_time_share_what_is_linked(name: str) -> None:
    component = load(name)
    host = Host(files={"/": WaitingFiles()})
    linked = []
    for _ in range(2):
        async with host.open(component):
            linked.append(component._linked[0])
    assert linked[0] is linked[1]
