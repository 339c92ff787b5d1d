"""`rust-cloud`: every function of wasi:config, wasi:keyvalue and wasi:logging."""

from __future__ import annotations

import logging as python_logging
from collections.abc import MutableMapping
from pathlib import Path

import pytest

from tests.guests.harness import Output, load, rust_cases
from wasihost import ConfigError, Host
from wasihost.providers import SqliteBucket, config, keyvalue, logging

CASES = "config store pages atomics batch second-draft swap logging".split()
VALUES = {"greeting": "hello", "empty": ""}


def run(case: str, bucket: MutableMapping[str, bytes], max_bytes: int | None = None) -> str:
    """What the guest prints."""
    providers = {**config(VALUES), **keyvalue({"default": bucket}, max_bytes=max_bytes), **logging()}
    printed = Output()
    Host(env={"CASE": case}, providers=providers, stdout=printed).run(load("rust-cloud"))
    return str(printed)


def test_the_list_of_cases_is_complete() -> None:
    assert rust_cases("rust-cloud") == [*CASES, "count", "fill"]


@pytest.mark.parametrize("max_bytes", [None, 1 << 20])
def test_all_cases_with_a_dict(max_bytes: int | None) -> None:
    bucket: dict[str, bytes] = {}
    assert run("all", bucket, max_bytes) == "".join(f"ok {case}\n" for case in CASES)
    assert bucket == {}


def test_all_cases_with_sqlite() -> None:
    bucket = SqliteBucket(":memory:")
    assert run("all", bucket) == "".join(f"ok {case}\n" for case in CASES)
    assert len(bucket) == 0
    bucket.close()


def test_a_bucket_outlives_its_guests(tmp_path: Path) -> None:
    printed = []
    for _ in range(2):
        bucket = SqliteBucket(tmp_path / "kv.db")
        printed.append(run("count", bucket))
        bucket.close()
    assert printed == ["1\nok count\n", "2\nok count\n"]


def test_a_guest_cannot_store_without_end() -> None:
    bucket: dict[str, bytes] = {}
    assert run("fill", bucket, 100_000) == "97\nok fill\n"
    assert len(bucket) == 97


def test_messages_go_to_a_logger_with_level_context_and_escapes(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(1, "wasihost.guest"):
        run("logging", {})
    records = [(record.levelno, record.__dict__["context"], record.getMessage()) for record in caplog.records]
    levels = [5, 10, 20, 30, 40, 50]
    expected = [(level, "guest", f"message {number}") for number, level in enumerate(levels)]
    assert records == [*expected, (20, "", "two\\nlines")]


def test_messages_may_go_to_a_logger_of_yours(caplog: pytest.LogCaptureFixture) -> None:
    providers = {**config({}), **keyvalue({}), **logging(python_logging.getLogger("mine"))}
    with caplog.at_level(python_logging.ERROR, "mine"):
        Host(env={"CASE": "logging"}, providers=providers, stdout=Output()).run(load("rust-cloud"))
    assert [(record.name, record.levelno) for record in caplog.records] == [("mine", 40), ("mine", 50)]


def test_a_value_that_is_no_text_is_refused() -> None:
    with pytest.raises(ConfigError, match="config: expected texts by name, got 'port': 1"):
        config({"port": 1})  # type: ignore[dict-item]
