"""The bindings of both drafts of `wasi:keyvalue` 0.2: `draft`, of Wasmtime and wasmCloud, and `draft2`, of Spin.

The second one has compare-and-swap, signed numbers, and texts as cursors.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from wasihost._base.frozen import Frozen
from wasihost._component.values import WitError
from wasihost._providers.buckets import Stored

U64 = range(1 << 64)
S64 = range(-1 << 63, 1 << 63)


class Error(Frozen):
    """WIT: `variant error { no-such-store, access-denied, other(string) }`."""

    case: str
    value: str | None = None


class KeyResponse(Frozen):
    """WIT: `record key-response`; the cursor is a number in the first draft, and a text in the second."""

    keys: list[str]
    cursor: int | str | None


@contextlib.contextmanager
def _failing() -> Iterator[None]:
    """Makes an OSError of a bucket an `error`."""
    try:
        yield
    except PermissionError:
        raise WitError(Error("access-denied")) from None
    except OSError as error:
        raise WitError(Error("other", error.strerror or str(error))) from None


class _Bucket:
    """The methods of `resource bucket` in both drafts."""

    def __init__(self, contents: Stored) -> None:
        self.contents = contents

    def get(self, key: str) -> bytes | None:
        """WIT: `get: func(key: string) -> result<option<list<u8>>, error>`."""
        with _failing():
            return self.contents.get(key)

    def set(self, key: str, value: bytes) -> None:
        """WIT: `set: func(key: string, value: list<u8>) -> result<_, error>`; `other` if there is no room for it."""
        with _failing():
            self.contents.set(key, value)

    def delete(self, key: str) -> None:
        """WIT: `delete: func(key: string) -> result<_, error>`."""
        with _failing():
            self.contents.delete(key)

    def exists(self, key: str) -> bool:
        """WIT: `exists: func(key: string) -> result<bool, error>`."""
        with _failing():
            return self.contents.has(key)


class _KeyValue:
    """The functions of `store` and `batch` that are the same in both drafts."""

    Bucket: ClassVar[Any]

    def __init__(self, buckets: Mapping[str, Stored]) -> None:
        self._buckets = buckets

    def open(self, identifier: str) -> _Bucket:
        """WIT: `open: func(identifier: string) -> result<bucket, error>`; `no-such-store` if there is none."""
        found = self._buckets.get(identifier)
        if found is None:
            raise WitError(Error("no-such-store"))
        bucket: _Bucket = self.Bucket(found)
        return bucket

    def set_many(self, bucket: _Bucket, key_values: Sequence[tuple[str, bytes]]) -> None:
        """WIT: `set-many: func(bucket: borrow<bucket>, key-values: list<tuple<string, list<u8>>>)
        -> result<_, error>`."""
        with _failing(), bucket.contents.transaction():
            for key, value in key_values:
                bucket.contents.set(key, value)

    def delete_many(self, bucket: _Bucket, keys: Sequence[str]) -> None:
        """WIT: `delete-many: func(bucket: borrow<bucket>, keys: list<string>) -> result<_, error>`."""
        with _failing(), bucket.contents.transaction():
            for key in keys:
                bucket.contents.delete(key)


class Bucket1(_Bucket):
    """WIT: `resource bucket` of the first draft."""

    def list_keys(self, cursor: int | None) -> KeyResponse:
        """WIT: `list-keys: func(cursor: option<u64>) -> result<key-response, error>`; pages of 1,000 keys."""
        with _failing():
            return KeyResponse(*self.contents.page(cursor or 0))


class Draft(_KeyValue):
    """`store`, `atomics` and `batch` of the first draft."""

    Bucket = Bucket1

    def increment(self, bucket: Bucket1, key: str, delta: int) -> int:
        """WIT: `increment: func(bucket: borrow<bucket>, key: string, delta: u64) -> result<u64, error>`.

        The value is the number in decimal digits. `other`: it is no number, or would not fit.
        """
        with _failing():
            return bucket.contents.increment(key, delta, U64)

    def get_many(self, bucket: Bucket1, keys: Sequence[str]) -> list[tuple[str, bytes] | None]:
        """WIT: `get-many: func(bucket: borrow<bucket>, keys: list<string>)
        -> result<list<option<tuple<string, list<u8>>>>, error>`."""
        with _failing():
            found = [(key, bucket.contents.get(key)) for key in keys]
        return [None if value is None else (key, value) for key, value in found]


class Bucket2(_Bucket):
    """WIT: `resource bucket` of the second draft."""

    def list_keys(self, cursor: str | None) -> KeyResponse:
        """WIT: `list-keys: func(cursor: option<string>) -> result<key-response, error>`; pages of 1,000 keys.

        `other`: the cursor is not of an answer.
        """
        if cursor is not None and not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 20):
            raise WitError(Error("other", "the cursor is not of an answer"))
        with _failing():
            keys, following = self.contents.page(int(cursor or 0))
        return KeyResponse(keys, None if following is None else str(following))


class CasError(Frozen):
    """WIT: `variant cas-error { store-error(error), cas-failed(cas) }`."""

    case: str
    value: Error | CasHandle


class CasHandle:
    """WIT: `resource cas`: the value that a key had."""

    def __init__(self, contents: Stored, key: str) -> None:
        self.contents = contents
        self.key = key
        self.value = contents.get(key)

    @staticmethod
    def new(_provider: Draft2, bucket: Bucket2, key: str) -> CasHandle:
        """WIT: `new: static func(bucket: borrow<bucket>, key: string) -> result<cas, error>`."""
        with _failing():
            return CasHandle(bucket.contents, key)

    def current(self) -> bytes | None:
        """WIT: `current: func() -> result<option<list<u8>>, error>`."""
        return self.value


class Draft2(_KeyValue):
    """`store`, `atomics` and `batch` of the second draft."""

    Bucket = Bucket2
    Cas = CasHandle

    def increment(self, bucket: Bucket2, key: str, delta: int) -> int:
        """WIT: `increment: func(bucket: borrow<bucket>, key: string, delta: s64) -> result<s64, error>`.

        The value is the number in decimal digits. `other`: it is no number, or would not fit.
        """
        with _failing():
            return bucket.contents.increment(key, delta, S64)

    def swap(self, cas: CasHandle, value: bytes) -> None:
        """WIT: `swap: func(cas: cas, value: list<u8>) -> result<_, cas-error>`.

        `cas-failed`: the key has another value by now; with a handle to try again.
        """
        try:
            with _failing(), cas.contents.transaction():
                is_same = cas.contents.get(cas.key) == cas.value
                if is_same:
                    cas.contents.set(cas.key, value)
                newer = CasHandle(cas.contents, cas.key)
        except WitError as error:
            raise WitError(CasError("store-error", error.value)) from None
        if not is_same:
            raise WitError(CasError("cas-failed", newer))

    def get_many(self, bucket: Bucket2, keys: Sequence[str]) -> list[tuple[str, bytes | None]]:
        """WIT: `get-many: func(bucket: borrow<bucket>, keys: list<string>)
        -> result<list<tuple<string, option<list<u8>>>>, error>`."""
        with _failing():
            return [(key, bucket.contents.get(key)) for key in keys]
