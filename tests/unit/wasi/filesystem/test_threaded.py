"""`Directory(…, threads=True)`: the loop goes on, and nothing is closed under a thread or left open by one."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.wasi.filesystem.trees import make_tree, open_files
from wasihost._wasi.filesystem.answers import Later, settled
from wasihost._wasi.filesystem.descriptor import Descriptor, preopened
from wasihost._wasi.filesystem.flags import DescriptorFlags, OpenFlags
from wasihost._wasi.filesystem.mounts import Mounts
from wasihost.files import Directory

NONE = OpenFlags(0)
READ = DescriptorFlags.READ


class Slow:
    """A system call that takes until it is let go; `has_begun` when a thread is in it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        self.has_begun = threading.Event()
        self.goes_on = threading.Event()
        self.thread: threading.Thread | None = None
        self._call = getattr(os, name)
        monkeypatch.setattr(os, name, self)

    def __call__(self, *args: Any, **options: Any) -> Any:
        self.thread = threading.current_thread()
        self.has_begun.set()
        self.goes_on.wait()
        return self._call(*args, **options)

    async def begun(self) -> None:
        await asyncio.to_thread(self.has_begun.wait)

    async def ended(self) -> None:
        self.goes_on.set()
        assert self.thread is not None
        await asyncio.to_thread(self.thread.join)


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[Descriptor]:
    ((root, _),) = preopened(Mounts({"/": Directory(make_tree(tmp_path), threads=True)}, b"key"))
    yield root
    root.close()


async def test_every_operation_takes_its_thread(guest: Descriptor) -> None:
    file: Descriptor = await settled(guest.open("f", True, NONE, READ))
    assert isinstance(guest.stat_at("f", True), Later)
    assert await settled(file.read(100, 0)) == b"content"
    entries = await settled(guest.entries())
    assert {name for name, _ in entries} >= {"dir", "f", "lf"}
    await settled(guest.rename("f", guest, "g"))
    await settled(guest.link("g", False, guest, "h"))
    with pytest.raises(FileNotFoundError):
        await settled(guest.stat_at("f", True))
    file.close()


async def test_the_loop_goes_on_while_a_file_is_read(guest: Descriptor, monkeypatch: pytest.MonkeyPatch) -> None:
    file: Descriptor = await settled(guest.open("f", True, NONE, READ))
    slow = Slow(monkeypatch, "pread")
    reading: asyncio.Task[bytes] = asyncio.create_task(_read(file))
    await slow.begun()
    assert not reading.done()
    slow.goes_on.set()
    assert await reading == b"content"
    file.close()


async def _read(file: Descriptor) -> bytes:
    return await settled(file.read(100, 0))


async def test_a_file_stays_open_until_the_thread_that_reads_it_has_ended(
    guest: Descriptor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file: Descriptor = await settled(guest.open("f", True, NONE, READ))
    slow = Slow(monkeypatch, "pread")
    reading = asyncio.create_task(_read(file))
    await slow.begun()
    reading.cancel()
    await asyncio.wait([reading])
    file.close()
    assert _is_open(tmp_path / "base/f")
    await slow.ended()
    assert not _is_open(tmp_path / "base/f")


async def test_what_is_opened_for_a_guest_that_is_gone_is_closed(
    guest: Descriptor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow(monkeypatch, "fstat")
    opening = asyncio.create_task(_open(guest))
    await slow.begun()
    opening.cancel()
    await asyncio.wait([opening])
    assert _is_open(tmp_path / "base/f")
    await slow.ended()
    assert not _is_open(tmp_path / "base/f")


def _is_open(path: Path) -> bool:
    """Whether a descriptor of this process is of that file."""
    return any(os.path.realpath(f"/proc/self/fd/{number}") == str(path) for number in open_files())


async def _open(guest: Descriptor) -> Descriptor:
    return await settled(guest.open("f", True, NONE, READ))


async def test_directories_of_which_one_has_no_threads_are_different_devices(tmp_path: Path) -> None:
    base = make_tree(tmp_path)
    files = {"/a": Directory(base, threads=True), "/b": Directory(base)}
    (one, _), (other, _) = preopened(Mounts(files, b"key"))
    for guest, new in ((one, other), (other, one)):
        with pytest.raises(OSError, match=os.strerror(errno.EXDEV)):
            await settled(guest.rename("f", new, "g"))


def test_the_option_is_shown(tmp_path: Path) -> None:
    assert repr(Directory(os.fspath(tmp_path), threads=True)) == f"Directory({os.fspath(tmp_path)!r}, threads=True)"
