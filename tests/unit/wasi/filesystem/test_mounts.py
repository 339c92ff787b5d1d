"""Each directory of a guest is a tree of its own; and what is logged of a refused change, by the kind of tree."""

from __future__ import annotations

import io
import logging
import zipfile
from pathlib import Path

import pytest

from wasihost._wasi.filesystem.answers import Later
from wasihost._wasi.filesystem.descriptor import Descriptor, preopened
from wasihost._wasi.filesystem.flags import DescriptorFlags, OpenFlags
from wasihost._wasi.filesystem.mounts import Mounts
from wasihost._wasi.filesystem.nodes import FileSystem
from wasihost.files import Directory, MemoryFiles, ZipFiles
from wasihost.network import Quotas


def names(top: Descriptor) -> list[str]:
    """The names in a directory in memory."""
    found = top.entries()
    assert not isinstance(found, Later)
    return [name for name, _ in found]


def content(top: Descriptor, path: str) -> object:
    """The content of a file below a directory in memory."""
    file = top.open(path, False, OpenFlags(0), DescriptorFlags.READ)
    assert not isinstance(file, Later)
    return file.read(100, 0)


def test_a_directory_does_not_show_another_one_of_the_guest_whose_name_is_below_its_own() -> None:
    mounts = Mounts({"/": MemoryFiles({"/file": b""}), "/tmp": MemoryFiles({"/x": b""})})
    (top, _), (tmp, _) = preopened(mounts)
    assert (names(top), names(tmp)) == (["file"], ["x"])
    with pytest.raises(OSError, match="No such file"):
        content(top, "tmp/x")


def test_a_directory_of_its_own_is_what_it_shows_under_the_name_of_another_one() -> None:
    mounts = Mounts({"/": MemoryFiles({"/tmp/x": b"of /"}), "/tmp": MemoryFiles({"/x": b"of /tmp"})})
    (top, _), (tmp, _) = preopened(mounts)
    assert names(top) == ["tmp"]
    assert (content(top, "tmp/x"), content(tmp, "x")) == (b"of /", b"of /tmp")


def archive() -> ZipFiles:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as made:
        made.writestr("a", "")
    return ZipFiles(content)


def logged(files: FileSystem, caplog: pytest.LogCaptureFixture) -> str:
    """What is logged of a refused change in these files, as `/d`."""
    mounts = Mounts({"/d": files}, quotas=Quotas(files=3))
    with caplog.at_level(logging.WARNING, "wasihost.files"):
        for mount, root in mounts.opened():
            mount.refused_change("x")
            root.close()
    return caplog.messages[0].removeprefix("refused to change 'x' in '/d': ")


def test_a_directory_names_the_option_that_lets_it_be_changed(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    told = logged(Directory(tmp_path, read_only=True), caplog)
    assert told == "it is read-only (--dir HOST::/d, without ::ro)"


def test_an_archive_names_no_option_that_would_not_help(caplog: pytest.LogCaptureFixture) -> None:
    assert logged(archive(), caplog) == "it is read-only (--dir HOST::/d for a directory with the same files)"


def test_another_tree_names_no_option(caplog: pytest.LogCaptureFixture) -> None:
    class ReadOnly(MemoryFiles):
        read_only = True

    assert logged(ReadOnly(), caplog) == "it is read-only"
