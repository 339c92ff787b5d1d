"""Providers that are wrong: told when linking if that can be seen, else when it happens, and always with the path."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable
from types import SimpleNamespace
from typing import Any

import pytest

from tests.guests.exports import API, HOST, Sleeper
from tests.guests.harness import Guest, fails, load, opened, passes, until
from tests.guests.kv import STORE, Entry, KvBucket, Store
from wasihost import GuestExit, GuestStream, Host, LinkError, Ok, ProviderError, WitError


def plain(error: BaseException) -> str:
    """The message without the name of the test that a class stands in."""
    return re.sub(r"[a-z_]+\.<locals>\.", "", str(error))


async def refused(store: Any) -> str:
    """The message of the LinkError that running with this provider gives."""
    error = await fails(Host(providers={STORE: store}).run_async(load("rust-kv-client")), LinkError)
    return plain(error)


async def raised(store: Any, *expected: type[BaseException]) -> BaseException:
    """What running the client with this provider raises."""
    host = Host(providers={STORE: store}, stdout=lambda data: None)
    return await fails(host.run_async(load("rust-kv-client")), *(expected or (ProviderError,)))


def notes(error: BaseException) -> str:
    return "\n".join(getattr(error, "__notes__", ()))


# ---- at link time


async def test_an_import_that_nothing_provides_is_named_with_its_functions() -> None:
    error = await fails(Host().run_async(load("rust-kv-client")), LinkError)
    assert f"nothing provides the import {STORE} (" in str(error)
    for function in ("[method]bucket.get", "open", "list-entries", "watch"):
        assert function in str(error)


async def test_a_missing_method_is_named_with_its_parameters() -> None:
    class NoListEntries(Store):
        list_entries = None  # type: ignore[assignment]

    message = await refused(NoListEntries())
    assert f"{STORE}#list-entries: the provider NoListEntries has no method list_entries(prefix)" in message


async def test_a_missing_method_of_a_resource_is_named() -> None:
    class NoSet(KvBucket):
        set = None  # type: ignore[assignment]

    class NoSetStore(Store):
        Bucket = NoSet

    message = await refused(NoSetStore())
    assert f"{STORE}#[method]bucket.set: the provider NoSetStore has no method NoSet.set(self, key, value)" in message


async def test_a_missing_class_is_named_with_the_resource() -> None:
    class NoBucket(Store):
        Bucket = None  # type: ignore[assignment]

    assert f"{STORE}: the provider NoBucket has no class Bucket for the resource bucket" in await refused(NoBucket())


async def test_a_class_that_is_none_is_reported() -> None:
    class Function(Store):
        Bucket = lambda self, name: None  # type: ignore[assignment]  # noqa: E731

    assert f"{STORE}: Function.Bucket must be a class" in await refused(Function())


@pytest.mark.parametrize("method", [lambda self: None, lambda self, a, b: None, lambda self, *, prefix: None])
async def test_a_wrong_number_of_parameters_tells_both(method: Any) -> None:
    class WrongArity(Store):
        list_entries = method

    message = await refused(WrongArity())
    assert f"{STORE}#list-entries: WrongArity.list_entries must take (prefix), but its signature is (" in message


async def test_a_constructor_with_other_parameters_is_refused() -> None:
    class Other(KvBucket):
        def __init__(self, store: Store) -> None: ...

    class OtherStore(Store):
        Bucket = Other

    assert f"{STORE}#[constructor]bucket: " in await refused(OtherStore())


async def test_all_that_is_wrong_is_told_at_once() -> None:
    class Nothing:
        pass

    host = Host(providers={"wasi:cli/stdout": Nothing(), STORE: Nothing()})
    message = plain(await fails(host.run_async(load("rust-kv-client")), LinkError))
    assert "wasi:cli/stdout@0.3.0#write-via-stream" in message
    assert f"{STORE}: the provider Nothing has no class Bucket" in message


async def test_a_class_of_wit_types_that_lacks_a_case_is_refused() -> None:
    class NotAnError: ...

    class Adopting(Store):
        wit_types = {"kv-error": NotAnError}

    message = await refused(Adopting())
    assert "NotAnError cannot be used for the WIT type kv-error: it lacks NotFound" in message
    assert STORE in message


async def test_a_component_that_is_no_command_cannot_be_run() -> None:
    error = await fails(Host(providers={HOST: Sleeper()}).run_async(load("rust-exports")), LinkError)
    assert API in str(error)
    assert "Host.open" in str(error)


# ---- a value of the wrong type


def returning(function: str, value: Any) -> Store:
    """A store whose function gives this instead."""

    class Wrong(Store):
        async def open(self, name: str) -> Any:
            return value if function == "open" else await super().open(name)

        def list_entries(self, prefix: str) -> Any:
            return value if function == "list-entries" else super().list_entries(prefix)

        async def watch(self, bucket: KvBucket, keys: GuestStream[str]) -> Any:
            return value if function == "watch" else await super().watch(bucket, keys)

    class WrongBucket(KvBucket):
        async def get(self, key: str) -> Any:
            return value if function == "[method]bucket.get" else await super().get(key)

        def set(self, key: str, data: bytes) -> Any:
            return value if function == "[method]bucket.set" else super().set(key, data)

        def name(self) -> Any:
            return value if function == "[method]bucket.name" else super().name()

    Wrong.Bucket = WrongBucket
    return Wrong()


WRONG: list[tuple[str, Any, str]] = [
    ("[method]bucket.name", 3, "expected string, got 'int'"),
    ("[method]bucket.name", None, "expected string, got 'NoneType'"),
    ("[method]bucket.set", "x", "expected u64 (0..18446744073709551615), got 'str'"),
    ("[method]bucket.set", -1, "expected u64 (0..18446744073709551615), got -1"),
    ("[method]bucket.set", Ok(1), "expected u64 (0..18446744073709551615), got 'Ok'"),
    ("[method]bucket.get", "text", "expected list<u8>, got 'str'"),
    ("[method]bucket.get", [1, 256], "element 1: expected u8 (0..255), got 256"),
    ("open", "fruits", "expected bucket (WrongBucket), got 'str'"),
    ("list-entries", 3, "expected stream<record entry> (an async iterable or a ValueSource), got 'int'"),
    ("list-entries", [], "expected stream<record entry> (an async iterable or a ValueSource), got 'list'"),
    ("watch", 3, "expected future<u64> (an awaitable), got 'int'"),
]


@pytest.mark.parametrize(("function", "value", "message"), WRONG)
async def test_a_wrong_result_names_function_field_expected_and_found(function: str, value: Any, message: str) -> None:
    error = await raised(returning(function, value))
    assert str(error).startswith(f"{STORE}#{function}: ")
    assert message in str(error)


@pytest.mark.parametrize(
    ("element", "message"),
    [
        (3, "element 0: expected record entry, got 'int', which has no attribute key"),
        (Entry("a", b"", -1), "element 0, field revision: expected u64"),
        (SimpleNamespace(key=1, value=b"", revision=1), "element 0, field key: expected string, got 'int'"),
    ],
)
async def test_a_wrong_element_of_a_stream_names_function_and_field(element: Any, message: str) -> None:
    class Wrong(Store):
        async def _entries(self, prefix: str) -> AsyncIterator[Entry]:
            yield element

    error = await raised(Wrong())
    assert f"{STORE}#list-entries" in str(error)
    assert message in str(error)


async def test_a_wrong_value_of_a_future_names_the_function() -> None:
    class Wrong(Store):
        async def count(self, keys: GuestStream[str]) -> Any:
            keys.close()
            return "three"

    error = await raised(Wrong())
    assert f"{STORE}#watch" in str(error)
    assert "expected u64" in str(error)


async def test_a_wrong_value_of_a_wit_error_names_the_function() -> None:
    class Wrong(KvBucket):
        async def get(self, key: str) -> bytes:
            raise WitError("no variant")

    class WrongStore(Store):
        Bucket = Wrong

    error = await raised(WrongStore())
    assert str(error).startswith(f"{STORE}#[method]bucket.get: err: expected variant kv-error, got 'str'")


async def test_a_wit_error_of_a_function_without_a_result_is_the_providers_fault() -> None:
    class Raising(KvBucket):
        def name(self) -> str:
            raise WitError("not here")

    class RaisingStore(Store):
        Bucket = Raising

    error = await raised(RaisingStore())
    assert str(error).startswith(f"{STORE}#[method]bucket.name: the provider raised a WitError")


async def test_a_wit_error_of_an_async_function_without_a_result_is_the_providers_fault() -> None:
    class Raising(Store):
        async def watch(self, bucket: KvBucket, keys: GuestStream[str]) -> Awaitable[int]:
            keys.close()
            raise WitError("not here")

    error = await raised(Raising())
    assert str(error).startswith(f"{STORE}#watch: the provider raised a WitError")


# ---- exceptions


class Special(Exception):
    """One that the library cannot know."""


def raising(function: str, error: BaseException) -> Store:
    """A store whose function raises it."""

    class Raising(Store):
        async def open(self, name: str) -> Any:
            if function == "open":
                raise error
            return await super().open(name)

        def list_entries(self, prefix: str) -> Any:
            if function == "list-entries":
                raise error
            return super().list_entries(prefix)

        async def watch(self, bucket: KvBucket, keys: GuestStream[str]) -> Any:
            if function == "watch":
                raise error
            return await super().watch(bucket, keys)

    class RaisingBucket(KvBucket):
        def __init__(self, store: Store, name: str) -> None:
            if function == "[constructor]bucket":
                raise error
            super().__init__(store, name)

        async def get(self, key: str) -> Any:
            if function == "[method]bucket.get":
                raise error
            return await super().get(key)

        def set(self, key: str, value: bytes) -> Any:
            if function == "[method]bucket.set":
                raise error
            return super().set(key, value)

        def drop(self) -> None:
            super().drop()
            if function == "drop":
                raise error

    Raising.Bucket = RaisingBucket
    return Raising()


FUNCTIONS = "[constructor]bucket|[method]bucket.set|[method]bucket.get|open|list-entries|watch".split("|")


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("cls", [Special, OSError, LookupError, ExceptionGroup])
async def test_the_embedder_gets_that_very_exception_with_a_note(function: str, cls: Any) -> None:
    error = cls("many", [Special()]) if cls is ExceptionGroup else cls("x")
    assert await raised(raising(function, error), cls) is error
    assert notes(error).count(f"raised by the provider of {STORE}#{function}") == 1


async def test_an_exception_of_drop_reaches_the_embedder() -> None:
    error = Special("in drop")
    assert await raised(raising("drop", error), Special) is error
    assert "bucket" in notes(error)


async def test_an_exception_of_an_export_call_ends_the_instance() -> None:
    class Failing:
        async def sleep(self, ms: int) -> None:
            raise Special

    async with opened("rust-exports", {HOST: Failing()}) as instance:
        await fails(instance.call(f"{API}#wait", 1), Special)
        await fails(instance.call(f"{API}#echo-u8", 1), Special)


async def test_an_os_error_of_an_iterator_is_no_quiet_end() -> None:
    class Broken(Store):
        async def _entries(self, prefix: str) -> AsyncIterator[Entry]:
            yield Entry("one", b"", 1)
            raise ConnectionResetError("the database is gone")

    error = await raised(Broken(), ConnectionResetError)
    assert f"{STORE}#list-entries" in notes(error)


async def test_the_first_of_two_exceptions_wins() -> None:
    class Both(Store):
        failed = False

        async def watch(self, bucket: KvBucket, keys: GuestStream[str]) -> Any:
            self.failed = True
            raise Special("first")

    class BothBucket(KvBucket):
        def drop(self) -> None:
            if store.failed:
                raise LookupError("second")

    Both.Bucket = BothBucket
    store = Both()
    await raised(store, Special)


# ---- cancelled coroutines


async def test_a_coroutine_of_a_provider_is_cancelled_with_the_run() -> None:
    class Waiting(Store):
        cancelled = False

        async def open(self, name: str) -> Any:
            waiting.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled = True
                raise

    waiting = asyncio.Event()
    store = Waiting()
    running = asyncio.create_task(raised(store, asyncio.CancelledError))
    await waiting.wait()
    running.cancel()
    await passes(5)
    await until(running.done)
    assert store.cancelled


async def test_a_coroutine_that_cancels_itself_is_the_providers_fault() -> None:
    class Cancelling(Store):
        async def open(self, name: str) -> Any:
            raise asyncio.CancelledError

    error = await raised(Cancelling())
    assert f"{STORE}#open" in str(error)
    assert "cancelled" in str(error)


async def test_an_async_iterator_that_cancels_itself_is_the_providers_fault() -> None:
    class Cancelling(Store):
        async def _entries(self, prefix: str) -> AsyncIterator[Entry]:
            yield Entry("one", b"", 1)
            raise asyncio.CancelledError

    error = await raised(Cancelling())
    assert isinstance(error, ProviderError)
    assert f"{STORE}#list-entries" in "".join(error.__notes__)
    assert "cancelled" in str(error)


async def test_a_coroutine_that_the_guest_gave_up_may_return_late() -> None:
    class Stubborn(Sleeper):
        async def sleep(self, ms: int) -> None:
            try:
                await super().sleep(ms)
            except asyncio.CancelledError:
                stubborn.append(True)

    stubborn: list[bool] = []
    sleeper = Stubborn()
    async with opened("rust-exports", {HOST: sleeper}) as instance:
        call = asyncio.create_task(instance.call(f"{API}#wait", 1))
        await until(lambda: sleeper.sleeping)
        call.cancel()
        await until(lambda: stubborn)
        assert (await instance.call(f"{API}#waiting"))[0] == 0


async def test_an_exception_of_a_coroutine_that_the_guest_gave_up_reaches_the_embedder() -> None:
    class Failing(Sleeper):
        async def sleep(self, ms: int) -> None:
            try:
                await super().sleep(ms)
            except asyncio.CancelledError:
                raise Special from None

    sleeper = Failing()
    async with opened("rust-exports", {HOST: sleeper}) as instance:
        call = asyncio.create_task(instance.call(f"{API}#wait", 1))
        await until(lambda: sleeper.sleeping)
        call.cancel()
        await fails(call, asyncio.CancelledError)
        await until(lambda: sleeper.cancelled)
        await passes(3)
        await fails(instance.call(f"{API}#echo-u8", 1), Special)


# ---- GuestExit


class Exiting(KvBucket):
    """Exits from inside of a call, as `wasi:cli/exit` does."""

    code = 0

    def name(self) -> str:
        raise GuestExit(self.code)


@pytest.mark.parametrize("code", [1, 42, 255])
async def test_the_embedder_gets_the_code_of_an_exit(code: int) -> None:
    class ExitingBucket(Exiting): ...

    class ExitingStore(Store):
        Bucket = ExitingBucket

    ExitingBucket.code = code
    error = await raised(ExitingStore(), GuestExit)
    assert isinstance(error, GuestExit)
    assert error.code == code


async def test_an_exit_with_code_0_is_a_good_end() -> None:
    class ExitingStore(Store):
        Bucket = Exiting

    await Host(providers={STORE: ExitingStore()}, stdout=lambda data: None).run_async(load("rust-kv-client"))


async def test_a_run_that_gives_err_is_an_exit_with_code_1() -> None:
    guest = Guest("rust-tcp-states", env={"CASE": "nonsense"})
    error = await fails(guest.host.run_async(load("rust-tcp-states")), GuestExit)
    assert isinstance(error, GuestExit)
    assert error.code == 1
    assert "CASE=nonsense is unknown" in str(guest.stderr)
