"""Buckets: their bounds, what a mapping raises, and transactions."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from wasihost import WitError
from wasihost._providers.buckets import PAGE
from wasihost.providers import keyvalue


def provider_of(mapping: Any, max_bytes: int | None = 100) -> Any:
    """The provider of the first draft, with a bucket `default`."""
    return keyvalue({"default": mapping}, max_bytes=max_bytes)["wasi:keyvalue/store@0.2.0-draft"]


def error_of(raised: pytest.ExceptionInfo[WitError]) -> tuple[str, str | None]:
    return raised.value.value.case, raised.value.value.value


def test_guests_fill_a_bucket_up_to_its_bound_and_no_further() -> None:
    values = {"old": b"1234567"}
    bucket = provider_of(values).open("default")
    bucket.set("new", bytes(87))
    with pytest.raises(WitError) as raised:
        bucket.set("x", b"")
    assert error_of(raised) == ("other", "the bucket has room for 100 bytes")
    bucket.set("new", bytes(86))
    bucket.set("x", b"")
    for _ in range(2):
        bucket.delete("old")
    bucket.set("next", bytes(6))
    assert sum(len(key) + len(value) for key, value in values.items()) == 100


def test_a_bucket_may_be_without_a_bound() -> None:
    values: dict[str, bytes] = {}
    provider_of(values, None).open("default").set("key", bytes(1000))
    assert len(values["key"]) == 1000


class Broken(dict[str, bytes]):
    """Raises when it is asked."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def get(self, key: str, default: Any = None) -> Any:
        raise self._error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (PermissionError(13, "no"), ("access-denied", None)),
        (OSError(5, "the disk is broken"), ("other", "the disk is broken")),
        (OSError("without a number"), ("other", "without a number")),
    ],
)
def test_an_oserror_of_the_mapping_is_an_error_of_the_guest(error: OSError, expected: object) -> None:
    with pytest.raises(WitError) as raised:
        provider_of(Broken(error)).open("default").get("key")
    assert error_of(raised) == expected


def test_another_exception_of_the_mapping_is_the_embedders() -> None:
    with pytest.raises(RuntimeError, match="broken"):
        provider_of(Broken(RuntimeError("broken"))).open("default").get("key")


@pytest.mark.parametrize("text", [b"-1", b"1e3", b"\xff", b"9" * 5000])
def test_a_value_that_is_no_such_number_is_not_incremented(text: bytes) -> None:
    provider = provider_of({"n": text}, None)
    with pytest.raises(WitError) as raised:
        provider.increment(provider.open("default"), "n", 0)
    assert error_of(raised)[0] == "other"


def test_what_fails_within_a_transaction_leaves_the_bound_as_it_was() -> None:
    class Transactional(dict[str, bytes]):
        @contextlib.contextmanager
        def transaction(self) -> Iterator[None]:
            before = dict(self)
            try:
                yield
            except BaseException:
                self.clear()
                self.update(before)
                raise

    values = Transactional()
    provider = provider_of(values)
    bucket = provider.open("default")
    bucket.set("a", bytes(9))
    for _ in range(20):
        with pytest.raises(WitError):
            provider.set_many(bucket, [("b", bytes(50)), ("c", bytes(90))])
    provider.set_many(bucket, [("b", bytes(50)), ("c", bytes(38))])
    assert {key: len(value) for key, value in values.items()} == {"a": 9, "b": 50, "c": 38}


def test_keys_come_in_pages() -> None:
    bucket = provider_of({str(number): b"" for number in range(PAGE + 1)}, None).open("default")
    first = bucket.list_keys(None)
    last = bucket.list_keys(first.cursor)
    assert (len(first.keys), last.keys, last.cursor) == (PAGE, [str(PAGE)], None)


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1" * 20, "²"])
def test_a_cursor_of_the_second_draft_is_one_of_ours(cursor: str) -> None:
    store: Any = keyvalue({"default": {}})["wasi:keyvalue/store@0.2.0-draft2"]
    with pytest.raises(WitError) as raised:
        store.open("default").list_keys(cursor)
    assert error_of(raised) == ("other", "the cursor is not of an answer")
