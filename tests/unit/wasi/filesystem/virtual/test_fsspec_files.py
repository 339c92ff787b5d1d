"""`FsspecFiles`: file systems of fsspec."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from fsspec.implementations.local import LocalFileSystem

from tests.unit.wasi.filesystem.trees import guest_of
from wasihost._wasi.common.files import code_name
from wasihost._wasi.filesystem.answers import settled
from wasihost._wasi.filesystem.descriptor import Descriptor
from wasihost._wasi.filesystem.flags import DescriptorFlags, OpenFlags
from wasihost.files import FsspecFiles, Kind, MemoryFiles, Overlay

NONE, READ, WRITE = OpenFlags(0), DescriptorFlags.READ, DescriptorFlags.WRITE


@pytest.fixture
def top(tmp_path: Path) -> Path:
    top = tmp_path / "top"
    (top / "dir").mkdir(parents=True)
    (top / "dir/f").write_text("content")
    os.utime(top / "dir/f", (1, 1))
    (top / "link").symlink_to("dir/f")
    (top / "out").symlink_to("../secret")
    (tmp_path / "secret").write_text("secret")
    return top


async def opened(guest: Descriptor, path: str) -> Descriptor:
    return await settled(guest.open(path, True, NONE, READ))


async def code_of(guest: Descriptor, path: str) -> str:
    """The error-code of opening."""
    try:
        await opened(guest, path)
    except OSError as error:
        return code_name(error)
    raise AssertionError(f"{path} was opened")


async def test_what_is_there_is_read(top: Path) -> None:
    guest = guest_of(FsspecFiles(LocalFileSystem(), str(top)))
    entries = await settled(guest.entries())
    assert sorted(entries, key=str) == [
        ("dir", Kind.DIRECTORY),
        ("link", Kind.SYMBOLIC_LINK),
        ("out", Kind.SYMBOLIC_LINK),
    ]
    file = await opened(guest, "link")
    assert [await settled(file.read(100, at)) for at in (0, 3, 7)] == [b"content", b"tent", b""]
    found = await settled(file.stat())
    assert (found.size, found.modified_ns) == (7, 1_000_000_000)
    file.close()


async def test_errors_are_those_of_files(top: Path) -> None:
    guest = guest_of(FsspecFiles(LocalFileSystem(), str(top)))
    assert [await code_of(guest, path) for path in ("nothing", "dir/f/x", "out")] == (
        ["no-entry", "not-directory", "not-permitted"]
    )


async def test_what_a_library_raises_is_an_error_of_io(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object) -> None:
        raise RuntimeError("503 Service Unavailable")

    guest = guest_of(FsspecFiles(LocalFileSystem(), str(top)))
    monkeypatch.setattr(LocalFileSystem, "info", fail)
    assert await code_of(guest, "dir") == "io"


async def test_below_an_overlay_it_is_the_beginning(top: Path) -> None:
    upper = MemoryFiles()
    guest = guest_of(Overlay(lower=FsspecFiles(LocalFileSystem(), str(top)), upper=upper))
    file = await settled(guest.open("dir/f", False, NONE, WRITE))
    await settled(file.write(b"CON", 0))
    assert dict(upper) == {"/dir/f": b"CONtent"}
    file.close()
