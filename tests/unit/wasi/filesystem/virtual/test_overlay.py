"""`Overlay`: the lower layer stays as it is, and guests notice nothing of layers."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tests.unit.wasi.filesystem.trees import at_once, code_of, guest_of, open_files
from tests.unit.wasi.filesystem.virtual.waiting import WaitingFiles
from wasihost import ConfigError
from wasihost._wasi.filesystem.answers import settled
from wasihost._wasi.filesystem.descriptor import Descriptor
from wasihost._wasi.filesystem.flags import DescriptorFlags, OpenFlags
from wasihost.files import Directory, MemoryFiles, Overlay

NONE, READ, WRITE = OpenFlags(0), DescriptorFlags.READ, DescriptorFlags.WRITE


@pytest.fixture
def lower(tmp_path: Path) -> Path:
    """A directory of which nothing is changed."""
    lower = tmp_path / "lower"
    (lower / "dir/sub").mkdir(parents=True)
    (lower / "dir/f").write_text("content")
    (lower / "dir/link").symlink_to("f")
    (lower / "top").write_text("top")
    os.utime(lower / "dir/f", ns=(1, 2))
    return lower


def layered(lower: Path, upper: MemoryFiles | None = None) -> Overlay:
    return Overlay(lower=Directory(lower, read_only=True), upper=MemoryFiles() if upper is None else upper)


def opened(guest: Descriptor, path: str, use: DescriptorFlags = READ, how: OpenFlags = NONE) -> Descriptor:
    return at_once(guest.open(path, True, how, use))


def on_disk(top: Path) -> list[tuple[str, object]]:
    """All that is below a directory, with its times."""
    found = sorted(top.rglob("*"))
    return [(str(path), (path.lstat().st_mtime_ns, path.is_file() and path.read_bytes())) for path in found]


def names(guest: Descriptor, path: str) -> list[str]:
    return sorted(name for name, _ in at_once(opened(guest, path).entries()))


def test_every_change_is_in_the_upper_layer(lower: Path) -> None:
    before = on_disk(lower)
    upper = MemoryFiles()
    guest = guest_of(layered(lower, upper))
    at_once(opened(guest, "dir/f", WRITE).write(b"CON", 0))
    at_once(opened(guest, "dir/new", WRITE, OpenFlags.CREATE).write(b"new", 0))
    guest.remove_file("top")
    guest.rename("dir/sub", guest, "moved")
    assert on_disk(lower) == before
    assert dict(upper) == {"/dir/f": b"CONtent", "/dir/new": b"new"}
    assert (names(guest, "."), names(guest, "dir")) == (["dir", "moved"], ["f", "link", "new"])


def test_what_is_open_follows_the_copy(lower: Path) -> None:
    guest = guest_of(layered(lower))
    reader, writer = opened(guest, "dir/f"), opened(guest, "dir/f", WRITE)
    identity = guest.identity_hash_at("dir/f", False)
    at_once(writer.write(b"CON", 0))
    assert at_once(reader.read(100, 0)) == b"CONtent"
    assert guest.identity_hash_at("dir/f", False) == reader.identity_hash() == identity


def test_a_copy_keeps_its_times_until_it_is_written(lower: Path) -> None:
    guest = guest_of(layered(lower))
    guest.link("dir/f", False, guest, "hard")
    found = at_once(guest.stat_at("dir/f", False))
    assert (found.accessed_ns, found.modified_ns, found.links) == (1, 2, 2)


def test_a_file_that_was_removed_can_be_written_further(lower: Path) -> None:
    upper = MemoryFiles()
    guest = guest_of(layered(lower, upper))
    file = opened(guest, "dir/f", READ | WRITE)
    guest.remove_file("dir/f")
    at_once(file.write(b"CON", 0))
    assert (at_once(file.read(100, 0)), at_once(file.stat()).links) == (b"CONtent", 0)
    assert (dict(upper), names(guest, "dir"), names(guest, ".")) == ({}, ["link", "sub"], ["dir", "top"])
    file.close()
    assert upper.used_bytes == 0


def test_a_moved_directory_takes_what_is_below_it_along(lower: Path) -> None:
    guest = guest_of(layered(lower))
    inode = guest.identity_hash_at("dir", False)
    guest.rename("dir", guest, "moved")
    guest.create_directory("dir")
    assert (names(guest, "moved"), names(guest, "dir")) == (["f", "link", "sub"], [])
    assert at_once(opened(guest, "moved/link").read(100, 0)) == b"content"
    assert guest.identity_hash_at("moved", False) == inode != guest.identity_hash_at("dir", False)


def test_what_does_not_fit_is_not_copied_in_part(lower: Path) -> None:
    upper = MemoryFiles(max_bytes=3)
    guest = guest_of(layered(lower, upper))
    file = opened(guest, "dir/f", READ | WRITE)
    assert (code_of(file.write, b"x", 0), dict(upper), at_once(file.read(9, 0))) == ("ENOSPC", {}, b"content")
    assert code_of(guest.open, "dir/f", False, OpenFlags.TRUNCATE, WRITE) == "ok"
    assert (dict(upper), at_once(file.read(9, 0))) == ({"/dir/f": b""}, b"")


def test_what_the_upper_layer_has_before_is_found_first(lower: Path) -> None:
    guest = guest_of(layered(lower, MemoryFiles({"/dir/f": b"upper", "/dir/sub": b"file", "/new": b""})))
    assert (names(guest, "."), names(guest, "dir")) == (["dir", "new", "top"], ["f", "link", "sub"])
    assert [at_once(opened(guest, f"dir/{name}").read(9, 0)) for name in ("f", "sub")] == [b"upper", b"file"]


def test_deletions_last_as_long_as_the_overlay_and_changes_as_long_as_the_upper_layer(lower: Path) -> None:
    upper = MemoryFiles()
    files = layered(lower, upper)
    first = guest_of(files)
    first.remove_file("top")
    first.rename("dir", first, "moved")
    at_once(opened(first, "moved/new", WRITE, OpenFlags.CREATE).write(b"new", 0))
    later = guest_of(files)
    assert (names(later, "."), names(later, "moved")) == (["moved"], ["f", "link", "new", "sub"])
    other = guest_of(layered(lower, upper))
    assert (names(other, "."), names(other, "moved")) == (["dir", "moved", "top"], ["new"])


def test_hard_links_below_are_files_of_their_own_once_one_is_changed(lower: Path) -> None:
    os.link(lower / "top", lower / "hard")
    guest = guest_of(layered(lower))
    first, second = (opened(guest, name, READ | WRITE) for name in ("top", "hard"))
    assert guest.identity_hash_at("top", False) == guest.identity_hash_at("hard", False)
    at_once(first.write(b"TOP", 0))
    assert (at_once(first.read(9, 0)), at_once(second.read(9, 0))) == (b"TOP", b"top")
    assert guest.identity_hash_at("top", False) != guest.identity_hash_at("hard", False)


def test_special_files_and_names_below_that_are_no_utf_8(lower: Path) -> None:
    os.mkfifo(lower / "pipe")
    (lower / os.fsdecode(b"\xff")).mkdir()
    (lower / os.fsdecode(b"\xff") / "x").touch()
    guest = guest_of(layered(lower))
    assert names(guest, ".") == ["dir", "pipe", "top", "\udcff"]
    assert code_of(guest.rename, "pipe", guest, "other") == "ENOTSUP"
    assert code_of(guest.remove_file, "pipe") == "ok"
    assert names(guest, ".") == ["dir", "top", "\udcff"]


def test_a_link_out_of_the_lower_layer_leads_nowhere(lower: Path) -> None:
    (lower.parent / "secret").write_text("secret")
    (lower / "out").symlink_to("../secret")
    (lower / "absolute").symlink_to(lower.parent / "secret")
    guest = guest_of(layered(lower))
    assert [code_of(guest.open, path, True, NONE, READ) for path in ("out", "absolute")] == ["EPERM", "EPERM"]


def test_descriptors_of_the_lower_layer_are_closed(lower: Path) -> None:
    before = open_files()
    files = layered(lower)
    guest = guest_of(files)
    kept = open_files()
    one, two = (opened(guest, "dir/f", READ | WRITE) for _ in range(2))
    assert at_once(one.read(9, 0)) == at_once(two.read(9, 0)) == b"content"
    at_once(one.write(b"x", 0))
    one.close()
    two.close()
    names(guest, "dir")
    assert open_files() == kept
    del files, guest, one, two
    assert open_files() <= before


async def test_layers_that_wait_copy_a_file_once() -> None:
    upper = WaitingFiles()
    guest = guest_of(Overlay(lower=MemoryFiles({"/f": b"x" * 3_000_000}), upper=upper))
    files = [await settled(guest.open("f", False, NONE, WRITE)) for _ in range(3)]
    written = [asyncio.create_task(settled(file.write(b"y", at))) for at, file in enumerate(files)]
    assert await asyncio.gather(*written) == [1, 1, 1]
    assert dict(upper.inner) == {"/f": b"yyy" + b"x" * 2_999_997}


def test_layers_of_another_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"upper is a VirtualFiles, such as MemoryFiles\(\), not Directory"):
        Overlay(lower=MemoryFiles(), upper=Directory(tmp_path))
    with pytest.raises(ConfigError, match="lower is a Directory or a VirtualFiles, not 'app'"):
        Overlay(lower="app", upper=MemoryFiles())  # type: ignore[arg-type]
