"""Every file system of ours keeps the rules, and one that does not is named."""

from __future__ import annotations

import contextlib
import io
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fsspec.implementations.local import LocalFileSystem

from tests.unit.wasi.filesystem.virtual.waiting import WaitingFiles
from wasihost._wasi.filesystem.virtual.memory_tree import MemoryInode
from wasihost.files import Directory, FileSystem, FsspecFiles, MemoryFiles, Overlay, QuotaFiles, VirtualFiles, ZipFiles
from wasihost.network import Quotas
from wasihost.testing import conformance

MakeFiles = Callable[[Path], FileSystem]


def written(top: Path) -> Path:
    for path, content in conformance.TREE.items():
        (top / path).parent.mkdir(exist_ok=True)
        (top / path).write_bytes(content)
    return top


def zipped(_top: Path) -> FileSystem:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for path, content in conformance.TREE.items():
            archive.writestr(path, content)
    return ZipFiles(file)


CHANGED: dict[str, MakeFiles] = {
    "a directory": Directory,
    "memory": lambda _top: MemoryFiles(),
    "one that waits": lambda _top: WaitingFiles(),
    "an overlay": lambda top: Overlay(lower=Directory(top), upper=MemoryFiles()),
    "an overlay of those that wait": lambda _top: Overlay(lower=WaitingFiles(), upper=WaitingFiles()),
    "quotas": lambda _top: QuotaFiles(MemoryFiles(), Quotas(file_bytes_stored=1 << 30)),
}
READ: dict[str, MakeFiles] = {
    "a directory": lambda top: Directory(written(top), read_only=True),
    "memory": lambda _top: MemoryFiles({f"/{path}": text for path, text in conformance.TREE.items()}, read_only=True),
    "an archive": zipped,
    "fsspec": lambda top: FsspecFiles(LocalFileSystem(), str(written(top))),
    "an overlay": lambda top: Overlay(lower=zipped(top), upper=MemoryFiles(), read_only=True),
}


@contextlib.contextmanager
def fresh(make: MakeFiles) -> Iterator[Callable[[], FileSystem]]:
    """Makes file systems, each in a new directory."""
    with contextlib.ExitStack() as tops:
        yield lambda: make(Path(tops.enter_context(tempfile.TemporaryDirectory())))


@pytest.mark.parametrize("make", CHANGED.values(), ids=CHANGED)
async def test_each_that_can_be_changed_conforms(make: MakeFiles) -> None:
    with fresh(make) as made:
        await conformance.check_files(made)


@pytest.mark.parametrize("make", READ.values(), ids=READ)
async def test_each_that_is_only_read_conforms(make: MakeFiles) -> None:
    with fresh(make) as made:
        await conformance.check_files(made)


class Forgetful(MemoryFiles):
    """Loses what was appended, and the second name of a file."""

    def append(self, file: MemoryInode, data: bytes | memoryview) -> int:
        return len(data)

    def link(self, inode: MemoryInode, directory: MemoryInode, name: str) -> None:
        super().link(inode, directory, name)
        inode.links -= 1


async def test_each_rule_that_is_broken_is_named_with_what_was_found() -> None:
    with pytest.raises(conformance.ConformanceError) as failed:
        await conformance.check_files(Forgetful)
    assert [line.partition(":")[0] for line in str(failed.value).splitlines()] == [
        "appended_parts_are_all_kept",
        "hard_links_are_one_file",
    ]
    assert "`append` writes at the end, also when two do so at a time. bytes of the file: expected" in str(failed.value)


class WithoutLinks(MemoryFiles):
    """Has no links."""

    link = VirtualFiles.link  # type: ignore[assignment]
    symlink = VirtualFiles.symlink  # type: ignore[assignment]


async def test_links_are_no_duty() -> None:
    await conformance.check_files(WithoutLinks)


def test_each_check_says_its_rule() -> None:
    assert all(check.rule.endswith(".") for check in conformance.FILE_CHECKS)
    assert len({check.name for check in conformance.FILE_CHECKS}) == len(conformance.FILE_CHECKS)
