"""`wasihost run --record` and `--replay`."""

from __future__ import annotations

import asyncio
import os
import re
import shutil

import pytest

from tests.cli.conftest import PREBUILT, Cli
from tests.guests.peers import echo, server

CLIENT = PREBUILT / "c-echo-client.wasm"
RANDOM = PREBUILT / "rust-random.wasm"
FILES = PREBUILT / "rust-files.wasm"


async def recorded(cli: Cli) -> str:
    """Records a client in run.jsonl; gives the address of its peer, which is gone then."""
    async with server(echo) as peer:
        words = ("run", "--allow-net", "--record", "run.jsonl", "--env", f"ADDRESS={peer.address}", CLIENT)
        done = await asyncio.to_thread(cli, *words)
    assert (done.code, done.out) == (0, "echoed 1000000 bytes\n")
    return peer.address


@pytest.mark.slow
async def test_a_recorded_run_can_be_replayed_without_its_peer(cli: Cli) -> None:
    address = await recorded(cli)
    done = cli("run", "--allow-net", "--replay", "run.jsonl", "--env", f"ADDRESS={address}", CLIENT)
    assert (done.code, done.out, done.err) == (0, "echoed 1000000 bytes\n", "")


@pytest.mark.slow
async def test_a_run_that_diverges_fails_and_says_where(cli: Cli) -> None:
    await recorded(cli)
    done = cli("run", "--allow-net", "--replay", "run.jsonl", "--env", "ADDRESS=127.0.0.1:1", CLIENT)
    assert done.code == 1
    assert re.fullmatch(
        r"wasihost: socket 1: connect 127\.0\.0\.1:1, recorded connect 127\.0\.0\.1:\d+ \(line \d+\)\n", done.err
    )


@pytest.mark.slow
def test_a_replay_has_the_seed_of_its_recording(cli: Cli) -> None:
    first = cli("run", "--seed", "7", "--record", "run.jsonl", "--env", "CASE=print", RANDOM)
    again = cli("run", "--replay", "run.jsonl", "--env", "CASE=print", RANDOM)
    assert (again.code, again.out) == (0, first.out)


def test_a_recorded_run_can_be_replayed_without_its_directory(cli: Cli) -> None:
    data = cli.folder / "data"
    data.mkdir()
    done = cli("run", "--dir", "data::/data", "--record", "run.jsonl", "--env", "CASE=write", FILES)
    assert (done.code, done.out) == (0, "ok write\n")
    shutil.rmtree(data)
    done = cli("run", "--dir", "data::/data", "--replay", "run.jsonl", "--env", "CASE=write", FILES)
    assert (done.code, done.out) == (0, "ok write\n")
    done = cli("run", "--replay", "run.jsonl", "--env", "CASE=append", FILES)
    assert (done.code, "which was not recorded" in done.err) == (1, True)


def test_a_file_that_is_no_recording_is_reported(cli: Cli) -> None:
    (cli.folder / "run.jsonl").write_text('{"format": "har"}\n')
    done = cli("run", "--replay", "run.jsonl", CLIENT)
    assert done.code == 1
    assert done.err.startswith('wasihost: run.jsonl:1: not a recording: expected a header with "format"')


@pytest.mark.parametrize(
    ("option", "complaint"),
    [("--replay", "cannot be read: No such file or directory"), ("--record", "cannot be written: No such file")],
)
def test_a_file_that_cannot_be_opened_is_reported(cli: Cli, option: str, complaint: str) -> None:
    done = cli("run", option, "missing/run.jsonl", CLIENT)
    assert done.code == 1
    assert done.err.startswith(f"wasihost: missing/run.jsonl {complaint}")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no device that is always full")
def test_a_disk_that_is_full_ends_the_run(cli: Cli) -> None:
    done = cli("run", "--record", "/dev/full", "--env", "CASE=print", RANDOM)
    assert done.code == 1
    assert done.err.startswith("wasihost: /dev/full cannot be written: No space left on device")
