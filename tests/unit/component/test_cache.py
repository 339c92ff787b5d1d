"""The cache's files: what is trusted, what is not, and that no trouble with them is an error."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

import pytest

from wasihost._component import cache
from wasihost._component.cache import DIGEST_SIZE, SUFFIX, Cache, user_directory

CONTENT = bytes(range(256)) * 10


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "not" / "there"


@pytest.fixture
def entry(directory: Path) -> Path:
    """The file of CONTENT under `key`."""
    Cache(directory).put("key", CONTENT)
    return directory / f"key{SUFFIX}"


def files(directory: Path) -> list[str]:
    return sorted(path.name.removesuffix(SUFFIX) for path in directory.iterdir())


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


# ---- keeping


def test_what_was_put_is_there_for_another_cache_of_the_directory(directory: Path) -> None:
    Cache(directory).put("key", CONTENT)
    assert Cache(directory).get("key") == CONTENT


def test_putting_again_replaces(directory: Path, entry: Path) -> None:
    Cache(directory).put("key", b"new")
    assert Cache(directory).get("key") == b"new"
    assert files(directory) == ["key"]


def test_an_unknown_key_is_nothing(directory: Path, entry: Path) -> None:
    assert Cache(directory).get("another") is None


def test_asking_makes_no_directory(directory: Path) -> None:
    assert Cache(directory).get("key") is None
    assert not directory.exists()


def test_directory_and_files_are_private(directory: Path, entry: Path) -> None:
    assert (directory.stat().st_mode & 0o777, entry.stat().st_mode & 0o777) == (0o700, 0o600)


# ---- what is not trusted


@pytest.mark.parametrize("size", [0, 1, DIGEST_SIZE - 1, DIGEST_SIZE, DIGEST_SIZE + 1, DIGEST_SIZE + len(CONTENT) - 1])
def test_a_truncated_entry_is_not_used(directory: Path, entry: Path, size: int) -> None:
    entry.write_bytes(entry.read_bytes()[:size])
    assert Cache(directory).get("key") is None


@pytest.mark.parametrize("at", [0, DIGEST_SIZE - 1, DIGEST_SIZE, DIGEST_SIZE + len(CONTENT) // 2, -1])
def test_an_entry_with_one_flipped_bit_is_not_used(directory: Path, entry: Path, at: int) -> None:
    data = bytearray(entry.read_bytes())
    data[at] ^= 1
    entry.write_bytes(data)
    assert Cache(directory).get("key") is None


def test_garbage_is_not_used(directory: Path, entry: Path) -> None:
    entry.write_bytes(os.urandom(5000))
    assert Cache(directory).get("key") is None


def test_the_entry_of_another_key_is_not_used(directory: Path, entry: Path) -> None:
    entry.rename(directory / f"another{SUFFIX}")
    assert Cache(directory).get("another") is None


def test_a_damaged_entry_is_told_and_replaced(directory: Path, entry: Path, caplog: pytest.LogCaptureFixture) -> None:
    entry.write_bytes(b"damaged")
    Cache(directory).get("key")
    assert warnings(caplog) == [f"the cache of compiled components is not used: key{SUFFIX} is damaged"]
    Cache(directory).put("key", CONTENT)
    assert Cache(directory).get("key") == CONTENT


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702, 0o1777])
def test_a_directory_that_others_can_write_to_is_not_used(
    directory: Path, entry: Path, mode: int, caplog: pytest.LogCaptureFixture
) -> None:
    directory.chmod(mode)
    cache = Cache(directory)
    assert cache.get("key") is None
    cache.put("another", CONTENT)
    assert files(directory) == ["key"]
    assert warnings(caplog) == [
        f"the cache of compiled components is not used: others can write to {directory}, whose mode is {mode:o}"
    ]


def test_a_file_that_others_can_write_to_is_not_used(directory: Path, entry: Path) -> None:
    entry.chmod(0o620)
    assert Cache(directory).get("key") is None


def test_what_belongs_to_another_user_is_not_used(
    directory: Path, entry: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    other = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)
    assert Cache(directory).get("key") is None
    assert f"belongs to user {other - 1}, but this process runs as user {other}" in caplog.text


def test_a_link_is_not_followed(directory: Path, entry: Path, tmp_path: Path) -> None:
    (directory / f"another{SUFFIX}").symlink_to(entry)
    assert Cache(directory).get("another") is None


# ---- no trouble is an error


def test_a_directory_that_cannot_be_made_breaks_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tmp_path.joinpath("file").touch()
    cache = Cache(tmp_path / "file" / "cache")
    with caplog.at_level(logging.INFO):
        cache.put("key", CONTENT)
        assert cache.get("key") is None
    assert not warnings(caplog)
    assert "cannot be written: " in caplog.text


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
@pytest.mark.parametrize("call", ["open", "replace"])
def test_a_file_that_cannot_be_written_breaks_nothing_and_leaves_nothing(
    directory: Path, entry: Path, call: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = getattr(os, call)

    def refuse(path: object, *args: object, **named: object) -> object:
        if call == "open" and not (isinstance(args[0], int) and args[0] & os.O_CREAT):
            return real(path, *args, **named)
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, call, refuse)
    Cache(directory).put("another", CONTENT)
    assert files(directory) == ["key"]


def test_a_user_without_a_home_has_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def home() -> NoReturn:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", home)
    Cache().put("key", CONTENT)
    assert Cache().get("key") is None


def test_a_read_only_directory_is_still_read(directory: Path, entry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(*_: object) -> NoReturn:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "utime", read_only)
    assert Cache(directory).get("key") == CONTENT


# ---- size


def _age(directory: Path, key: str, seconds: int) -> None:
    path = directory / f"{key}{SUFFIX}"
    os.utime(path, (seconds, seconds))


def test_the_oldest_go_when_there_are_too_many(directory: Path) -> None:
    cache = Cache(directory, max_bytes=3 * (DIGEST_SIZE + len(CONTENT)))
    for age, key in enumerate("abc"):
        cache.put(key, CONTENT)
        _age(directory, key, age)
    cache.put("d", CONTENT)
    assert files(directory) == ["b", "c", "d"]


def test_what_is_used_is_not_old(directory: Path) -> None:
    cache = Cache(directory, max_bytes=2 * (DIGEST_SIZE + len(CONTENT)))
    for age, key in enumerate("ab"):
        cache.put(key, CONTENT)
        _age(directory, key, age)
    cache.get("a")
    cache.put("c", CONTENT)
    assert files(directory) == ["a", "c"]


def test_what_is_too_large_alone_is_not_kept(directory: Path, entry: Path) -> None:
    Cache(directory, max_bytes=len(CONTENT)).put("large", CONTENT)
    assert files(directory) == ["key"]


def test_what_is_larger_than_all_may_be_is_not_read(directory: Path, entry: Path) -> None:
    os.truncate(entry, 1 << 40)
    assert Cache(directory).get("key") is None


def test_a_fifo_in_the_place_of_an_entry_is_replaced(directory: Path, entry: Path) -> None:
    entry.unlink()
    os.mkfifo(entry, 0o600)
    assert Cache(directory).get("key") is None
    Cache(directory).put("key", CONTENT)
    assert Cache(directory).get("key") == CONTENT


def test_files_of_others_stay(directory: Path, entry: Path) -> None:
    (directory / "letter.txt").write_bytes(bytes(10_000))
    Cache(directory, max_bytes=DIGEST_SIZE).put("key", b"")
    assert files(directory) == ["key", "letter.txt"]


# ---- many at once

WRITER = """
import sys
from wasihost._component.cache import Cache
cache = Cache(sys.argv[1])
for _ in range(200):
    cache.put("key", sys.argv[2].encode() * 10_000)
