"""Limits: what they are by default, how they are checked, read and shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wasihost import ConfigError, GuestTimeout, Limits, WasihostError
from wasihost._base.bounds import Bound, bounds, shown
from wasihost._base.limits import LARGEST, LARGEST_BUFFER
from wasihost._component.composition import protocol

DOCS = (Path(__file__).parents[2] / "docs/reference/limits.md").read_text(encoding="utf-8")


def test_limits_are_read_from_text() -> None:
    found = Limits.parse(["run-time-s=1.5", "memory-bytes=64MiB", "streams=10", "stack-bytes=1048576"])
    assert found == Limits(run_time_s=1.5, memory_bytes=64 << 20, streams=10, stack_bytes=1 << 20)
    assert Limits.parse([]) == Limits()


def test_bytes_are_given_as_on_the_command_line() -> None:
    assert Limits(memory_bytes="64MiB", stack_bytes=" 1 MiB") == Limits(memory_bytes=64 << 20, stack_bytes=1 << 20)
    with pytest.raises(
        ConfigError, match="memory_bytes=64MB': '64MB' is not a whole number, nor one of KiB, MiB or GiB"
    ):
        Limits(memory_bytes="64MB")
    with pytest.raises(ConfigError, match="list_bytes: expected a whole number from 1 to 268369920, got 1073741824"):
        Limits(list_bytes="1GiB")


def test_the_repr_shows_what_differs_from_the_defaults() -> None:
    assert repr(Limits(fuel=5, memory_bytes="1KiB")) == "Limits(fuel=5, memory_bytes=1024)"
    assert repr(Limits()) == "Limits()"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("memory", "expected NAME=NUMBER, where NAME is one of run-time-s, cpu-time-s, fuel, memory-bytes"),
        ("bytes=1", "where NAME is one of"),
        ("memory-bytes=", "'' is not a whole number, nor one of KiB, MiB or GiB"),
        ("memory-bytes=1TiB", "'1TiB' is not a whole number"),
        ("streams=1KiB", "'1KiB' is not a whole number"),
        ("run-time-s=soon", "'soon' is not a number"),
        ("run-time-s=0", "run_time_s: expected a number, more than 0"),
        ("run-time-s=nan", "run_time_s: expected a number, more than 0"),
        ("streams=-1", "streams: expected a whole number from 0"),
        ("list-bytes=1GiB", "list_bytes: expected a whole number from 1 to 268369920, got 1073741824"),
        ("buffered-bytes=1", "buffered_bytes: expected a whole number from 65536"),
    ],
)
def test_a_wrong_limit_is_reported(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        Limits.parse([text])


def test_a_limit_that_is_given_twice_is_reported() -> None:
    with pytest.raises(ConfigError, match="streams has a limit already"):
        Limits.parse(["streams=1", "streams=2"])


@pytest.mark.parametrize("wrong", [True, "1", 1.5, None])
def test_a_number_of_another_type_is_reported(wrong: object) -> None:
    with pytest.raises(ConfigError, match="streams: expected a whole number"):
        Limits(streams=wrong)  # type: ignore[arg-type]


def test_what_a_limit_says_when_it_is_reached() -> None:
    error = Limits(streams=5).reached("streams", "too many")
    assert str(error) == "too many: the limit streams is 5; raise it with Limits(streams=...) or --limit streams=..."
    assert (error.limit, error.value) == ("streams", 5)
    assert "cannot be raised" in str(Limits().reached("list_bytes", "too much"))
    assert "raise it" in str(Limits(streams=0).reached("streams", "too many"))
    assert isinstance(Limits(run_time_s=1).reached("run_time_s", "too long"), GuestTimeout)


def test_all_blocks_together_are_the_largest_buffer() -> None:
    small = protocol.BLOCK_COUNT * protocol.BLOCK_SIZE
    assert small + protocol.LARGE_BLOCK_COUNT * protocol.LARGE_BLOCK_SIZE == LARGEST_BUFFER


def test_errors_are_lines_of_no_control_characters() -> None:
    assert str(WasihostError("a\x1b[2J\tb\nc\0", "d")) == "a\\x1b[2J\\tb\\nc\\x00\nd"


def test_errors_have_a_bounded_length() -> None:
    error = WasihostError(*["x" * 2000] * 200)
    assert str(error).split("\n")[0] == "x" * 999 + "…"
    assert str(error).split("\n")[100:] == ["and 100 more lines"]


# ---- docs/reference/limits.md

ROWS = dict(re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", DOCS, re.MULTILINE))


def test_the_documents_have_every_limit_with_its_default() -> None:
    assert {name: shown(name, bound.default) for name, bound in bounds(Limits).items()} == ROWS


@pytest.mark.parametrize(("name", "bound"), bounds(Limits).items())
def test_the_documents_say_whether_a_limit_can_be_raised(name: str, bound: Bound) -> None:
    (line,) = re.findall(rf"^\| `{name}` .*$", DOCS, re.MULTILINE)
    has_maximum = bound.greatest not in (None, LARGEST)
    is_fixed = has_maximum and bound.default == bound.greatest
    assert ("cannot be raised" in line) == is_fixed
    assert (f"at most {shown(name, bound.greatest)}" in line) == (has_maximum and not is_fixed)
