"""SIGTERM and SIGINT end `wasihost run` in order, or after a grace, and what it recorded is there."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli import commands
from tests.cli.conftest import PREBUILT, Cli
from tests.processes import TIMEOUT_S


def calling_now(body: str, imports: str = "", core_imports: str = "", exports: str = "") -> bytes:
    """A guest that calls `now` of the host, which `--trace` shows, and then does this."""
    return commands.command(
        f"(drop (call $now)) {body} i32.const 0",
        f"""(import "wasi:clocks/monotonic-clock@0.3.0" (instance $time (export "now" (func (result u64)))))
          (core func $now (canon lower (func $time "now"))) {imports}""",
        f'(import "host" "now" (func $now (result i64))) {core_imports}',
        f'(export "now" (func $now)) {exports}',
    )


COMPUTES = calling_now("(loop $for-ever (br $for-ever))")
SLEEPS = calling_now(
    "(call $block (call $subscribe (i64.const 3600000000000)))",
    """(import "wasi:io/poll@0.2.0" (instance $poll
        (export "pollable" (type $pollable (sub resource)))
        (export "[method]pollable.block" (func (param "self" (borrow $pollable))))))
      (alias export $poll "pollable" (type $pollable))
      (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
        (alias outer 1 $pollable (type $outer))
        (export "pollable" (type $own-pollable (eq $outer)))
        (export "subscribe-duration" (func (param "when" u64) (result (own $own-pollable))))))
      (core func $block (canon lower (func $poll "[method]pollable.block")))
      (core func $subscribe (canon lower (func $clock "subscribe-duration")))""",
    """(import "host" "block" (func $block (param i32)))
      (import "host" "subscribe" (func $subscribe (param i64) (result i32)))""",
    '(export "block" (func $block)) (export "subscribe" (func $subscribe))',
)
IN_A_PROVIDER = """
import sys, time
from wasihost._commands.cli import main
from wasihost._wasi.p3.clocks import MonotonicClock

def now(self):
    print("monotonic-clock.now", file=sys.stderr, flush=True)
    time.sleep(3600)

MonotonicClock.now = now
sys.exit(main(sys.argv[1:]))
"""

WHILE_IT_WRITES = """
import gc, os, sys
from wasihost._commands.cli import main
from wasihost._wasi.filesystem.directory import OsFile

number, *words = sys.argv[1:]
write = OsFile.write

def write_and_signal(self, view, offset):
    OsFile.write = write
    written = self.write(view, offset)
    os.kill(os.getpid(), int(number))
    return written

def is_below(fd):
    try:
        return os.readlink(f"/proc/self/fd/{fd}").startswith(os.path.realpath("data"))
    except OSError:  # the descriptor of the list itself
        return False

OsFile.write = write_and_signal
code = main(words)
gc.collect()
print("left open:", [fd for fd in os.listdir("/proc/self/fd") if is_below(fd)])
sys.exit(code)
"""


def started(process: subprocess.Popen[str]) -> subprocess.Popen[str]:
    """A command whose guest has called `now`."""
    assert process.stderr
    assert any("now" in line for line in process.stderr)
    return process


def blocked(cli: Cli, wasm: bytes, *options: str) -> subprocess.Popen[str]:
    """A guest that prevents the end in order."""
    (cli.folder / "guest.wasm").write_bytes(wasm)
    if wasm is SLEEPS:
        return started(cli.start("run", "--trace", "--wasip2", "native", *options, "guest.wasm"))
    return started(cli.start("run", *options, "guest.wasm", program=["-c", IN_A_PROVIDER]))


def events(path: Path) -> list[str]:
    """The kinds of the events in a transcript."""
    return [json.loads(line).get("event", "") for line in path.read_text().splitlines()]


RECORDING = ("--record", "run.jsonl", "--record", "run.html")


@pytest.mark.parametrize("wasm", [COMPUTES, SLEEPS], ids=["computes", "sleeps-in-wasi-0.2"])
def test_sigterm_ends_a_guest_in_order(cli: Cli, write: Callable[[bytes], str], wasm: bytes) -> None:
    process = started(cli.start("run", "--trace", "--learn-policy", *RECORDING, write(wasm)))
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 143
    assert err.endswith("wasihost: this run needed no rules\n")
    assert events(cli.folder / "run.jsonl")[-1] == "guest-ended"
    assert "still running" not in (cli.folder / "run.html").read_text()


@pytest.mark.slow
def test_sigterm_ends_a_server_in_order_also_where_sigint_is_ignored(cli: Cli) -> None:
    server = cli.start(
        *("run", "--learn-policy", *RECORDING, PREBUILT / "rust-echo-server.wasm"),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # as for a job in the background of a script
    )
    assert server.stdout
    assert server.stdout.readline().startswith("listening on")
    server.send_signal(signal.SIGTERM)
    _, err = server.communicate(timeout=TIMEOUT_S)
    assert (server.returncode, err.splitlines()[-1]) == (143, "--allow-inbound 'tcp://127.0.0.1:*'")
    assert events(cli.folder / "run.jsonl")[-1] == "guest-ended"


@pytest.mark.parametrize("wasm", [SLEEPS, COMPUTES], ids=["native-sleep", "blocking-provider"])
def test_after_the_grace_the_process_ends_whatever_the_guest_does(cli: Cli, wasm: bytes) -> None:
    process = blocked(cli, wasm, "--grace", "0.1", "--learn-policy", *RECORDING)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 143
    assert err.endswith("wasihost: this run needed no rules\n")
    assert events(cli.folder / "run.jsonl")[1] == "guest-started"
    assert "still running at the end" in (cli.folder / "run.html").read_text()


@pytest.mark.parametrize("wasm", [SLEEPS, COMPUTES], ids=["native-sleep", "blocking-provider"])
@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_that_is_sigint_ends_the_process_at_once(cli: Cli, wasm: bytes, first: int) -> None:
    process = blocked(cli, wasm, "--grace", "3600", *RECORDING)
    process.send_signal(first)
    while process.poll() is None:
        process.send_signal(signal.SIGINT)  # again and again: of two that wait the system keeps one
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
    assert process.returncode == 130
    assert "still running at the end" in (cli.folder / "run.html").read_text()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_closes_the_files_of_the_guest_and_keeps_what_it_wrote(
    cli: Cli, number: signal.Signals, code: int
) -> None:
    data = cli.folder / "data"
    data.mkdir()
    options = ("--dir", "data::/data", "--env", "CASE=load-write", "--env", f"BYTES={1 << 30}")
    words = (str(int(number)), "run", *options, PREBUILT / "rust-files.wasm")
    done = cli.finish(cli.start(*words, program=["-c", WHILE_IT_WRITES]))
    assert (done.code, done.out, done.err) == (code, "left open: []\n", "")
    written = (data / "load").read_bytes()
    assert 0 < len(written) < 1 << 30
    assert written == bytes([7]) * len(written)


def test_a_transcript_is_written_as_it_comes(cli: Cli) -> None:
    server = cli.start("run", "--allow-net", *RECORDING, PREBUILT / "rust-echo-server.wasm")
    assert server.stdout
    assert server.stdout.readline().startswith("listening on")
    server.kill()
    server.wait(TIMEOUT_S)
    assert "listening" in events(cli.folder / "run.jsonl")


@pytest.mark.parametrize("text", ["-1", "nan", "soon", "1e9"])
def test_a_grace_is_a_number_of_seconds(cli: Cli, text: str) -> None:
    done = cli("run", f"--grace={text}", "guest.wasm")
    assert done.code == 2
    assert f"argument --grace: '{text}' is not a number of seconds from 0 to 1,000,000" in done.err
