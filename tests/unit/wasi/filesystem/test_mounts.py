"""What is logged of a refused change, by the kind of tree."""

from __future__ import annotations

import io
import logging
import zipfile
from pathlib import Path

import pytest

from wasihost._wasi.filesystem.mounts import Mounts
from wasihost._wasi.filesystem.nodes import FileSystem
from wasihost.files import Directory, MemoryFiles, ZipFiles
from wasihost.network import Quotas


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
