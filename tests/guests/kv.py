"""A key-value store in Python for `rust-kv-client`: what a user of the library would write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from typing import Any, ClassVar

from wasihost import GuestStream, WitError

STORE = "example:kv/store@1.0.0"


@dataclass(frozen=True)
class Entry:
    """WIT: `record entry`."""

    key: str
    value: bytes
    revision: int


@dataclass(frozen=True)
class NotFound:
    """WIT: the case `not-found` of `kv-error`."""

    value: str
    case: ClassVar[str] = "not-found"


class KvBucket:
    """WIT: `resource bucket`."""

    def __init__(self, store: Store, name: str) -> None:
        self._store, self._name = store, name
        self.entries = store.buckets.setdefault(name, {})
        store.handles += 1

    async def get(self, key: str) -> bytes:
        await asyncio.sleep(0)
        if key not in self.entries:
            raise WitError(NotFound(key))
        return self.entries[key].value

    def set(self, key: str, value: bytes) -> int:
        self._store.revision += 1
        self.entries[key] = Entry(key, value, self._store.revision)
        return self._store.revision

    def name(self) -> str:
        return self._name

    def drop(self) -> None:
        self._store.handles -= 1


class Store:
    """WIT: `interface store`."""

    Bucket: type[KvBucket] = KvBucket

    def __init__(self) -> None:
        self.buckets: dict[str, dict[str, Entry]] = {}
        self.revision = 0
        self.handles = 0
        self.seen: list[str] = []

    async def open(self, name: str) -> KvBucket:
        await asyncio.sleep(0)
        if name not in self.buckets:
            raise WitError(NotFound(name))
        return self.Bucket(self, name)

    def list_entries(self, prefix: str) -> Any:
        return self._entries(prefix)

    async def _entries(self, prefix: str) -> AsyncIterator[Entry]:
        for bucket in self.buckets.values():
            for entry in bucket.values():
                if entry.key.startswith(prefix):
                    await asyncio.sleep(0)
                    yield entry

    async def watch(self, bucket: KvBucket, keys: GuestStream[str]) -> Awaitable[int]:
        return self.count(keys)

    async def count(self, keys: GuestStream[str]) -> int:
        """The number of keys that come in."""
        async for key in keys:
            self.seen.append(str(key))
        return len(self.seen)


PRINTED = """\
name fruits
set apple: revision 1
set apricot: revision 2
set banana: revision 3
set apple: revision 4
get apple: "green"
get cherry: not-found("cherry")
get banana: "yellow"
get apricot: "orange"
open fruits: bucket fruits
open nowhere: not-found("nowhere")
list "": apple = "green" revision 4
list "": apricot = "orange" revision 2
list "": banana = "yellow" revision 3
list "": end
list "a": apple = "green" revision 4
list "a": apricot = "orange" revision 2
list "a": end
watch: 3 keys, 0 unread
"""
"""What the client prints with this store."""
