"""`wasihost run --trace`, `--record` with several formats, `wasihost convert`."""

from __future__ import annotations

import signal

import pytest

from tests.cli import commands
from tests.cli.conftest import PREBUILT, Cli
from tests.processes import TIMEOUT_S
from wasihost._commands.cli import main

CONNECT = ("--allow-net", "--env", "FAMILY=ipv4", "--env", "CASE=connect", PREBUILT / "rust-tcp-connections.wasm")
NAMES = ("run.jsonl", "run.html", "run.pcapng")


@pytest.mark.slow
def test_a_trace_tells_on_stderr_what_happens(cli: Cli) -> None:
    done = cli("run", "--trace", *CONNECT)
    assert (done.code, done.out) == (0, "ok connect\n")
    told = [line[21:] for line in done.err.splitlines()]
    assert told[0].endswith("rust-tcp-connections.wasm starts: rust-tcp-connections.wasm")
    assert "→      12 B  to the right" in told
    assert told[-1] == "  ends: exit code 0"
    assert "\x1b" not in done.err


def test_a_trace_keeps_its_place_among_what_the_guest_writes_to_stderr(cli: Cli) -> None:
    lines = cli("run", "--trace", PREBUILT / "rust-echo-server.wasm").err.splitlines()
    complaint = next(
        number for number, line in enumerate(lines) if line.endswith("unexpected error-code: access-denied")
    )
    assert any("tcp-socket.bind: " in line and line.endswith(", access-denied") for line in lines[:complaint])
    assert lines[-1].endswith("ends: exit code 1")


def test_a_guest_of_0_2_is_traced_call_by_call(cli: Cli) -> None:
    done = cli("run", "--trace", "--env", "CASE=listen-and-connect", PREBUILT / "rust-p2-net.wasm")
    assert (done.code, done.out) == (0, "ok listen-and-connect\n")
    assert "→       4 B  ping" in done.err
    assert "wasi:sockets/tcp tcp-socket.finish-connect: " in done.err


@pytest.mark.slow
def test_a_run_is_recorded_in_several_formats_at_once(cli: Cli) -> None:
    words = [word for name in NAMES for word in ("--record", name)]
    assert cli("run", *words, *CONNECT).code == 0
    begins = [(cli.folder / name).read_bytes()[:9] for name in NAMES]
    assert begins == [b'{"format"', b"<!DOCTYPE", b"\n\r\r\n\x1c\0\0\0M"]


@pytest.mark.slow
def test_convert_gives_what_the_run_would_have_given(cli: Cli) -> None:
    words = [word for name in NAMES for word in ("--record", name)]
    cli("run", *words, *CONNECT)
    assert cli("convert", "run.jsonl", "later.html", "later.pcapng", "later.jsonl").code == 0
    for name in NAMES:
        assert (cli.folder / name).read_bytes() == (cli.folder / name.replace("run", "later")).read_bytes()


@pytest.mark.slow
def test_a_run_that_ends_badly_is_recorded_too(cli: Cli) -> None:
    assert cli("run", "--record", "run.html", PREBUILT / "rust-echo-server.wasm").code == 1
    assert "exit code 1" in (cli.folder / "run.html").read_text()


@pytest.mark.slow
def test_a_run_that_is_interrupted_is_recorded_too(cli: Cli) -> None:
    server = ("--allow-net", "--env", "CONNECTIONS=1", PREBUILT / "rust-echo-server.wasm")
    process = cli.start("run", "--record", "run.html", *server)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("listening on")
    process.send_signal(signal.SIGINT)
    assert process.wait(TIMEOUT_S) == 130
    assert "listening" in (cli.folder / "run.html").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", [("run", "--record", "no/run.html", "guest.wasm"), ("convert", "run.jsonl", "no/run.html")]
)
def test_a_file_that_cannot_be_written_is_named(cli: Cli, words: tuple[str, ...]) -> None:
    (cli.folder / "guest.wasm").write_bytes(commands.OK)
    assert cli("run", "--record", "run.jsonl", "guest.wasm").code == 0
    done = cli(*words)
    assert (done.code, done.err) == (1, "wasihost: no/run.html cannot be written: No such file or directory\n")


def test_what_is_no_recording_is_not_converted(cli: Cli) -> None:
    (cli.folder / "run.jsonl").write_text("{}\n")
    done = cli("convert", "run.jsonl", "run.html")
    assert done.code == 1
    assert done.err.startswith("wasihost: run.jsonl:1: not a recording")
    assert not (cli.folder / "run.html").exists()


@pytest.mark.parametrize("name", ["run.htm", "run", "run.json"])
def test_convert_refuses_a_name_that_says_no_format(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", "run.jsonl", name]) == 2
    error = capsys.readouterr().err
    assert error == f"wasihost: {name}: expected a file name that ends with .jsonl, .pcapng, .html\n"
