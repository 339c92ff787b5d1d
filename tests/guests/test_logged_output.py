"""What a guest prints, as records of `logging`."""

from __future__ import annotations

import logging

import pytest

from tests.guests.harness import load
from wasihost import Host
from wasihost._wasi.cli.logged import LONGEST_LINE, LoggedLines

LOG = logging.getLogger("test.guest")


@pytest.fixture(autouse=True)
def _all_levels(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "test.guest")


def records(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.levelname, record.message) for record in caplog.records]


@pytest.mark.parametrize("guest", ["rust-cat", "rust-std-p2"])
def test_lines_of_stdout_are_info_and_those_of_stderr_warnings(guest: str, caplog: pytest.LogCaptureFixture) -> None:
    env = {"CASE": "copy", "MODE": "copy"}
    Host(env=env, stdin="one\ntwo\n\nthrée".encode(), stdout=LOG, stderr=LOG).run(load(guest))
    found = records(caplog)
    assert [message for level, message in found if level == "INFO"] == ["one", "two", "", "thrée"]
    assert [message for level, message in found if level == "WARNING"] == ["15 bytes"]


async def test_each_request_of_a_pool_has_an_adapter_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    async with Host(env={"CASE": "copy", "MODE": "copy"}).pool(load("rust-cat")) as pool:
        for number in (1, 2):
            log = logging.LoggerAdapter(LOG, {"request": number})
            await pool.call("wasi:cli/run#run", stdin=b"%d" % number, stdout=log, stderr=log)
    assert [(record.message, vars(record)["request"]) for record in caplog.records if record.levelname == "INFO"] == [
        ("1", 1),
        ("2", 2),
    ]


def test_a_line_in_pieces_is_one_record_and_moves_no_cursor(caplog: pytest.LogCaptureFixture) -> None:
    lines = LoggedLines(LOG, logging.INFO)
    for piece in ("gr\u00f6".encode()[:3], "\u00f6".encode()[1:] + b"\tx\x1b[2J\r\n", b"\xff"):
        lines(piece)
    lines.close()
    lines.close()
    assert [message for _, message in records(caplog)] == ["gr\u00f6\tx\\x1b[2J", "\\xff"]


def test_a_line_without_end_fills_no_memory(caplog: pytest.LogCaptureFixture) -> None:
    lines = LoggedLines(LOG, logging.INFO)
    lines(b"x" * (2 * LONGEST_LINE + 1))
    assert [len(message) for _, message in records(caplog)] == [LONGEST_LINE, LONGEST_LINE]
    lines.close()
    assert records(caplog)[-1] == ("INFO", "x")
