"""`ZipFiles`: archives of anyone, given whole or refused."""

from __future__ import annotations

import asyncio
import io
import stat
import warnings
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.unit.wasi.filesystem.trees import at_once, code_of, guest_of
from wasihost import ConfigError
from wasihost._wasi.filesystem.answers import settled
from wasihost._wasi.filesystem.descriptor import Descriptor
from wasihost._wasi.filesystem.flags import DescriptorFlags, OpenFlags
from wasihost.files import Kind, MemoryFiles, Overlay, ZipFiles

NONE, READ, WRITE = OpenFlags(0), DescriptorFlags.READ, DescriptorFlags.WRITE
Entry = tuple[str | zipfile.ZipInfo, bytes]


def archive(entries: Iterable[Entry], method: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", method) as made:
        warnings.simplefilter("ignore")  # two of one name
        for entry, content in entries:
            made.writestr(entry, content)
    return file


def special(name: str, mode: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, (2020, 1, 2, 3, 4, 6))
    entry.external_attr = mode << 16
    return entry


def content(guest: Descriptor, path: str) -> bytes:
    file = at_once(guest.open(path, True, NONE, READ))
    try:
        return at_once(file.read(1 << 16, 0))
    finally:
        file.close()


def test_files_directories_and_links_are_found(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(
        archive(
            [
                ("a/b/c.txt", b"content"),
                ("empty/", b""),
                (special("a/link", stat.S_IFLNK | 0o777), b"b/c.txt"),
                (special("a/out", stat.S_IFLNK | 0o777), b"../../secret"),
            ]
        ).getvalue()
    )
    guest = guest_of(ZipFiles(path))
    entries = at_once(guest.entries())
    assert list(entries) == [("a", Kind.DIRECTORY), ("empty", Kind.DIRECTORY)]
    assert content(guest, "a/b/c.txt") == content(guest, "a/link") == b"content"
    assert [code_of(guest.open, name, True, NONE, READ) for name in ("a/out", "no", "a/b/c.txt/")] == (
        ["EPERM", "ENOENT", "ENOTDIR"]
    )
    found = at_once(guest.stat_at("a/link", False))
    assert (found.kind, found.size, found.modified_ns) == (Kind.SYMBOLIC_LINK, 7, 1_577_934_246_000_000_000)


def test_nothing_can_be_changed_but_in_an_overlay() -> None:
    made = archive([("f", b"old")])
    assert code_of(guest_of(ZipFiles(made)).open, "f", False, NONE, WRITE) == "EPERM"
    upper = MemoryFiles()
    guest = guest_of(Overlay(lower=ZipFiles(made), upper=upper))
    at_once(at_once(guest.open("f", False, NONE, WRITE)).write(b"NEW!", 0))
    assert (content(guest, "f"), dict(upper)) == (b"NEW!", {"/f": b"NEW!"})


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([("/etc/passwd", b"")], "the entry '/etc/passwd' has a name that leads nowhere in it"),
        ([("../x", b"")], "the entry '../x' has a name that leads nowhere in it"),
        ([("a/../../x", b"")], "leads nowhere"),
        ([("a//x", b"")], "leads nowhere"),
        ([("./x", b"")], "leads nowhere"),
        ([("x", b"1"), ("x", b"2")], "two entries have the name 'x'"),
        ([("x", b""), ("x/y", b"")], "the entry 'x/y' is in another one that is no directory"),
        ([("x/y", b""), ("x", b"")], "two entries have the name 'x'"),
        ([(special("fifo", stat.S_IFIFO), b"")], "the entry 'fifo' is no file, directory or symbolic link"),
        ([(special("link", stat.S_IFLNK), b"x" * 4096)], "the entry 'link' is no file"),
        ([("a", b"x" * 60), ("b", b"x" * 60)], "its files have more than max_bytes=100 bytes"),
        ([(f"{number}/x", b"") for number in range(8)], "it has more than max_files=15 entries"),
    ],
)
def test_an_archive_that_is_none_for_guests_is_refused(entries: list[Entry], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ZipFiles(archive(entries), max_bytes=100 if "bytes" in message else 1 << 20, max_files=15)


def test_an_encrypted_entry_is_named() -> None:
    made = bytearray(archive([("secret.txt", b"x")]).getvalue())
    made[made.index(b"PK\1\2") + 8] |= 1
    with pytest.raises(ConfigError, match=r"the entry 'secret.txt' is encrypted"):
        ZipFiles(io.BytesIO(made))


def test_an_entry_without_a_name_is_refused() -> None:
    made = bytearray(archive([("x", b"")]).getvalue())
    at = made.index(b"PK\1\2") + 28
    made[at : at + 4] = b"\0\0\1\0"  # the name is none, and its byte an extra field
    with pytest.raises(ConfigError, match="the entry '' has a name that leads nowhere in it"):
        ZipFiles(io.BytesIO(made))


def test_a_method_without_a_bound_is_refused() -> None:
    with pytest.raises(ConfigError, match="the entry 'x' is neither stored nor deflated"):
        ZipFiles(archive([("x", b"x" * 1000)], zipfile.ZIP_BZIP2))


def test_what_is_no_archive_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"ZipFiles\('nowhere.zip'\) cannot be opened: .*No such file"):
        ZipFiles("nowhere.zip")
    (tmp_path / "x.zip").write_bytes(b"no archive")
    with pytest.raises(ConfigError, match="File is not a zip file"):
        ZipFiles(tmp_path / "x.zip")


