"""`SqliteBucket`: a mapping in a file, also for several processes."""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from wasihost import ConfigError
from wasihost.providers import SqliteBucket


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kv.db"


@pytest.fixture
def bucket(path: Path) -> Iterator[SqliteBucket]:
    made = SqliteBucket(path)
    yield made
    made.close()


def test_it_is_a_mapping(bucket: SqliteBucket) -> None:
    bucket["b"] = b"\0\xff"
    bucket["a"] = b""
    assert dict(bucket) == {"a": b"", "b": b"\0\xff"}
    assert (len(bucket), "a" in bucket, bucket.get("c")) == (2, True, None)
    del bucket["a"]
    assert [*bucket] == ["b"]
    for absent in (bucket.__getitem__, bucket.__delitem__):
        with pytest.raises(KeyError):
            absent("a")


def test_its_values_are_there_the_next_time(bucket: SqliteBucket, path: Path) -> None:
    bucket["key"] = b"value"
    again = SqliteBucket(path)
    assert again["key"] == b"value"
    again.close()


def test_a_file_has_several_buckets(bucket: SqliteBucket, path: Path) -> None:
    other = SqliteBucket(path, "other")
    bucket["key"] = b"1"
    other["key"] = b"2"
    assert (dict(bucket), dict(other)) == ({"key": b"1"}, {"key": b"2"})
    other.close()


def test_a_transaction_that_fails_leaves_nothing(bucket: SqliteBucket) -> None:
    with contextlib.suppress(RuntimeError), bucket.transaction():
        bucket["key"] = b"value"
        raise RuntimeError
    assert len(bucket) == 0


def test_others_wait_while_a_transaction_is_under_way(bucket: SqliteBucket, path: Path) -> None:
    other = SqliteBucket(path)
    other._connection.execute("PRAGMA busy_timeout=0")
    with bucket.transaction(), pytest.raises(OSError, match="database is locked"), other.transaction():
        pass
    other.close()


def test_a_file_that_is_no_database_is_named(path: Path) -> None:
    path.write_bytes(b"no database" * 500)
    with pytest.raises(ConfigError, match=r"kv.db', 'default'\) cannot be opened: file is not a database"):
        SqliteBucket(path)


def test_it_belongs_to_its_process(bucket: SqliteBucket) -> None:
    with pytest.raises(TypeError, match="make one in each process"):
        pickle.dumps(bucket)
