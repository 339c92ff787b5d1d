"""Paths of guests on a directory of the host: each hostile one, on each way to open, gives what the reference gives."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.wasi.filesystem.trees import both_ways, code_of, descriptor, make_tree, open_files, policy_of
from wasihost._wasi.filesystem.flags import DescriptorFlags, OpenFlags
from wasihost._wasi.filesystem.sandbox import open_beneath

READ = (OpenFlags(0), DescriptorFlags.READ)
WAYS = pytest.mark.parametrize("way", ["openat2", "walk", "with a policy"])

# open, open +follow, stat, stat +follow, readlink, create-directory, remove-directory, unlink
TABLE = {
    "": "ENOENT ENOENT ENOENT ENOENT ENOENT ENOENT ENOENT ENOENT",
    "/": "EPERM EPERM EPERM EPERM EPERM EPERM EPERM EPERM",
    "/f": "EPERM EPERM EPERM EPERM EPERM EPERM EPERM EPERM",
    ".": "ok ok ok ok EINVAL EEXIST EINVAL EISDIR",
    "./": "ok ok ok ok EINVAL EEXIST EINVAL EISDIR",
    "..": "EPERM EPERM EPERM EPERM EPERM EPERM EPERM EPERM",
    "../": "EPERM EPERM EPERM EPERM EPERM EPERM EPERM EPERM",
    "f": "ok ok ok ok EINVAL EEXIST ENOTDIR ok",
    ".//f": "ok ok ok ok EINVAL EEXIST ENOTDIR ok",
    "f/": "ENOTDIR ENOTDIR ENOTDIR ENOTDIR ENOTDIR EEXIST ENOTDIR ENOTDIR",
    "f/.": "ENOTDIR ENOTDIR ENOTDIR ENOTDIR ENOTDIR ENOTDIR ENOTDIR ENOTDIR",
    "dir": "ok ok ok ok EINVAL EEXIST ENOTEMPTY EISDIR",
    "dir/": "ok ok ok ok EINVAL EEXIST ENOTEMPTY EISDIR",
    "dir/.": "ok ok ok ok EINVAL EEXIST EINVAL EISDIR",
    "dir/..": "ok ok ok ok EINVAL EEXIST EINVAL EISDIR",
    "dir/../f": "ok ok ok ok EINVAL EEXIST ENOTDIR ok",
    "dir/../..": "EPERM EPERM EPERM EPERM EPERM EPERM EPERM EPERM",
    "dir/../../base/f": "EPERM EPERM EPERM EPERM EPERM EPERM EPERM EPERM",
    "dir/back": "ELOOP ok ok ok ok EEXIST ENOTDIR ok",
    "lf": "ELOOP ok ok ok ok EEXIST ENOTDIR ok",
    "lf/": "ENOTDIR ENOTDIR ENOTDIR ENOTDIR ENOTDIR EEXIST ENOTDIR ENOTDIR",
    "ld": "ELOOP ok ok ok ok EEXIST ENOTDIR ok",
    "ld/": "ok ok ok ok EINVAL EEXIST ENOTDIR EISDIR",
    "ld/x": "ok ok ok ok EINVAL EEXIST ENOTDIR ok",
    "slash": "ELOOP ok ok ok ok EEXIST ENOTDIR ok",
    "dangling": "ELOOP ENOENT ok ENOENT ok EEXIST ENOTDIR ok",
    "esc": "ELOOP EPERM ok EPERM ok EEXIST ENOTDIR ok",
    "abs": "ELOOP EPERM ok EPERM EPERM EEXIST ENOTDIR ok",
    "abs/x": "EPERM EPERM EPERM EPERM EPERM EPERM EPERM EPERM",
    "escd/secret": "EPERM EPERM EPERM EPERM EPERM EPERM EPERM EPERM",
    "up/base/f": "EPERM EPERM EPERM EPERM EPERM EPERM EPERM EPERM",
    "loop1": "ELOOP ELOOP ok ELOOP ok EEXIST ENOTDIR ok",
    "loop1/x": "ELOOP ELOOP ELOOP ELOOP ELOOP ELOOP ELOOP ELOOP",
    "nope": "ENOENT ENOENT ENOENT ENOENT ENOENT ok ENOENT ENOENT",
    "nope/": "ENOENT ENOENT ENOENT ENOENT ENOENT ok ENOENT ENOENT",
    "nope/.": "ENOENT ENOENT ENOENT ENOENT ENOENT ENOENT ENOENT ENOENT",
    "nope/../f": "ENOENT ENOENT ENOENT ENOENT ENOENT ENOENT ENOENT ENOENT",
    "f/x": "ENOTDIR ENOTDIR ENOTDIR ENOTDIR ENOTDIR ENOTDIR ENOTDIR ENOTDIR",
    "f/../f": "ENOTDIR ENOTDIR ENOTDIR ENOTDIR ENOTDIR ENOTDIR ENOTDIR ENOTDIR",
    "a\0b": "EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL",
    "f\0": "EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL",
    "n" * 256: " ".join(["ENAMETOOLONG"] * 8),
    "d/" * 2100: " ".join(["ENAMETOOLONG"] * 8),
}


@WAYS
@pytest.mark.parametrize("path", TABLE, ids=lambda path: repr(path[:20]))
def test_a_path_gives_what_it_gives_in_the_reference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, path: str
) -> None:
    both_ways(monkeypatch, way)
    guest = descriptor(make_tree(tmp_path), policy=policy_of(way))
    before = open_files()
    results = [
        code_of(guest.open, path, False, *READ),
        code_of(guest.open, path, True, *READ),
        code_of(guest.stat_at, path, False),
        code_of(guest.stat_at, path, True),
        code_of(guest.readlink, path),
        code_of(guest.create_directory, path),
    ]
    if results[5] == "ok":
        guest.remove_directory(path)
    results += [code_of(guest.remove_directory, path), code_of(guest.remove_file, path)]
    assert " ".join(results) == TABLE[path]
    assert open_files() <= before


CREATE = {
    "new": "ok ok",
    "f": "ok ok",
    "dir": "EISDIR EISDIR",
    "new/": "EISDIR EISDIR",
    "f/": "EISDIR EISDIR",
    "lf": "ELOOP ok",
    "dangling": "ELOOP ok",
    "esc": "ELOOP EPERM",
    "escd/new": "EPERM EPERM",
    "abs": "ELOOP EPERM",
    "../new": "EPERM EPERM",
    "nope/new": "ENOENT ENOENT",
    "ld/new": "ok ok",
}


@WAYS
@pytest.mark.parametrize("path", CREATE)
def test_creating_a_file_never_leaves_the_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, path: str
) -> None:
    both_ways(monkeypatch, way)
    base = make_tree(tmp_path)
    outside = sorted((tmp_path / "out").iterdir())
    how, use = OpenFlags.CREATE, DescriptorFlags.WRITE
    results = [
        code_of(descriptor(base, policy=policy_of(way)).open, path, follow, how, use) for follow in (False, True)
    ]
    assert " ".join(results) == CREATE[path]
    assert sorted((tmp_path / "out").iterdir()) == outside
    assert (base / "nowhere").exists() == (path == "dangling")


@WAYS
def test_an_exclusive_creation_never_follows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    both_ways(monkeypatch, way)
    guest = descriptor(make_tree(tmp_path), policy=policy_of(way))
    how = OpenFlags.CREATE | OpenFlags.EXCLUSIVE
    found = {path: code_of(guest.open, path, True, how, DescriptorFlags.WRITE) for path in ("f", "dangling", "new")}
    assert found == {"f": "EEXIST", "dangling": "EEXIST", "new": "ok"}


@WAYS
def test_forty_links_are_followed_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    both_ways(monkeypatch, way)
    base = make_tree(tmp_path)
    for number in range(41):
        (base / f"l{number + 1}").symlink_to(f"l{number}" if number else "f")
    guest = descriptor(base, policy=policy_of(way))
    assert [code_of(guest.stat_at, path, True) for path in ("l40", "l41")] == ["ok", "ELOOP"]


def test_a_filter_that_forbids_openat2_is_answered_by_walking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_args: object) -> int:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("wasihost._wasi.filesystem.system.openat2", refused)
    monkeypatch.setattr("wasihost._wasi.filesystem.sandbox.uses_openat2", True)
    guest = descriptor(make_tree(tmp_path))
    assert [code_of(guest.open, path, True, *READ) for path in ("ld/x", "esc")] == ["ok", "EPERM"]


def test_a_kernel_without_openat2_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def missing(*_args: object) -> int:
        asked.append(1)
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr("wasihost._wasi.filesystem.system.openat2", missing)
    monkeypatch.setattr("wasihost._wasi.filesystem.sandbox.uses_openat2", True)
    guest = descriptor(make_tree(tmp_path))
    assert [code_of(guest.open, path, True, *READ) for path in ("ld/x", "esc")] == ["ok", "EPERM"]
    assert len(asked) == 1


ATTACK = """
import os
while True:
    os.rename("a/b", "a/gone")
    os.rename("swap", "a/b")
    os.rename("a/b", "swap")
    os.rename("a/gone", "a/b")
"""


@pytest.mark.parametrize("way", ["openat2", "walk"])
def test_an_attacker_that_swaps_a_directory_for_a_link_gains_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    both_ways(monkeypatch, way)
    base = make_tree(tmp_path)
    (base / "a" / "b").mkdir(parents=True)
    (base / "a" / "b" / "secret").write_text("inside")
    (base / "swap").symlink_to("../../out")
    directory = os.open(base, os.O_RDONLY)
    attacker = subprocess.Popen([sys.executable, "-c", ATTACK], cwd=base)
    reads = refusals = 0
    try:
        while reads < 2000 or refusals < 500:
            try:
                fd = open_beneath(directory, "a/b/secret", os.O_RDONLY)
            except OSError:
                refusals += 1
                continue
            assert os.read(fd, 100) == b"inside"
            os.close(fd)
            reads += 1
    finally:
        attacker.kill()
        attacker.wait()
        os.close(directory)
