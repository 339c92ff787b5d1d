"""An interface that is not WASI, implemented in Python: records, variants, a resource, streams and futures."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from tests.guests.harness import Output, fails, load
from tests.guests.kv import PRINTED, STORE, Entry, KvBucket, Store
from wasihost import DeadlockError, GuestStream, Host, ValueSource, WitError
from wasihost._base.streams import Source


async def run_client(store: Any, name: str = STORE) -> str:
    """What the client prints with this provider."""
    printed = Output()
    await Host(providers={name: store}, stdout=printed).run_async(load("rust-kv-client"))
    return str(printed)


async def test_the_client_works_with_a_plain_python_store() -> None:
    store = Store()
    assert await run_client(store) == PRINTED
    assert store.seen == ["apple", "banana", "cherry"]


async def test_every_handle_is_dropped_at_the_end() -> None:
    store = Store()
    await run_client(store)
    assert store.handles == 0


@pytest.mark.parametrize("name", ["example:kv/store", "example:kv/store@1.0.0", "example:kv/store@1.7.3"])
async def test_a_provider_serves_every_compatible_version(name: str) -> None:
    assert await run_client(Store(), name) == PRINTED


async def test_two_instances_may_share_a_provider() -> None:
    store = Store()
    first, second = await asyncio.gather(run_client(store), run_client(store))
    assert first.splitlines()[0] == second.splitlines()[0] == "name fruits"
    assert store.revision == 8


# ---- values


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (SimpleNamespace(case="not-found", value="x"), 'not-found("x")'),
        (SimpleNamespace(case="read-only"), "read-only"),
        (SimpleNamespace(case="other", value=None), "other(None)"),
        (SimpleNamespace(case="other", value="why"), 'other(Some("why"))'),
    ],
)
async def test_every_case_of_a_variant_reaches_the_guest_as_an_err(error: Any, told: str) -> None:
    class Failing(KvBucket):
        async def get(self, key: str) -> bytes:
            raise WitError(error)

    class FailingStore(Store):
        Bucket = Failing

    assert f"get apple: {told}\n" in await run_client(FailingStore())


async def test_a_sync_function_may_be_a_coroutine_that_the_guest_waits_for() -> None:
    class Slow(KvBucket):
        async def set(self, key: str, value: bytes) -> int:  # type: ignore[override]
            await asyncio.sleep(0)
            return super().set(key, value)

        async def name(self) -> str:  # type: ignore[override]
            await asyncio.sleep(0)
            return super().name()

    class SlowStore(Store):
        Bucket = Slow

    assert await run_client(SlowStore()) == PRINTED


async def test_an_async_function_may_be_a_plain_method() -> None:
    class Quick(KvBucket):
        def get(self, key: str) -> bytes:  # type: ignore[override]
            if key not in self.entries:
                raise WitError(SimpleNamespace(case="not-found", value=key))
            return self.entries[key].value

    class QuickStore(Store):
        Bucket = Quick

    assert await run_client(QuickStore()) == PRINTED


# ---- a stream that the provider returns


class ListSource(ValueSource[Entry]):
    """Gives its values in one go, then ends."""

    def __init__(self, entries: list[Entry]) -> None:
        self._entries = entries
        self.closed: list[BaseException | None] = []

    def read(self) -> Sequence[Entry]:
        entries, self._entries = self._entries, []
        return entries

    def wait_readable(self, callback: Any) -> None:
        raise AssertionError("it never blocks")

    def close(self, error: BaseException | None) -> None:
        self.closed.append(error)


async def test_a_source_gives_many_values_at_once_and_is_closed_once() -> None:
    class Sources(Store):
        made: list[ListSource] = []

        def list_entries(self, prefix: str) -> Source:
            found = [entry for entry in self.buckets["fruits"].values() if entry.key.startswith(prefix)]
            self.made.append(ListSource(found))
            return self.made[-1]

    store = Sources()
    assert await run_client(store) == PRINTED
    assert [source.closed for source in store.made] == [[None], [None]]


async def test_an_empty_async_iterator_is_an_empty_stream() -> None:
    class Empty(Store):
        async def _entries(self, prefix: str) -> AsyncIterator[Entry]:
            return
            yield

    assert 'list "": end\nlist "a": end\n' in await run_client(Empty())


async def test_1000_records_come_in_order() -> None:
    class Many(Store):
        async def _entries(self, prefix: str) -> AsyncIterator[Entry]:
            for number in range(1000):
                yield Entry(f"key {number}", b"", number)

    lines = (await run_client(Many())).splitlines()
    assert [line for line in lines if line.startswith('list "": key')] == [
        f'list "": key {number} = "" revision {number}' for number in range(1000)
    ]


async def test_an_exception_in_the_iterator_reaches_the_embedder() -> None:
    class Broken(Store):
        async def _entries(self, prefix: str) -> AsyncIterator[Entry]:
            yield Entry("one", b"", 1)
            raise ZeroDivisionError("in the iterator")

    error = await fails(run_client(Broken()), ZeroDivisionError)
    assert str(error) == "in the iterator"
    assert any(f"{STORE}#list-entries" in note for note in error.__notes__)


# ---- a stream that the provider gets


class Watching(Store):
    """Counts with `count`, which tests override."""

    async def watch(self, bucket: KvBucket, keys: GuestStream[str]) -> Awaitable[int]:
        return self.count(keys)


@pytest.mark.parametrize("n", [1, 2, 3, 100])
async def test_read_gives_up_to_n_elements_and_none_at_the_end(n: int) -> None:
    class Reading(Watching):
        async def count(self, keys: GuestStream[str]) -> int:
            while chunk := await keys.read(n):
                assert len(chunk) <= n
                self.seen += [str(key) for key in chunk]
            assert await keys.read(n) == []
            return len(self.seen)

    store = Reading()
    assert await run_client(store) == PRINTED
    assert store.seen == ["apple", "banana", "cherry"]


async def test_a_closed_reader_leaves_the_rest_with_the_guest() -> None:
    class Closing(Watching):
        async def count(self, keys: GuestStream[str]) -> int:
            self.seen += [str(key) for key in await keys.read(1)]
            keys.close()
            return 1

    store = Closing()
    assert (await run_client(store)).splitlines()[-1] == "watch: 1 keys, 2 unread"
    assert store.seen == ["apple"]


async def test_a_reader_closed_unused_leaves_everything_with_the_guest() -> None:
    class Refusing(Watching):
        async def count(self, keys: GuestStream[str]) -> int:
            keys.close()
            return 0

    assert (await run_client(Refusing())).splitlines()[-1] == "watch: 0 keys, 3 unread"


async def test_reading_a_closed_reader_is_an_error() -> None:
    class Reopening(Watching):
        async def count(self, keys: GuestStream[str]) -> int:
            keys.close()
            await keys.read()
            raise AssertionError

    error = await fails(run_client(Reopening()), RuntimeError)
    assert "closed" in str(error)


async def test_leaving_the_loop_over_a_reader_early_loses_nothing() -> None:
    class Leaving(Watching):
        async def count(self, keys: GuestStream[str]) -> int:
            async for key in keys:
                self.seen.append(str(key))
                break
            while chunk := await keys.read(1):
                self.seen += [str(key) for key in chunk]
            return len(self.seen)

    store = Leaving()
    await run_client(store)
    assert store.seen == ["apple", "banana", "cherry"]


async def test_a_read_that_is_cancelled_loses_nothing() -> None:
    class Impatient(Watching):
        async def count(self, keys: GuestStream[str]) -> int:
            for passes in range(6):
                reading = asyncio.ensure_future(keys.read(1))
                for _ in range(passes):
                    await asyncio.sleep(0)
                if not reading.cancel():
                    self.seen += [str(key) for key in reading.result()]
                    continue
                with contextlib.suppress(asyncio.CancelledError):
                    self.seen += [str(key) for key in await reading]
            return await super().count(keys)

    store = Impatient()
    await run_client(store)
    assert store.seen == ["apple", "banana", "cherry"]


async def test_two_reads_at_once_are_an_error() -> None:
    class Greedy(Watching):
        async def count(self, keys: GuestStream[str]) -> int:
            await asyncio.gather(keys.read(1), keys.read(1))
            raise AssertionError

    error = await fails(run_client(Greedy()), RuntimeError)
    assert "under way" in str(error)


async def test_a_provider_may_ignore_the_stream() -> None:
    class Ignoring(Watching):
        async def watch(self, bucket: KvBucket, keys: GuestStream[str]) -> Awaitable[int]:
            keys.close()
            return asyncio.sleep(0, 7)

    assert (await run_client(Ignoring())).splitlines()[-1] == "watch: 7 keys, 3 unread"


async def test_a_reader_that_nobody_reads_and_a_future_that_never_comes_are_a_deadlock() -> None:
    class Lost(Watching):
        async def watch(self, bucket: KvBucket, keys: GuestStream[str]) -> Awaitable[int]:
            self.kept = keys
            return asyncio.sleep(0, 7)

    await fails(run_client(Lost()), DeadlockError)


# ---- a future that the provider returns


async def test_a_future_that_is_resolved_already() -> None:
    class Resolved(Watching):
        async def watch(self, bucket: KvBucket, keys: GuestStream[str]) -> Awaitable[int]:
            keys.close()
            future = asyncio.get_running_loop().create_future()
            future.set_result(5)
            return future

    assert (await run_client(Resolved())).splitlines()[-1].startswith("watch: 5 keys")


async def test_an_exception_in_a_future_reaches_the_embedder() -> None:
    class Failing(Watching):
        async def count(self, keys: GuestStream[str]) -> int:
            raise ZeroDivisionError("in the future")

    error = await fails(run_client(Failing()), ZeroDivisionError)
    assert any(f"{STORE}#watch" in note for note in error.__notes__)