"""


@pytest.mark.slow
def test_readers_see_one_whole_entry_however_many_processes_write_it(directory: Path, entry: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, directory, letter]) for letter in "xyz"]
    whole = {CONTENT} | {letter * 10_000 for letter in (b"x", b"y", b"z")}
    cache = Cache(directory)
    while any(writer.poll() is None for writer in writers):
        assert cache.get("key") in whole
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    assert files(directory) == ["key"]


# ---- locks

HOLDER = """
import signal, sys
from wasihost._component.cache import Cache
with Cache(sys.argv[1]).lock("key"):
    print("locked", flush=True)
    signal.pause()
"""


@pytest.fixture
def holder(directory: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock of `key`."""
    command = [sys.executable, "-c", HOLDER, str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "locked\n"
        yield process
        process.kill()


def test_a_lock_is_one_threads_at_a_time_and_leaves_no_file(directory: Path) -> None:
    inside: list[int] = []

    def work() -> None:
        for _ in range(20):
            with Cache(directory).lock("key"):
                inside.append(1)
                assert sum(inside) == 1
                inside.append(-1)

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(work) for _ in range(4)]:
            done.result()
    assert files(directory) == []


def test_a_process_that_dies_lets_go_of_its_lock(directory: Path, holder: subprocess.Popen[str]) -> None:
    threading.Timer(0.05, holder.kill).start()
    with Cache(directory).lock("key"):
        assert holder.wait() == -signal.SIGKILL


@pytest.mark.usefixtures("holder")
def test_the_lock_of_another_key_is_free(directory: Path) -> None:
    with Cache(directory).lock("another"):
        assert files(directory) == ["another.lock", "key.lock"]


def test_a_process_that_does_not_let_go_is_not_waited_for_without_end(
    directory: Path, holder: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "PATIENCE_S", 0.05)
    with Cache(directory).lock("key"):
        assert holder.poll() is None


def test_where_files_cannot_be_locked_the_lock_is_always_free(
    directory: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def flock(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", flock)
    with Cache(directory).lock("key"), Cache(directory).lock("key"):
        assert not warnings(caplog)


# ---- where


def test_the_users_cache_directory_is_the_platforms(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert user_directory() == tmp_path / "xdg" / "wasihost"
    for unset in ("", "relative/path"):
        monkeypatch.setenv("XDG_CACHE_HOME", unset)
        monkeypatch.setattr(sys, "platform", "linux")
        assert user_directory() == tmp_path / ".cache/wasihost"
        monkeypatch.setattr(sys, "platform", "darwin")
        assert user_directory() == tmp_path / "Library/Caches/wasihost"
