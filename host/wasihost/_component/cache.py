"""Compiled components on disk, so that a component that ran before starts without a compiler.

Theory of operation. An entry is one file: a SHA-256 digest, and then the bytes that `put` was given. That is native
code, so nothing is taken from a file that another user may have written or an accident changed:

* Directory and file belong to this user, and no other user may write to them. That is checked after opening, and files
  are opened within the directory that was asked.
* The digest is that of key and content; `get` gives the bytes that were checked, not a file that might still change.

An entry that fails is compiled again and replaced. Writers make a file of their own and rename it, so that many can be
at it. A process that compiles holds the lock of the key, flock(2) on a file beside the entry, and others wait for the
entry: for `PATIENCE_S` at most, and a process that dies holds nothing. The holder removes the file in the end, so a
lock counts only if its file is still there once it is got. A cache that does not work is never an error: the log says
why, and components are compiled.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from wasihost._base import files

MAX_BYTES = 512 << 20  # as in Wasmtime's own cache
PATIENCE_S = 30.0  # a component of 50 MB compiles in half of that
_PAUSE_S = 0.01
SUFFIX = ".wasihost"  # of every file of ours; no other file is touched
DIGEST_SIZE = 32
_OTHERS_CAN_WRITE = stat.S_IWGRP | stat.S_IWOTH

_log = logging.getLogger("wasihost.cache")


class _Distrust(Exception):
    """The file may not be one that we wrote."""


def user_directory() -> Path:
    """This platform's directory for files that can be made again: `~/.cache/wasihost`, or as XDG_CACHE_HOME says."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(given):
        return Path(given, "wasihost")
    return Path.home().joinpath("Library/Caches" if sys.platform == "darwin" else ".cache", "wasihost")


def problem() -> str | None:
    """Why the user's directory is not used as a cache, if it is not."""
    try:
        with Cache()._opened():
            return None
    except FileNotFoundError:
        return None  # it is made when it is needed
    except (_Distrust, OSError, RuntimeError) as error:
        return str(error)


class Cache:
    """Keeps compiled components in a directory, by default in the user's cache directory.

    The directory is made when it is missing; no other user may have write access to it. When its files take more
    than `max_bytes`, those go that were not used for longest. To clear the cache, delete the directory.
    """

    def __init__(self, directory: str | os.PathLike[str] | None = None, *, max_bytes: int = MAX_BYTES) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        self._reported = ""

    def __repr__(self) -> str:
        return f"Cache({os.fspath(self._path)!r})"

    def get(self, key: str) -> bytes | None:
        """The bytes put under this key, if they are there and can be trusted."""
        with self._reporting("read"), contextlib.suppress(FileNotFoundError), self._opened() as directory:
            return _read(directory, key, self._max_bytes)
        return None

    def put(self, key: str, content: bytes) -> None:
        """Keeps `content` under this key."""
        if DIGEST_SIZE + len(content) > self._max_bytes:
            return
        with self._reporting("written"):
            os.makedirs(self._path, 0o700, exist_ok=True)
            with self._opened() as directory:
                _write(directory, key, content)
                _remove_oldest(directory, self._max_bytes)

    @contextlib.contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """Meanwhile no other process or thread is in the lock of this key, unless it waited for `PATIENCE_S`.

        Where files cannot be locked it does nothing.
        """
        path = os.path.join(self._path, f"{key}.lock{SUFFIX}")
        descriptor = None
        with self._reporting("locked"):
            os.makedirs(self._path, 0o700, exist_ok=True)
            with self._opened():
                descriptor = _locked(path)
        try:
            yield
        finally:
            if descriptor is not None:
                with contextlib.suppress(OSError):
                    os.unlink(path)
                fcntl.flock(descriptor, fcntl.LOCK_UN)  # a child process may have the descriptor too
                os.close(descriptor)

    @property
    def _path(self) -> str | os.PathLike[str]:
        return user_directory() if self._directory is None else self._directory

    @contextlib.contextmanager
    def _opened(self) -> Iterator[int]:
        directory = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            _check_private(directory, str(self._path))
            yield directory
        finally:
            os.close(directory)

    @contextlib.contextmanager
    def _reporting(self, verb: str) -> Iterator[None]:
        try:
            yield
        except _Distrust as error:
            if self._reported != str(error):  # once, and not for `get` and `put`
                self._reported = str(error)
                _log.warning("the cache of compiled components is not used: %s", error)
        except (OSError, RuntimeError) as error:  # RuntimeError: this user has no home
            _log.info("the cache of compiled components cannot be %s: %s", verb, error)


def _check_private(descriptor: int, path: str) -> int:
    """The size of a file that only this user can write to."""
    found = os.fstat(descriptor)
    if found.st_uid != os.geteuid():
        raise _Distrust(f"{path} belongs to user {found.st_uid}, but this process runs as user {os.geteuid()}")
    if found.st_mode & _OTHERS_CAN_WRITE:
        raise _Distrust(f"others can write to {path}, whose mode is {stat.S_IMODE(found.st_mode):o}")
    return found.st_size


def _digest(key: str, content: bytes) -> bytes:
    from hashlib import sha256  # takes 1 ms to import

    digest = sha256(key.encode())
    digest.update(content)
    return digest.digest()


def _read(directory: int, key: str, max_bytes: int) -> bytes:
    name = key + SUFFIX
    with open(files.regular(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=directory), "rb") as file:
        size = _check_private(file.fileno(), name)
        if size > max_bytes:
            raise _Distrust(f"{name} has {size} bytes, but all files together may have {max_bytes}")
        digest = file.read(DIGEST_SIZE)
        content = file.read()
        if digest != _digest(key, content):
            raise _Distrust(f"{name} is damaged")
        with contextlib.suppress(OSError):
            os.utime(file.fileno())  # used just now, see _remove_oldest
        return content


def _write(directory: int, key: str, content: bytes) -> None:
    temporary = os.urandom(8).hex() + SUFFIX
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=directory), "wb") as file:
            file.write(_digest(key, content))
            file.write(content)
        os.replace(temporary, key + SUFFIX, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        _remove(directory, temporary)
        raise


def _locked(path: str) -> int | None:
    """The descriptor of a file that this process has locked; None if others keep it locked for too long."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with contextlib.ExitStack() as stack:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
            stack.callback(os.close, descriptor)
            with contextlib.suppress(BlockingIOError, FileNotFoundError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.path.samestat(os.stat(path), os.fstat(descriptor)):
                    stack.pop_all()
                    return descriptor
        time.sleep(_PAUSE_S)
    return None


def _remove(directory: int, name: str) -> None:
    with contextlib.suppress(FileNotFoundError):  # another process was faster
        os.unlink(name, dir_fd=directory)


def _remove_oldest(directory: int, max_bytes: int) -> None:
    with os.scandir(directory) as entries:
        files = [(entry.stat(follow_symlinks=False), entry.name) for entry in entries if entry.name.endswith(SUFFIX)]
    files.sort(key=lambda file: file[0].st_mtime_ns)
    total = sum(status.st_size for status, _ in files)
    for status, name in files:
        if total <= max_bytes:
            return
        _remove(directory, name)
        total -= status.st_size