def test_damaged_content_is_an_error_when_it_is_read() -> None:
    made = bytearray(archive([("x", bytes(range(256)) * 20)], zipfile.ZIP_STORED).getvalue())
    made[500] ^= 1
    file = at_once(guest_of(ZipFiles(io.BytesIO(made))).open("x", False, NONE, READ))
    assert code_of(file.read, 1, 0) == "EIO"


@pytest.mark.parametrize("offset", range(0, 46, 2))
def test_a_damaged_entry_is_refused_or_an_error_when_it_is_read(offset: int) -> None:
    made = bytearray(archive([("x", b"content")]).getvalue())
    at = made.index(b"PK\1\2") + offset
    made[at : at + 2] = b"\xff\xff"
    try:
        files = ZipFiles(io.BytesIO(made))
    except ConfigError:
        return
    guest = guest_of(files)
    assert code_of(guest.stat_at, "x", False) in ("ok", "ENOENT")
    assert code_of(guest.open, "x", False, NONE, READ) in ("ok", "ENOENT", "ENXIO")
    if code_of(guest.open, "x", False, NONE, READ) == "ok":
        assert code_of(at_once(guest.open("x", False, NONE, READ)).read, 9, 0) in ("ok", "EIO")


async def test_a_large_file_is_decompressed_once_with_turns_for_others() -> None:
    files = ZipFiles(archive([("x", b"x" * 5_000_000)]))
    guest = guest_of(files)
    one, two = (at_once(guest.open("x", False, NONE, READ)) for _ in range(2))
    assert at_once(two.read(3, 0)) == b"xxx"
    reads = [asyncio.create_task(settled(file.read(3, 4_999_999))) for file in (one, two)]
    assert await asyncio.gather(*reads) == [b"x", b"x"]
    assert len(files.root.names["x"].content) == 5_000_000
    one.close()
    two.close()
    assert len(files.root.names["x"].content) == 0


async def test_an_entry_that_ends_early_is_an_error_when_it_is_read() -> None:
    made = bytearray(archive([("x", b"content")], zipfile.ZIP_STORED).getvalue())
    at = made.index(b"PK\1\2") + 20
    made[at : at + 8] = b"\x07\0\0\0\x09\0\0\0"  # the sizes, compressed and not
    file = at_once(guest_of(ZipFiles(io.BytesIO(made))).open("x", False, NONE, READ))
    with pytest.raises(OSError, match="it ends early"):
        await settled(file.read(9, 0))
