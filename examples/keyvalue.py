"""An interface of your own: `example:kv/store@1.0.0` of guest-fixtures/wit/kv.wit, implemented by a Python class.

    interface store {
      record entry { key: string, value: list<u8>, revision: u64 }
      variant kv-error { not-found(string), read-only, other(option<string>) }
      resource bucket {
        constructor(name: string);
        get: async func(key: string) -> result<list<u8>, kv-error>;
        set: func(key: string, value: list<u8>) -> result<u64, kv-error>;
        name: func() -> string;
      }
      open: async func(name: string) -> result<bucket, kv-error>;
      list-entries: func(prefix: string) -> stream<entry>;
      watch: async func(bucket: borrow<bucket>, keys: stream<string>) -> future<u64>;
    }

Nothing is generated and nothing registered one by one: names go from WIT to Python mechanically, and a method that is
missing or has other parameters is a LinkError before the guest runs. Run it: `python examples/keyvalue.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from pathlib import Path

from wasihost import GuestStream, Host, WitError

GUEST = Path(__file__).parents[1] / "guest-fixtures" / "prebuilt" / "rust-kv-client.wasm"


@dataclass(frozen=True, slots=True)
class Entry:
    """WIT: `record entry`. Any object with these attributes would do."""

    key: str
    value: bytes
    revision: int


@dataclass(frozen=True, slots=True)
class NotFound:
    """WIT: the case `not-found(string)` of `kv-error`; `case` says which one it is, `value` is what it carries."""

    value: str
    case = "not-found"


class MemoryBucket:
    """WIT: `resource bucket`. The guest holds a handle; wasihost keeps the object."""

    def __init__(self, store: Store, name: str) -> None:
        """WIT: `constructor(name: string)`; the provider itself comes first."""
        self._name = name
        self._entries = store.buckets.setdefault(name, {})

    async def get(self, key: str) -> bytes:
        """WIT: `get: async func(key: string) -> result<list<u8>, kv-error>`: return ok, raise err."""
        await asyncio.sleep(0)  # here another store would ask its server; the guest can have other calls under way
        if key not in self._entries:
            raise WitError(NotFound(key))
        return self._entries[key].value

    def set(self, key: str, value: bytes) -> int:
        """WIT: `set: func(key: string, value: list<u8>) -> result<u64, kv-error>`."""
        revision = self._entries[key].revision + 1 if key in self._entries else 1
        self._entries[key] = Entry(key, value, revision)
        return revision

    def name(self) -> str:
        """WIT: `name: func() -> string`."""
        return self._name

    def drop(self) -> None:
        """Called when the guest has dropped its handle."""


class Store:
    """Provider of `example:kv/store`."""

    Bucket = MemoryBucket  # the resource; the attribute has its WIT name

    def __init__(self) -> None:
        self.buckets: dict[str, dict[str, Entry]] = {}

    async def open(self, name: str) -> MemoryBucket:
        """WIT: `open: async func(name: string) -> result<bucket, kv-error>`."""
        if name not in self.buckets:
            raise WitError(NotFound(name))
        return MemoryBucket(self, name)

    async def list_entries(self, prefix: str) -> AsyncIterator[Entry]:
        """WIT: `list-entries: func(prefix: string) -> stream<entry>`: an async generator is a stream. It
        goes on only when the guest reads."""
        for entries in self.buckets.values():
            for key in sorted(entries):
                if key.startswith(prefix):
                    yield entries[key]

    async def watch(self, bucket: MemoryBucket, keys: GuestStream[str]) -> Awaitable[int]:
        """WIT: `watch: async func(bucket: borrow<bucket>, keys: stream<string>) -> future<u64>`: the future is any
        awaitable."""
        return self._count(keys)

    async def _count(self, keys: GuestStream[str]) -> int:
        return len([key async for key in keys])


def main() -> None:
    Host(providers={"example:kv/store@1.0.0": Store()}).run(GUEST)


if __name__ == "__main__":
    main()
