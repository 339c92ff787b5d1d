"""The contents of a bucket of `wasi:keyvalue`: any `MutableMapping[str, bytes]`, within bounds."""

from __future__ import annotations

import contextlib
import errno
import itertools
import sys
from collections.abc import Iterator, MutableMapping
from typing import Final

MAX_BYTES: Final = 64 << 20
PAGE: Final = 1000
"""Keys in an answer to `list-keys`."""
_FURTHEST: Final = sys.maxsize - PAGE - 1  # that `islice` can skip


class Stored:
    """A mapping that guests may fill up to so many bytes of keys and values (None: without a bound)."""

    def __init__(self, mapping: MutableMapping[str, bytes], max_bytes: int | None) -> None:
        self._mapping = mapping
        self._max_bytes = max_bytes
        self._bytes: int | None = None

    def get(self, key: str) -> bytes | None:
        """The value, if there is one."""
        return self._mapping.get(key)

    def has(self, key: str) -> bool:
        """Whether there is a value."""
        return key in self._mapping

    def set(self, key: str, value: bytes) -> None:
        """Stores a value. Errors: OSError, ENOSPC, if there is no room for it."""
        if self._max_bytes is not None:
            total = self._total() - self._size(key) + len(key.encode()) + len(value)
            if total > self._max_bytes:
                raise OSError(errno.ENOSPC, f"the bucket has room for {self._max_bytes:,} bytes")
            self._bytes = total
        self._mapping[key] = value

    def delete(self, key: str) -> None:
        """Removes a key, if it is there."""
        if self._bytes is not None:
            self._bytes -= self._size(key)
        self._mapping.pop(key, None)

    def page(self, start: int) -> tuple[list[str], int | None]:
        """Keys after so many others, and how many went before the next page, if there is one."""
        start = min(start, _FURTHEST)
        found = [*itertools.islice(self._mapping, start, start + PAGE + 1)]
        return found[:PAGE], start + PAGE if len(found) > PAGE else None

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Changes within it are made as a whole or not at all, if the mapping has a `transaction` of its own."""
        begin = getattr(self._mapping, "transaction", None)
        if begin is None:
            yield
            return
        before = self._bytes
        try:
            with begin():
                yield
        except BaseException:
            self._bytes = before
            raise

    def increment(self, key: str, delta: int, numbers: range) -> int:
        """Adds to a number in decimal digits, 0 if there is none. Errors: OSError, if the sum is not among these."""
        with self.transaction():
            value = self.get(key)
            try:
                number = delta + (0 if value is None else int(value))
            except ValueError:
                raise OSError(errno.EINVAL, f"the value of {key!r} is not a number") from None
            if number not in numbers:
                raise OSError(errno.EOVERFLOW, f"the number {number} is too large or too small")
            self.set(key, str(number).encode())
        return number

    def _total(self) -> int:
        """The bytes that it has; later changes by others than guests are not counted."""
        if self._bytes is None:
            self._bytes = sum(map(self._size, self._mapping))
        return self._bytes

    def _size(self, key: str) -> int:
        value = self._mapping.get(key)
        return 0 if value is None else len(key.encode()) + len(value)
