"""A bucket in a file of SQLite, which processes may share."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
from collections.abc import Iterator, MutableMapping
from typing import Any

from wasihost._base.errors import ConfigError
from wasihost._base.pickling import OfOneProcess

_BUSY_S = 5


class SqliteBucket(MutableMapping[str, bytes], OfOneProcess):
    """A bucket for `keyvalue` in a file of SQLite, ":memory:" for one in memory; `name` is one of several in the file.

    Several processes may use the file at a time. The last changes before a power failure may be lost; the end of the
    process loses none. Errors: ConfigError if it cannot be opened; later OSError.
    """

    _instead = "make one in each process"

    def __init__(self, path: str | os.PathLike[str], name: str = "default") -> None:
        self._path = os.fspath(path)
        self._name = name
        try:
            # The module serializes the calls of several threads (sqlite3.threadsafety).
            self._connection = sqlite3.connect(
                self._path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise ConfigError(f"{self!r} cannot be opened: {error}") from None
        try:
            self._connection.execute("PRAGMA journal_mode=WAL")
            # Not each change waits for the disk: a power failure may take the last ones, and nothing else.
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS wasi_keyvalue "
                "(bucket TEXT, key TEXT, value BLOB NOT NULL, PRIMARY KEY (bucket, key)) WITHOUT ROWID"
            )
        except sqlite3.Error as error:
            self.close()
            raise ConfigError(f"{self!r} cannot be opened: {error}") from None

    def __getitem__(self, key: str) -> bytes:
        for (value,) in self._rows("SELECT value FROM wasi_keyvalue WHERE bucket = ? AND key = ?", key):
            return bytes(value)
        raise KeyError(key)

    def __setitem__(self, key: str, value: bytes) -> None:
        self._rows("INSERT OR REPLACE INTO wasi_keyvalue VALUES (?, ?, ?)", key, value)

    def __delitem__(self, key: str) -> None:
        if not self._rows("DELETE FROM wasi_keyvalue WHERE bucket = ? AND key = ? RETURNING 1", key):
            raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return (key for (key,) in self._rows("SELECT key FROM wasi_keyvalue WHERE bucket = ? ORDER BY key"))

    def __len__(self) -> int:
        ((count,),) = self._rows("SELECT COUNT(*) FROM wasi_keyvalue WHERE bucket = ?")
        return int(count)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Changes within it are made as a whole, also for other processes; not at all if it raises."""
        with _as_os_error():
            self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            with _as_os_error():
                self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # some errors of COMMIT have ended it
                self._connection.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()

    def __repr__(self) -> str:
        return f"SqliteBucket({self._path!r}, {self._name!r})"

    def _rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with _as_os_error():
            return self._connection.execute(statement, (self._name, *values)).fetchall()


@contextlib.contextmanager
def _as_os_error() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise OSError(errno.EIO, str(error)) from error
